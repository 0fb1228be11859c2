"""Patch-diff: the mask source that needs no model. It selects the cells that changed since the last frame.

The score of a cell is the mean, over its pixels and the three colours, of the absolute change of the
normalised value ``(u8 / 127.5 - 1 - mean) / std`` that AutoGaze's processor produces. For a change in bytes
that is ``|change| / (127.5 * std)``. With the default threshold of 0.15 a cell is selected when its pixels
changed by more than about 4.3 grey levels on average.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..frames import changes
from ..frames.pixel_kernels import installed
from ..frames.rgba import Rgba, Words, as_words
from ..frames.words import MAX_ROWS_PER_LANE_SUM, absolute_difference
from ..limits import MAX_GRID, expect, is_finite, is_whole, shown
from .cells import Cells, cell_edges
from .choice import Description

# Standard deviations of red, green and blue in AutoGaze's processor. Its means cancel out in a difference.
IMAGE_STD = (0.229, 0.224, 0.225)
LEVELS_PER_UNIT = 127.5
_WEIGHTS = 1 / (LEVELS_PER_UNIT * np.array(IMAGE_STD))

Scores = NDArray[np.float64]
Indices = NDArray[np.intp]  # 32 bits wide under WebAssembly


@dataclass(frozen=True)
class PatchDiff:
    """Settings of the patch-diff mask source.

    Attributes:
        grid: cells per side, at least 1.
        threshold: a cell is selected when its score is greater than this; finite, at least 0.

    Examples:
        >>> import numpy as np
        >>> from autogaze_web import PatchDiff
        >>> before = np.zeros((90, 160, 4), np.uint8)
        >>> after = before.copy()
        >>> after[45:, :80] = 255
        >>> cells = PatchDiff(grid=2, threshold=0.15)(before, after)
        >>> list(zip(cells.row.tolist(), cells.col.tolist()))
        [(1, 0)]
    """

    grid: int = 14
    threshold: float = 0.15

    def __post_init__(self) -> None:
        if not is_whole(self.grid) or self.grid < 1:
            raise ValueError(f"patch-diff's grid has at least 1 cell per side, got {shown(self.grid)}")
        if self.grid > MAX_GRID:
            raise ValueError(
                f"patch-diff's grid has at most {MAX_GRID} cells per side, got {shown(self.grid)}"
            )
        if not (is_finite(self.threshold) and self.threshold >= 0):
            raise ValueError(
                f"patch-diff's threshold is a finite number of at least 0, got {shown(self.threshold)}"
            )

    def __call__(self, previous: Rgba, current: Rgba) -> Cells:
        """The cells that changed by more than the threshold, largest change first."""
        return active_cells(patch_difference(previous, current, self.grid), self.threshold)

    def describe(self) -> Description:
        """The settings as a trace names them (``docs/trace.md``)."""
        return {"name": "patch-diff", "grids": [self.grid], "threshold": self.threshold}


def patch_difference(
    previous: Rgba, current: Rgba, grid: int = 14, changed: changes.BlockFlags | None = None
) -> Scores:
    """Scores of all cells: their mean absolute normalised change.

    Args:
        previous, current: (H, W, 4) uint8 frames of equal size (``as_frame``).
        grid: cells per side.
        changed: ``changed_blocks`` of the two frames, if already known.

    Returns:
        (grid, grid) float64, at least 0. A pixel that neighbouring cells share (``cell_edges``) counts in
        full for each.

    Raises:
        ValueError: if the frames differ in size.
    """
    for frame in (previous, current):
        expect(frame, np.ndarray, "a frame")
    if previous.shape != current.shape:
        raise ValueError(f"both frames must have one size, got {previous.shape[:2]} and {current.shape[:2]}")
    return scores_of(cell_sums(previous, current, grid, changed), *current.shape[:2])


def cell_sums(
    previous: Rgba, current: Rgba, grid: int, changed: changes.BlockFlags | None = None
) -> NDArray[np.int64]:
    """Sums of the absolute changes of all bytes in each cell, exactly.

    Args:
        previous, current, grid, changed: see `patch_difference`.

    Returns:
        (grid, grid, 3): of red, green and blue.
    """
    rows, columns = (_axis(grid, extent) for extent in current.shape[:2])
    before, after = as_words(previous), as_words(current)
    if changed is None:
        changed = changes.changed_blocks(before, after)
    kernels = installed()
    differences = kernels.atom_differences if kernels else _atom_differences
    sums = differences(before, after, changed, rows.edges, columns.edges)
    return _range_sums(_range_sums(sums, rows.first, rows.end, 0), columns.first, columns.end, 1)


def scores_of(sums: NDArray[np.int64], height: int, width: int) -> Scores:
    """The scores of a frame of ``height x width`` pixels from its `cell_sums`."""
    return np.asarray((sums @ _WEIGHTS) / _values_of_cells(len(sums), height, width))


@lru_cache(maxsize=8)
def _values_of_cells(grid: int, height: int, width: int) -> NDArray[np.float64]:
    """(grid, grid): how many values of a colour each cell of a frame has."""
    return 3.0 * np.multiply.outer(_axis(grid, height).length, _axis(grid, width).length)


def active_cells(scores: Scores, threshold: float) -> Cells:
    """Cells whose score is finite and above the threshold: by score, largest first, ties row by row.

    The confidence is ``score / threshold`` clamped to 1, hence always 1. With a threshold of 0 it is the
    score itself, clamped to 1.
    """
    flat = scores.reshape(-1)
    index = np.flatnonzero(np.isfinite(flat) & (flat > threshold))
    index = index[np.argsort(-flat[index], kind="stable")]
    confidence = np.minimum(flat[index] / threshold if threshold > 0 else flat[index], 1)
    confidence = np.maximum(confidence, np.finfo(np.float32).eps)
    grid = scores.shape[0]
    row, column = (each.astype(np.int32) for each in np.divmod(index, grid))
    return Cells(np.full(index.size, grid, np.int32), row, column, confidence.astype(np.float32))


@dataclass(frozen=True)
class _Axis:
    """One axis of the frame, cut at all cell edges into atoms.

    Attributes:
        edges: pixel edges of the atoms, from 0 to the end of the axis.
        first, end: first and end atom (exclusive) of each cell.
        length: length of each cell in pixels.
    """

    edges: NDArray[np.int32]
    first: Indices
    end: Indices
    length: NDArray[np.int64]


@lru_cache(maxsize=16)
def _axis(grid: int, extent: int) -> _Axis:
    start, end = (edge.astype(np.int64) for edge in cell_edges(grid, extent))
    # The sums of longer atoms would overflow the 16-bit lanes they are computed in.
    limits = np.arange(0, extent, MAX_ROWS_PER_LANE_SUM)
    atoms = np.unique(np.concatenate([start, end[end < extent], limits]))
    first, stop = np.searchsorted(atoms, start), np.searchsorted(atoms, end)
    return _Axis(np.append(atoms, extent).astype(np.int32), first, stop, end - start)


def _atom_differences(
    before: Words,
    after: Words,
    changed: changes.BlockFlags,
    rows: NDArray[np.int32],
    columns: NDArray[np.int32],
) -> NDArray[np.int64]:
    """``PixelKernels.atom_differences`` with NumPy."""
    row_atoms, column_atoms = (edges[:-1].astype(np.intp) for edges in (rows, columns))
    by_row = _RowSums(row_atoms.size, after.shape[1])
    for region in changes.regions(changed, after.shape):
        by_row.add(before[region], after[region], region, row_atoms)
    return by_row.by_column(column_atoms)


class _RowSums:
    """Absolute differences summed over the rows of each atom, for each column of pixels.

    The sums stay in the 16-bit lanes of ``absolute_difference``, which hold the sum of any atom's rows.
    """

    def __init__(self, atoms: int, columns: int):
        self._red_blue = np.zeros((atoms, columns), np.uint64)
        self._green = np.zeros((atoms, columns), np.uint64)

    def add(self, before: Words, after: Words, region: changes.Region, atoms: Indices) -> None:
        """Adds the differences of a region; ``atoms`` are the first rows of all atoms."""
        rows, columns = region
        first = int(np.searchsorted(atoms, rows.start, side="right")) - 1
        end = int(np.searchsorted(atoms, rows.stop, side="left"))
        starts = np.maximum(atoms[first:end] - rows.start, 0)
        red_blue, green = absolute_difference(before, after)
        self._red_blue[first:end, columns] += np.add.reduceat(red_blue, starts, axis=0)
        self._green[first:end, columns] += np.add.reduceat(green, starts, axis=0)

    def by_column(self, atoms: Indices) -> NDArray[np.int64]:
        """(row atoms, column atoms, 3): the sums of red, green and blue over each atom."""
        red_blue = self._red_blue.view(np.uint16).reshape(len(self._red_blue), -1, 2)
        green = self._green.view(np.uint16).reshape(len(self._green), -1, 2)
        planes = (red_blue[..., 0], green[..., 0], red_blue[..., 1])
        sums = [np.add.reduceat(plane.astype(np.int64), atoms, axis=1) for plane in planes]
        return np.stack(sums, axis=-1)


def _range_sums(values: NDArray[np.int64], first: Indices, end: Indices, axis: int) -> NDArray[np.int64]:
    """Sums of ``values[first[i]:end[i]]`` along an axis, in exact integers."""
    shape = list(values.shape)
    shape[axis] += 1
    running = np.zeros(shape, np.int64)
    np.cumsum(values, axis=axis, out=running[(slice(None),) * axis + (slice(1, None),)])
    sums: NDArray[np.int64] = running.take(end, axis=axis) - running.take(first, axis=axis)
    return sums
