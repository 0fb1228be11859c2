"""The cells of a frame's tiles, merged into fixations of the frame.

``TileStitcher`` collects the tiles' cells as they arrive, so that progress can be shown and the rest aborted.
Where tiles overlap, cells that are the same pixels become one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..masks.cells import Cells
from ..masks.fixations import Fixations, first_of_each
from .tiling import Tiling


@dataclass(frozen=True)
class TileCells:
    """Cells of some tiles of one frame, each tile's in the order of choice.

    Attributes:
        tile: (N,) number of each cell's tile.
        cells: N of them.
    """

    tile: NDArray[np.integer]
    cells: Cells

    @staticmethod
    def of(cells: Mapping[int, Cells]) -> TileCells:
        """The cells of each tile, by its number.

        >>> TileCells.of({3: Cells.of(2, [0, 1], [1, 1]), 0: Cells.of(7, [5], [6])}).tile.tolist()
        [3, 3, 0]
        """
        tile = np.repeat(np.array([*cells], np.intp), [len(each) for each in cells.values()])
        return TileCells(tile, Cells.concatenate([*cells.values()]))


@dataclass(frozen=True)
class _Placed:
    """Fixations of some tiles, with the number of each one's tile."""

    tile: NDArray[np.integer]
    fixations: Fixations

    @staticmethod
    def joined(several: Sequence[_Placed]) -> _Placed:
        tiles = [np.zeros(0, np.intp), *(each.tile for each in several)]
        return _Placed(np.concatenate(tiles), Fixations.concatenate([each.fixations for each in several]))

    def select(self, chosen: NDArray[Any]) -> _Placed:
        return _Placed(self.tile[chosen], self.fixations.select(chosen))

    def in_order(self) -> Fixations:
        """By confidence, largest first; equal ones in the order of the tiles."""
        return self.fixations.select(np.lexsort((self.tile, -self.fixations.confidence)))


class TileStitcher:
    """Collects the cells of a frame's tiles, in any order, each tile once.

    Args:
        tiling: of the frame.
        previous: of the frame before; see `shown`.
    """

    def __init__(self, tiling: Tiling, previous: TileStitcher | None = None):
        self._tiling = tiling
        self._previous = previous._shown_tiles() if previous else _Placed.joined([])
        self._placed: list[_Placed] = []
        self._added = np.zeros(len(tiling), np.bool_)

    @property
    def done(self) -> int:
        """Tiles added up to now, of ``len(tiling)``."""
        return int(self._added.sum())

    def add(self, tiles: Sequence[int], cells: TileCells) -> None:
        """Adds the cells of some tiles.

        Args:
            tiles: the tiles' numbers; some may have no cells.
            cells: of these tiles.

        Raises:
            ValueError: if there are cells of other tiles.
        """
        added = np.zeros_like(self._added)
        added[tiles] = True
        if not added[cells.tile].all():
            raise ValueError("there are cells of tiles that are not added: give the numbers of these, too")
        self._placed.append(_place(cells, self._tiling))
        self._added |= added

    def fixations(self) -> Fixations:
        """The cells up to now: by confidence, largest first, no cell twice."""
        return self._merged(_Placed.joined(self._placed))

    def shown(self) -> Fixations:
        """The same, with the cells of ``previous`` for tiles that were not added yet."""
        return self._merged(self._shown_tiles())

    def _merged(self, placed: _Placed) -> Fixations:
        fixations = placed.in_order()
        return _distinct(fixations) if self._tiling.stride < self._tiling.tile else fixations

    def _shown_tiles(self) -> _Placed:
        before = self._previous.select(~self._added[self._previous.tile])
        return _Placed.joined([before, *self._placed])


def stitch(tiling: Tiling, cells: Sequence[Cells]) -> Fixations:
    """The cells of one frame's tiles, merged.

    Args:
        tiling: of the frame.
        cells: of every tile, row by row.

    Returns:
        By confidence, largest first; equal ones in the order of the tiles. Their ``grid`` is the tile's.

    Raises:
        ValueError: if there are not as many as tiles.
    """
    if len(cells) != len(tiling):
        raise ValueError(f"the tiling has {len(tiling)} tiles, got cells of {len(cells)}")
    return _distinct(_place(TileCells.of(dict(enumerate(cells))), tiling).in_order())


def _place(chosen: TileCells, tiling: Tiling) -> _Placed:
    """The cells at their places in the frame, without those beyond its edges."""
    cells = chosen.cells
    grid = cells.grid.astype(np.int64)[:, None]
    cell = np.stack([cells.row, cells.col], axis=-1).astype(np.int64)
    tile = np.stack(np.divmod(chosen.tile, tiling.columns), axis=-1).astype(np.int64)
    if tiling.mode == "anyres":
        start = cell + grid * tile
        size = np.ones_like(grid)
        parts = grid * np.array([tiling.rows, tiling.columns])
    else:
        # In units of a grid-th of a pixel.
        start = cell * tiling.tile + grid * tile * tiling.stride
        size = np.full_like(grid, tiling.tile)
        parts = grid * np.array([tiling.height, tiling.width])
    fixations = Fixations(start, start + size, parts, cells.grid, cells.confidence)
    placed = _Placed(chosen.tile, fixations)
    shown = (start < parts).all(axis=1) & (fixations.confidence > 0)
    return placed if shown.all() else placed.select(shown)


def _distinct(fixations: Fixations) -> Fixations:
    """The first of each cell of one frame's tiles: the rest of a fixation follows from its start and grid."""
    identity = np.concatenate([fixations.start, fixations.grid[:, None]], axis=1)
    return fixations.select(first_of_each(identity))


@dataclass(frozen=True)
class TileProgress:
    """The state of the work on a clip's tiles.

    Attributes:
        done, total: tiles.
        frames: for each frame its fixations up to now.
    """

    done: int
    total: int
    frames: list[Fixations]
