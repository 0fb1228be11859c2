"""The union of overlapping cells as disjoint rectangles of pixels, so that each pixel counts once.

The frame is cut along every edge of every rectangle into a *lattice*, whose pieces are called atoms. A
rectangle is then a range of atoms, and the union is a small boolean table. Its size depends on the number of
distinct edges rather than on the number of cells, and it is exact, because edges lie between pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..frames.rectangles import Box, IntArray, bounding_box, first_covering, pixel_count, rectangles_of
from .cells import Cells
from .fixations import Fixations


@dataclass(frozen=True)
class Lattice:
    """A frame cut along horizontal and vertical lines.

    Attributes:
        rows: (R + 1,) int32, pixel edges ascending from 0 to the frame's height.
        columns: (C + 1,) int32, pixel edges ascending from 0 to its width.
    """

    rows: IntArray
    columns: IntArray

    @staticmethod
    def of(rectangles: IntArray, height: int, width: int) -> Lattice:
        """The lattice of all edges of rectangles (N, 4: y0, x0, y1, x1) inside the frame."""
        return Lattice(
            np.unique(np.concatenate([rectangles[:, 0], rectangles[:, 2], np.array([0, height], np.int32)])),
            np.unique(np.concatenate([rectangles[:, 1], rectangles[:, 3], np.array([0, width], np.int32)])),
        )

    def covered(self, rectangles: IntArray) -> NDArray[np.bool_]:
        """(R, C): which atoms the rectangles cover; all of their edges must be lines of the lattice."""
        (covered,) = self.covered_layers(rectangles, np.zeros(len(rectangles), np.intp), 1)
        return np.asarray(covered)

    def covered_layers(self, rectangles: IntArray, layer: NDArray[np.intp], layers: int) -> NDArray[np.bool_]:
        """(layers, R, C): the same for each layer of rectangles; ``layer`` (N,) is the layer of each."""
        shape = (layers, self.rows.size, self.columns.size)
        y0, x0, y1, x1 = self.atoms_of(rectangles)
        upper, lower = ((layer * shape[1] + y) * shape[2] for y in (y0, y1))
        size = layers * shape[1] * shape[2]
        plus = np.bincount(np.concatenate([upper + x0, lower + x1]), minlength=size)
        minus = np.bincount(np.concatenate([upper + x1, lower + x0]), minlength=size)
        depth = np.subtract(plus, minus, out=plus).reshape(shape)
        np.cumsum(depth, axis=1, out=depth)
        np.cumsum(depth, axis=2, out=depth)
        covered: NDArray[np.bool_] = depth[:, :-1, :-1] > 0
        return covered

    def uncovered(
        self, rectangles: IntArray, layer: NDArray[np.intp], covered: NDArray[np.bool_]
    ) -> NDArray[np.intp]:
        """(N,): number of atoms of each rectangle that are not ``covered`` (layers, R, C) in its layer."""
        free = np.zeros((len(covered), self.rows.size, self.columns.size), np.intp)
        np.logical_not(covered, out=free[:, 1:, 1:], casting="unsafe")
        np.cumsum(free, axis=1, out=free)
        np.cumsum(free, axis=2, out=free)
        y0, x0, y1, x1 = self.atoms_of(rectangles)
        return free[layer, y1, x1] - free[layer, y0, x1] - free[layer, y1, x0] + free[layer, y0, x0]

    def covered_up_to(self, rectangles: IntArray) -> NDArray[np.int64]:
        """(N + 1,): how many pixels the first k rectangles cover together, for k from 0 to N."""
        atoms = np.stack(self.atoms_of(rectangles), axis=-1)
        first = first_covering(atoms, self.rows.size - 1, self.columns.size - 1)
        areas = np.diff(self.rows)[:, None] * np.diff(self.columns)
        added = np.bincount(first.ravel(), areas.ravel(), len(rectangles) + 1)[: len(rectangles)]
        return np.append(0, np.cumsum(added)).astype(np.int64)

    def atoms_of(self, rectangles: IntArray) -> list[NDArray[np.intp]]:
        """y0, x0, y1, x1 of rectangles (N, 4), each (N,), as indices of the lines that they lie on."""
        return [
            np.searchsorted(lines, rectangles[:, side])
            for side, lines in enumerate((self.rows, self.columns, self.rows, self.columns))
        ]


@dataclass(frozen=True)
class UpdatePlan:
    """The union of cells as disjoint rectangles of pixels.

    Attributes:
        rectangles: (M, 4) int32 of y0, x0, y1, x1, ends exclusive; disjoint, in reading order
            (``rectangles_of``).
        pixel_count: number of pixels in the union.
        ratio: fraction of the frame's pixels that are in the union, 0 .. 1.
        lattice, covered: the lattice that the rectangles were made from, and which of its atoms are covered.
    """

    rectangles: IntArray
    pixel_count: int
    ratio: float
    lattice: Lattice
    covered: NDArray[np.bool_]

    @cached_property
    def box(self) -> Box:
        """The smallest box around the union, an empty one at the origin if there is none."""
        return bounding_box(self.rectangles)

    def pixels(self) -> NDArray[np.bool_]:
        """(height, width): which pixels are in the union."""
        heights, widths = np.diff(self.lattice.rows), np.diff(self.lattice.columns)
        return self.covered.repeat(widths, axis=1).repeat(heights, axis=0)


def plan_update(cells: Cells | Fixations, height: int, width: int) -> UpdatePlan:
    """The pixels that cells with a confidence above 0 cover in a frame of ``height x width`` pixels.

    >>> plan_update(Cells.of(2, [0, 0], [0, 1]), 90, 160).rectangles.tolist()
    [[0, 0, 45, 160]]
    """
    rectangles = Fixations.of(cells).visible().rectangles(height, width)
    return plan_rectangles(rectangles, height, width)


def plan_rectangles(rectangles: IntArray, height: int, width: int) -> UpdatePlan:
    """The union of rectangles (N, 4: y0, x0, y1, x1) inside a frame of ``height x width`` pixels."""
    lattice = Lattice.of(rectangles, height, width)
    return plan_from_cover(lattice, lattice.covered(rectangles))


def plan_from_cover(lattice: Lattice, covered: NDArray[np.bool_]) -> UpdatePlan:
    """The plan for the covered atoms (R, C) of a lattice."""
    merged = rectangles_of(covered)
    rectangles = np.empty(merged.shape, np.int32)
    rectangles[:, ::2] = lattice.rows[merged[:, ::2]]
    rectangles[:, 1::2] = lattice.columns[merged[:, 1::2]]
    pixels = pixel_count(rectangles)
    total = int(lattice.rows[-1]) * int(lattice.columns[-1])
    return UpdatePlan(rectangles, pixels, pixels / total, lattice, covered)
