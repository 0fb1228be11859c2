"""Which blocks of two frames differ, found at a fraction of the cost of computing by how much.

A camera's noise changes every pixel, but a screen, a clip with a still background or a synthetic source
leaves most pixels exactly as they were. The expensive steps (patch differences, squared errors) process
only the blocks reported here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .pixel_kernels import installed
from .rectangles import rectangles_of
from .rgba import Words

BLOCK_ROWS = 16
BLOCK_WORDS = 16  # 32 pixels

# Most block rows in a region: enough to amortise NumPy's overhead per call, few enough that unchanged blocks
# of a row are skipped.
_BLOCK_ROWS_PER_REGION = 12

# The fixed cost of a region, in blocks: about 30 NumPy calls, where the differences of one block take 3 us
# under Pyodide.
_REGION_OVERHEAD = 12

_PROBE_ROW = BLOCK_ROWS // 2

BlockFlags = NDArray[np.bool_]
Region = tuple[slice, slice]


def block_grid(shape: tuple[int, ...]) -> tuple[int, int]:
    """Number of block rows and block columns for words of a shape (H, W / 2)."""
    return -(-shape[0] // BLOCK_ROWS), -(-shape[1] // BLOCK_WORDS)


def changed_blocks(previous: Words, current: Words) -> BlockFlags:
    """Which blocks of 16 rows x 32 pixels have any differing byte.

    Args:
        previous, current: (H, W / 2) words of equal shape.

    Returns:
        (ceil(H / 16), ceil(W / 32)) bool.
    """
    if kernels := installed():
        return kernels.changed_blocks(previous, current)
    flags = np.zeros(block_grid(current.shape), np.bool_)
    # A camera's noise shows in any single row of a block. Only the block rows that still have an unflagged
    # block are compared in full.
    probed = _any_in_columns(previous[_PROBE_ROW::BLOCK_ROWS] ^ current[_PROBE_ROW::BLOCK_ROWS])
    flags[: len(probed)] = probed
    for first, end in _runs(np.logical_not(flags.all(axis=1))):
        for row in range(first, end, _BLOCK_ROWS_PER_REGION):
            last = min(row + _BLOCK_ROWS_PER_REGION, end)
            pixels = slice(row * BLOCK_ROWS, last * BLOCK_ROWS)
            differs = reduce_rows(np.bitwise_or, previous[pixels] ^ current[pixels], BLOCK_ROWS)
            flags[row:last] |= _any_in_columns(differs)
    return flags


def reduce_rows(ufunc: np.ufunc, array: NDArray[Any], rows: int) -> NDArray[Any]:
    """``ufunc.reduceat`` over groups of ``rows`` rows, in less than half the time.

    Args:
        ufunc: a ufunc with ``reduce``, such as ``np.add``.
        array: (H, W).
        rows: size of a group; the last group may have fewer.

    Returns:
        (ceil(H / rows), W), of the array's dtype.
    """
    height, width = array.shape
    whole = height // rows
    groups = array[: whole * rows].reshape(whole, rows, width)
    if whole * rows == height:
        return np.asarray(ufunc.reduce(groups, axis=1, dtype=array.dtype))
    out = np.empty((whole + 1, width), array.dtype)
    ufunc.reduce(groups, axis=1, dtype=array.dtype, out=out[:whole])
    ufunc.reduce(array[whole * rows :], axis=0, dtype=array.dtype, out=out[whole])
    return out


def block_tables(array: Words) -> Iterator[tuple[Region, Words]]:
    """The blocks of a frame as tables of blocks of one size.

    There are up to four tables, because blocks at the frame's right and bottom edges may be smaller.

    Args:
        array: (H, W / 2) words.

    Yields:
        The table's slices of the grid of all blocks, and its words as a view (R, C, rows, words).
    """
    for first_row, row_count, height in _size_groups(array.shape[0], BLOCK_ROWS):
        for first_column, column_count, width in _size_groups(array.shape[1], BLOCK_WORDS):
            top, left = first_row * BLOCK_ROWS, first_column * BLOCK_WORDS
            part = array[top : top + row_count * height, left : left + column_count * width]
            where = (
                slice(first_row, first_row + row_count),
                slice(first_column, first_column + column_count),
            )
            yield where, part.reshape(row_count, height, column_count, width).swapaxes(1, 2)


def words_of_blocks(table: Words, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Words:
    """The words of N blocks of a table (R, C, rows, words), as (N, rows * words)."""
    # NumPy copies the rows of blocks in half the time if each row is a single item.
    items = table.view(np.dtype((np.void, table.shape[3] * table.itemsize)))
    return items[rows, columns].view(np.uint64).reshape(len(rows), -1)


def regions(flags: BlockFlags, shape: tuple[int, ...]) -> Iterator[Region]:
    """Disjoint regions of words that contain every flagged block and few others.

    A region includes unflagged blocks where that is cheaper than splitting it in two.

    Args:
        flags: as returned by ``changed_blocks``.
        shape: shape (H, W / 2) of the words.

    Yields:
        Row and column slices into the words, from top to bottom.
    """
    for run_start, run_end in _runs(np.asarray(flags.any(axis=1))):
        for first in range(run_start, run_end, _BLOCK_ROWS_PER_REGION):
            last = min(first + _BLOCK_ROWS_PER_REGION, run_end)
            for y0, x0, y1, x1 in _cheapest_rectangles(flags[first:last]):
                yield (
                    slice((first + y0) * BLOCK_ROWS, min((first + y1) * BLOCK_ROWS, shape[0])),
                    slice(x0 * BLOCK_WORDS, min(x1 * BLOCK_WORDS, shape[1])),
                )


def _cheapest_rectangles(flags: BlockFlags) -> list[list[int]]:
    """The rectangles of the flagged blocks, or their bounding box if that is cheaper."""
    separate = rectangles_of(flags)
    (y0, x0), (y1, x1) = separate[:, :2].min(axis=0), separate[:, 2:].max(axis=0)
    blocks = int(((separate[:, 2] - separate[:, 0]) * (separate[:, 3] - separate[:, 1])).sum())
    if (y1 - y0) * (x1 - x0) <= blocks + _REGION_OVERHEAD * (len(separate) - 1):
        return [[int(y0), int(x0), int(y1), int(x1)]]
    rectangles: list[list[int]] = separate.tolist()
    return rectangles


def _size_groups(extent: int, size: int) -> list[tuple[int, int, int]]:
    """The blocks of an axis by size: (index of the first one, number of blocks, extent of each)."""
    whole, rest = divmod(extent, size)
    groups = [(0, whole, size), (whole, 1, rest)]
    return [group for group in groups if group[1] and group[2]]


def _any_in_columns(differs: Words) -> BlockFlags:
    """Which groups of BLOCK_WORDS columns have any bit set, per row: (H, W) to (H, ceil(W / 16))."""
    starts = np.arange(0, differs.shape[1], BLOCK_WORDS)
    return np.not_equal(np.bitwise_or.reduceat(differs, starts, axis=1), 0)


def _runs(marked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and end index of every run of True."""
    padded = np.zeros(marked.size + 2, np.bool_)
    padded[1:-1] = marked
    steps = np.flatnonzero(padded[1:] != padded[:-1]).tolist()
    return list(zip(steps[::2], steps[1::2], strict=True))
