"""A mask panel as a table of paints, from which each of its pixels follows by itself.

The frame is cut along the edges of everything that is drawn, and each piece has one paint. ``MaskPanel`` does
not need this table: it draws only what changed. A GPU paints every pixel anew, and takes the whole table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..frames.words import BlendWeights
from ..masks.footprint import Footprint
from ..masks.update_plan import Lattice
from .cell_drawing import paint_footprint
from .mask_panel import CELL_PAINTERS, PanelMode
from .palette import Palette


class Paint(IntEnum):
    """What a pixel of the mask panel is made of."""

    CLEAR = 0
    """Transparent black."""
    PICTURE = 1
    """The frame's pixel."""
    DIMMED = 2
    """The frame's pixel, dimmed (``outlines.dim``)."""
    OPAQUE = 3
    """A colour."""
    BLENDED = 4
    """A colour over the frame's pixel (``words.blend``)."""


_GROUNDS = {
    "image-mask-only": Paint.CLEAR,
    "image-overlay": Paint.PICTURE,
    "overlay": Paint.OPAQUE,
    "scale-rows": Paint.OPAQUE,
    "outlines": Paint.DIMMED,
}


@dataclass(frozen=True, eq=False)
class PaintedMask:
    """The paint of every pixel.

    Attributes:
        lattice: lattice of the edges of all paints.
        atoms: (R, C) uint8, index into ``paints`` for each atom; 0 for the ground.
        paints: (K, 4) uint32: a `Paint`, then for red, green and blue a byte, or the addends of a blend
            (``BlendWeights.addend``); zeros where the paint has no colour.
        weight: of the picture in a blend (``BlendWeights.source``).
    """

    lattice: Lattice
    atoms: NDArray[np.uint8]
    paints: NDArray[np.uint32]
    weight: int


@dataclass(frozen=True, eq=False)
class MaskDrawing:
    """How one frame's mask is to be shown.

    Attributes:
        mask: the mask.
        mode: one of ``mask_panel.PANEL_MODES``.
        alpha: weight of the colours over the picture, 0 .. 1.
        palette: name of a palette (``Palette.named``).
    """

    mask: Footprint
    mode: PanelMode
    alpha: float
    palette: str

    @cached_property
    def painted(self) -> PaintedMask:
        """The whole panel as paints.

        >>> from autogaze_web import Cells, footprint
        >>> mask = footprint(Cells.of(grid=1, row=0, col=0), height=4, width=6)
        >>> painted = MaskDrawing(mask, "overlay", 0.38, "standard").painted
        >>> painted.atoms.tolist()  # an outline of one pixel around the fill
        [[2, 2, 2], [2, 1, 2], [2, 2, 2]]
        >>> painted.paints[:, 0].tolist() == [Paint.OPAQUE] * 3
        True
        """
        cells = CELL_PAINTERS.get(self.mode, paint_footprint)(self.mask, Palette.named(self.palette))
        weights = BlendWeights.of(self.alpha)
        paints = np.zeros((len(cells.colours), 4), np.uint32)
        if self.mode in ("image-mask-only", "image-overlay"):
            paints[:, 0], paints[:, 1:] = Paint.BLENDED, weights.addend(cells.colours)
        else:
            paints[:, 0], paints[:, 1:] = Paint.OPAQUE, cells.colours
        paints[0] = 0
        paints[0, 0] = _GROUNDS[self.mode]
        lattice, atoms = cells.lattice, cells.colour_index
        if self.mode == "outlines":
            lattice, atoms = _with_lit_cells(lattice, atoms, self.mask, len(paints))
            paints = np.append(paints, np.array([[Paint.PICTURE, 0, 0, 0]], np.uint32), axis=0)
        return PaintedMask(lattice, atoms, paints, weights.source)


def _with_lit_cells(
    lines: Lattice, atoms: NDArray[np.uint8], mask: Footprint, lit: int
) -> tuple[Lattice, NDArray[np.uint8]]:
    """A lattice of the outlines' edges and the mask's, with paint ``lit`` where the mask has no outline."""
    cells = mask.plan.lattice
    both = Lattice(np.union1d(lines.rows, cells.rows), np.union1d(lines.columns, cells.columns))
    drawn = atoms[_atoms_of(lines, both)]
    covered = mask.plan.covered[_atoms_of(cells, both)]
    return both, np.where((drawn == 0) & covered, np.uint8(lit), drawn)


def _atoms_of(coarse: Lattice, fine: Lattice) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Index of the atoms of a lattice in which those of a finer one lie."""
    rows = np.searchsorted(coarse.rows, fine.rows[:-1], side="right") - 1
    columns = np.searchsorted(coarse.columns, fine.columns[:-1], side="right") - 1
    return rows[:, None], columns
