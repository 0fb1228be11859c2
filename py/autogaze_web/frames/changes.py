"""Where two frames differ at all, found at a fraction of the cost of saying by how much.

A camera sees noise everywhere, but a screen, a clip with a still background or a synthetic source
leaves most pixels exactly as they were. The expensive steps (patch differences, squared errors) only
look at the blocks named here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .rectangles import rectangles_of
from .rgba import Words

BLOCK_ROWS = 16
BLOCK_WORDS = 16  # 32 pixels

# Block rows worked on together: large enough to keep NumPy's overhead per call small, small enough to pass
# over much of what is equal in a row of blocks.
_BLOCK_ROWS_PER_REGION = 12

# What a region costs beside its pixels, in blocks: some 30 of NumPy's calls, while a block's differences take
# 3 us under Pyodide.
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
    flags = np.zeros(block_grid(current.shape), np.bool_)
    # A camera's noise shows in any one row of a block; only blocks that are still equal are read in full.
    probed = _any_in_columns(previous[_PROBE_ROW::BLOCK_ROWS] ^ current[_PROBE_ROW::BLOCK_ROWS])
    flags[: len(probed)] = probed
    for first, end in _runs(np.logical_not(flags.all(axis=1))):
        pixels = slice(first * BLOCK_ROWS, end * BLOCK_ROWS)
        differs = reduce_rows(np.bitwise_or, previous[pixels] ^ current[pixels], BLOCK_ROWS)
        flags[first:end] |= _any_in_columns(differs)
    return flags


def reduce_rows(ufunc: np.ufunc, array: NDArray[Any], rows: int) -> NDArray[Any]:
    """What ``ufunc.reduceat`` over every ``rows`` rows gives, at less than half of its time.

    Args:
        ufunc: with a ``reduce``, such as ``np.add``.
        array: (H, W).
        rows: of a group; the last group may have fewer.

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
    """The blocks as tables of equal ones: up to four, since those at the frame's edges may be smaller.

    Args:
        array: (H, W / 2) words.

    Yields:
        Where a table lies in the grid of all blocks, and the view (R, C, rows, words) of its words.
    """
    for first_row, row_count, height in _equal_pieces(array.shape[0], BLOCK_ROWS):
        for first_column, column_count, width in _equal_pieces(array.shape[1], BLOCK_WORDS):
            top, left = first_row * BLOCK_ROWS, first_column * BLOCK_WORDS
            part = array[top : top + row_count * height, left : left + column_count * width]
            where = (
                slice(first_row, first_row + row_count),
                slice(first_column, first_column + column_count),
            )
            yield where, part.reshape(row_count, height, column_count, width).swapaxes(1, 2)


def words_of_blocks(table: Words, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Words:
    """(N, words) of some blocks of a table (R, C, rows, words), each row by row."""
    # As one item each, NumPy copies the rows of blocks in half of the time.
    items = table.view(np.dtype((np.void, table.shape[3] * table.itemsize)))
    return items[rows, columns].view(np.uint64).reshape(len(rows), -1)


def regions(flags: BlockFlags, shape: tuple[int, ...]) -> Iterator[Region]:
    """Disjoint regions of words that contain every flagged block and few others.

    Blocks between flagged ones are taken along where that costs less than one more region.

    Args:
        flags: as from ``changed_blocks``.
        shape: of the words, (H, W / 2).

    Yields:
        Row and column slices into the words, from top to bottom.
    """
    for run_start, run_end in _runs(np.asarray(flags.any(axis=1))):
        for first in range(run_start, run_end, _BLOCK_ROWS_PER_REGION):
            last = min(first + _BLOCK_ROWS_PER_REGION, run_end)
            for y0, x0, y1, x1 in _pieces(flags[first:last]):
                yield (
                    slice((first + y0) * BLOCK_ROWS, min((first + y1) * BLOCK_ROWS, shape[0])),
                    slice(x0 * BLOCK_WORDS, min(x1 * BLOCK_WORDS, shape[1])),
                )


def _pieces(flags: BlockFlags) -> list[list[int]]:
    """The flagged blocks' own rectangles, or one around all of them: what costs less."""
    alone = rectangles_of(flags)
    (y0, x0), (y1, x1) = alone[:, :2].min(axis=0), alone[:, 2:].max(axis=0)
    blocks = int(((alone[:, 2] - alone[:, 0]) * (alone[:, 3] - alone[:, 1])).sum())
    if (y1 - y0) * (x1 - x0) <= blocks + _REGION_OVERHEAD * (len(alone) - 1):
        return [[int(y0), int(x0), int(y1), int(x1)]]
    pieces: list[list[int]] = alone.tolist()
    return pieces


def _equal_pieces(extent: int, size: int) -> list[tuple[int, int, int]]:
    """Index of the first, number and extent: of the pieces of full size, and of the rest if there is one."""
    whole, rest = divmod(extent, size)
    pieces = [(0, whole, size), (whole, 1, rest)]
    return [piece for piece in pieces if piece[1] and piece[2]]


def _any_in_columns(differs: Words) -> BlockFlags:
    """Which groups of BLOCK_WORDS columns have a bit set, row by row: (H, W) to (H, ceil(W / 16))."""
    starts = np.arange(0, differs.shape[1], BLOCK_WORDS)
    return np.not_equal(np.bitwise_or.reduceat(differs, starts, axis=1), 0)


def _runs(marked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and end index of every run of True."""
    padded = np.zeros(marked.size + 2, np.bool_)
    padded[1:-1] = marked
    steps = np.flatnonzero(padded[1:] != padded[:-1]).tolist()
    return list(zip(steps[::2], steps[1::2], strict=True))
