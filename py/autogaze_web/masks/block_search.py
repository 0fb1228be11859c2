"""Where each block of a frame was in another one: the best of all places, compared with few of them.

A block differs from a place by at least as much as the sums of their 4x4 parts differ (successive
elimination, Li and Salari 1995). Sums are compared with all places, pixels only with those that can still be
the best one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from numpy.typing import NDArray

BLOCK: Final = 16
"""Side of a block in pixels; blocks at the right and bottom edge may be smaller."""
MOVE_COST: Final = 256
"""What another place than its own costs a block, in grey levels times pixels: noise moves nothing."""

Greys = NDArray[np.uint8]
Numbers = NDArray[np.intp]

_PART: Final = 4
_NEVER: Final = 65535  # above every difference of two blocks
# Pairs of a block and a place that are compared at once, and blocks: so much fits into a CPU's cache.
_PAIRS_AT_ONCE: Final = 512
_BLOCKS_AT_ONCE: Final = 512
_EVEN_BYTES, _ONE_BYTE = np.uint64(0x00FF00FF00FF00FF), np.uint64(8)


def search(old: Greys, new: Greys, reach: int) -> NDArray[np.int64]:
    """The best place of each block, among those up to ``reach`` pixels away that lie within the old frame.

    Args:
        old, new: (H, W) grey levels.
        reach: pixels to search in every direction.

    Returns:
        (rows, columns, 2): pixels down and right to the place with the least sum of absolute differences plus
        ``MOVE_COST``; of equally good places the nearest, of equally near ones the first row by row.
    """
    width = new.shape[1]
    rows = max(1, _BLOCKS_AT_ONCE // -(-width // BLOCK))
    bands = (_band(old, new, top, rows * BLOCK, reach) for top in range(0, len(new), rows * BLOCK))
    return np.concatenate([_displacements(band) for band in bands])


@dataclass(frozen=True)
class _Band:
    """Rows of blocks. The places of a block are numbered row by row, the block's own in the middle.

    Attributes:
        new: (rows * 16, columns * 16), black outside of the frame.
        old: the same pixels of the old frame and ``reach`` more on every side, black outside of the frame.
        inside: as ``new``: 255 inside the frame, 0 outside.
        possible: (places, blocks): whether the place lies within the old frame.
        reach: pixels to search in every direction.
        blocks, masks: (blocks, 256): the pixels of ``new`` and ``inside`` block by block.
    """

    new: Greys
    old: Greys
    inside: Greys
    possible: NDArray[np.bool_]
    reach: int
    blocks: Greys
    masks: Greys

    @property
    def side(self) -> int:
        """How many places there are beside and below one another."""
        return 2 * self.reach + 1

    @property
    def columns(self) -> int:
        """Blocks beside one another."""
        return int(self.new.shape[1]) // BLOCK


def _band(old: Greys, new: Greys, top: int, height: int, reach: int) -> _Band:
    rows, width = new[top : top + height].shape
    shape = (-(-rows // BLOCK) * BLOCK, -(-width // BLOCK) * BLOCK)
    ours, inside = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    ours[:rows, :width] = new[top : top + rows]
    inside[:rows, :width] = 255
    theirs = np.zeros((shape[0] + 2 * reach, shape[1] + 2 * reach), np.uint8)
    first, end = max(0, top - reach), min(len(old), top + shape[0] + reach)
    theirs[first - top + reach : end - top + reach, reach : reach + width] = old[first:end]
    down = _within(top, rows, len(old), reach)
    right = _within(0, width, width, reach)
    possible = down[:, None, :, None] & right[:, None, :]
    possible = possible.reshape((2 * reach + 1) ** 2, -1)
    return _Band(ours, theirs, inside, possible, reach, _by_block(ours), _by_block(inside))


def _by_block(image: Greys) -> Greys:
    rows, columns = image.shape[0] // BLOCK, image.shape[1] // BLOCK
    blocks = image.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2)
    return blocks.reshape(rows * columns, -1)


def _within(first: int, extent: int, whole: int, reach: int) -> NDArray[np.bool_]:
    """(steps, blocks): whether a block, moved along an axis, stays within 0 .. whole."""
    start = np.arange(first, first + extent, BLOCK)
    end = np.minimum(start + BLOCK, first + extent)
    steps = np.arange(-reach, reach + 1)[:, None]
    within: NDArray[np.bool_] = (start + steps >= 0) & (end + steps <= whole)
    return within


def _displacements(band: _Band) -> NDArray[np.int64]:
    own = band.side**2 // 2
    resting = _differences(band, np.arange(band.possible.shape[1]), own)
    places = np.full(resting.size, own)
    moving = np.flatnonzero(resting > MOVE_COST)
    if moving.size:
        places[moving] = _best_places(band, moving, resting[moving])
    displacements = np.stack(np.divmod(places, band.side), axis=1).astype(np.int64) - band.reach
    return displacements.reshape(-1, band.columns, 2)


def _best_places(band: _Band, moving: Numbers, resting: NDArray[np.int64]) -> Numbers:
    """The best place of some blocks, given their differences where they are."""
    least = _least_differences(band)[:, moving]
    # The best place costs at most what one costs that looks good, and less than the block's own.
    promising = least.argmin(axis=0)
    limit = np.minimum(_differences(band, moving, promising), resting - 1 - MOVE_COST)
    block, place = np.nonzero((least <= limit).T)
    order = _by_distance(band.reach)
    nearness = np.argsort(order)
    # One number for cost and distance, the smaller the better.
    best = resting * order.size
    if block.size:
        costs = _differences(band, moving[block], place) + MOVE_COST
        first = np.flatnonzero(np.diff(block, prepend=-1))
        found = np.minimum.reduceat(costs * order.size + nearness[place], first)
        best[block[first]] = np.minimum(best[block[first]], found)
    return order[best % order.size]


@lru_cache(maxsize=4)
def _by_distance(reach: int) -> Numbers:
    """The places, the nearest first."""
    steps = np.arange(-reach, reach + 1) ** 2
    return np.argsort((steps[:, None] + steps).reshape(-1), kind="stable")


def _least_differences(band: _Band) -> NDArray[np.uint16]:
    """(places, blocks): how much a block differs from a place at least; ``_NEVER`` from impossible ones."""
    ours, theirs = _part_sums(band.new)[::_PART, ::_PART], _part_sums(band.old)
    whole = band.inside[_PART - 1 :: _PART, _PART - 1 :: _PART] > 0
    parts, side = BLOCK // _PART, band.side
    rows, columns = len(band.new) // BLOCK, band.columns
    least = np.zeros((side, side, rows, columns), np.uint16)
    difference = np.empty((side, rows, columns), np.int16)
    down, right = theirs.strides
    for y, x in np.ndindex(parts, parts):
        part, is_whole = ours[y::parts, x::parts], whole[y::parts, x::parts]
        for step in range(side):
            at_places = as_strided(
                theirs[step + y * _PART :, x * _PART :],
                difference.shape,
                (right, BLOCK * down, BLOCK * right),
                writeable=False,
            )
            np.subtract(at_places, part, out=difference)
            np.abs(difference, out=difference)
            if not is_whole.all():
                difference *= is_whole
            least[step] += difference.view(np.uint16)
    flat = least.reshape(side**2, -1)
    flat[~band.possible] = _NEVER
    flat[side**2 // 2] = _NEVER  # its own place is known already
    return flat


def _part_sums(greys: Greys) -> NDArray[np.int16]:
    """The sums of 4x4 pixels whose first one is at each place."""
    across = greys.astype(np.int16)
    for step in (1, 2):
        across = across[:, :-step] + across[:, step:]
        across = across[:-step] + across[step:]
    return across


def _differences(band: _Band, block: Numbers, place: Numbers | int) -> NDArray[np.int64]:
    """(N,): the sums of absolute differences of blocks from places."""
    place = np.broadcast_to(place, block.shape)
    parts = [
        _absolute_differences(band, block[some], place[some]) for some in _slices(block.size, _PAIRS_AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _absolute_differences(band: _Band, block: Numbers, place: Numbers) -> NDArray[np.int64]:
    row, column = np.divmod(block, band.columns)
    down, right = np.divmod(place, band.side)
    ours = band.blocks[block]
    theirs = _pixels(band.old, row * BLOCK + down, column * BLOCK + right)
    difference = np.maximum(ours, theirs)
    difference -= np.minimum(ours, theirs, out=ours)
    words = difference.view(np.uint64)
    words &= band.masks.view(np.uint64)[block]
    # In lanes of 16 bits, which hold the sums of a fourth of the pixels.
    sums = np.add.reduce((words & _EVEN_BYTES) + (words >> _ONE_BYTE & _EVEN_BYTES), axis=1)
    total: NDArray[np.int64] = sums.view(np.uint16).reshape(block.size, -1).sum(axis=1, dtype=np.int64)
    return total


def _pixels(greys: Greys, top: Numbers, left: Numbers) -> Greys:
    """(N, 256): the pixels of blocks at any place."""
    # NumPy copies a row that is one item faster than its bytes.
    rows = sliding_window_view(greys, BLOCK, axis=1).view(np.dtype((np.void, BLOCK)))[..., 0]
    picked: Greys = rows[top[:, None] + np.arange(BLOCK), left[:, None]].view(np.uint8)
    return picked.reshape(top.size, -1)


def _slices(count: int, size: int) -> Iterator[slice]:
    return (slice(first, first + size) for first in range(0, count, size))
