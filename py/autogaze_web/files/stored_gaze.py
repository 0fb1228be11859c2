"""A gaze for those who go on with it: the gazed patches of a clip, a stream or tiles, and where they lie."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..limits import MAX_FRAMES, MAX_GRID, MAX_GRID_TOKENS, MAX_PARTS, MAX_SCALES, MAX_TILES, shown
from ..live.record import FrameRecords
from ..masks.cells import Cells
from ..masks.choice import Choice, Description
from ..masks.fixations import Fixations
from ..model.gaze import Gaze
from ..model.tokens import ScaleLayout
from ..readout.gazing_info import GazingInfo
from ..readout.projection import frame_tokens
from ..readout.token_grids import ImageGrid
from ..tiles.cells_by_tile import cells_by_tile, tile_edges
from ..tiles.tiling import Tiling

PATCH_SIZE = 16
# What of a mask source's description decides on its cells.
_SHAPE = ("grids", "mode", "tile", "tile_stride")
_WHOLE_FRAME = (0, 0, 1, 1, 1, 1)

Integers = NDArray[np.int64]
KeepMasks = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class StoredGaze:
    """The gaze at a clip, a stream or a tiled clip, with what an encoder needs to know of it.

    Attributes:
        info: the gazed patches of B videos, or of B tiles of one video.
        scales: sides of the scales in pixels, ascending.
        grids: cells per side of each scale.
        times: (T,) float64, when each frame is shown, in seconds; NaN where unknown.
        settings: the mask source and its settings.
        tiles: (B, 6) int64, the place of each video in the frame: top, left, bottom, right, rows, columns,
            where edges count in rows and columns of the frame.

    Examples:
        >>> gaze = model({"video": video}, gazing_ratio=0.1)
        >>> stored = StoredGaze.of_gaze(gaze, settings={"gazing_ratio": 0.1})
        >>> stored.scales
        (32, 64, 112, 224)
        >>> stored.keep_masks(27).shape  # True where a patch of a 27x27 grid is gazed at
        (1, 2, 27, 27)
    """

    info: GazingInfo
    scales: tuple[int, ...]
    grids: tuple[int, ...]
    times: NDArray[np.float64]
    settings: Mapping[str, Any] = field(default_factory=dict)
    tiles: Integers = field(default_factory=lambda: np.zeros((0, 6), np.int64))

    def __post_init__(self) -> None:
        batch, frames = len(self.info.gazing_pos), self.info.num_gazing_each_frame.size
        if not 1 <= len(self.grids) <= MAX_SCALES or not all(1 <= grid <= MAX_GRID for grid in self.grids):
            raise ValueError(
                f"grids are 1 to {MAX_SCALES} numbers of 1 to {MAX_GRID}, got {shown(self.grids)}"
            )
        if len(self.scales) != len(self.grids) or min(self.scales) < 1:
            raise ValueError(
                f"scales are as many as grids, in pixels, got {shown(self.scales)} and {self.grids}"
            )
        if frames > MAX_FRAMES or self.times.shape != (frames,):
            raise ValueError(f"a gaze at {frames} frames has as many times, got shape {self.times.shape}")
        tiles = self.tiles
        if tiles.shape == (0, 6):
            object.__setattr__(self, "tiles", np.array([_WHOLE_FRAME] * batch, np.int64).reshape(-1, 6))
        elif tiles.shape != (batch, 6) or batch > MAX_TILES:
            raise ValueError(f"tiles are 6 numbers for each of {batch} videos, got shape {tiles.shape}")
        elif (
            (tiles[:, :2] < 0).any()
            or (tiles[:, 2:4] <= tiles[:, :2]).any()
            or (tiles[:, 4:] < 1).any()
            or (tiles > MAX_PARTS).any()
        ):
            raise ValueError("tiles have a top and left of at least 0 and end below and to the right of it")
        real = self.info.gazing_pos[~self.info.if_padded_gazing]
        if real.size and not 0 <= int(real.min()) <= int(real.max()) < frames * self.tokens:
            raise ValueError(
                f"gazing_pos ranges from {real.min()} to {real.max()}, but {frames} frames of the grids "
                f"{list(self.grids)} have {frames * self.tokens} patches"
            )

    @staticmethod
    def of_gaze(
        gaze: Gaze,
        times: ArrayLike | None = None,
        settings: Mapping[str, Any] | None = None,
        scales: Sequence[int] | None = None,
    ) -> StoredGaze:
        """Of what `AutoGaze` returned for whole clips, or for one frame of a stream.

        Args:
            times: (T,) seconds.
            settings: whatever should be stored with it.
            scales: the ``target_scales`` of the call, where there were any.
        """
        info = GazingInfo.of(gaze)
        return StoredGaze(
            info,
            tuple(gaze.scales if scales is None else scales),
            gaze.layout.grids,
            _times(times, info),
            settings or {},
        )

    @staticmethod
    def of_choices(
        choices: Iterable[Choice],
        grids: Sequence[int],
        times: Sequence[float | None] | None = None,
        settings: Mapping[str, Any] | None = None,
        tiling: Tiling | None = None,
        patch_size: int = PATCH_SIZE,
    ) -> StoredGaze:
        """Of what a mask source chose of each frame of a stream.

        Args:
            choices: of all frames, in order.
            grids: cells per side of the source's scales, coarse to fine; ``describe()["grids"]``.
            times: (T,) seconds, None where unknown.
            settings: of the mask source, ``describe()``.
            tiling: of the frames, where the choices are of tiles.
            patch_size: pixels per side of a patch; a scale has ``grid * patch_size`` pixels.

        Raises:
            ValueError: if a cell is on none of the grids, or no cell of the tiling.

        Examples:
            >>> from autogaze_web import Cells, Choice
            >>> choices = [Choice.of(Cells.of(14, [0, 2], [3, 1])), Choice.none()]
            >>> StoredGaze.of_choices(choices, [14], times=[0, 0.04]).info.num_gazing_each_frame.tolist()
            [2, 0]
        """
        choices = list(choices)
        places = np.zeros((0, 6), np.int64)
        if tiling is not None:
            by_tile = [cells_by_tile(Fixations.of(choice.cells), tiling) for choice in choices]
            clips = [[frame[tile] for frame in by_tile] for tile in range(len(tiling))]
            info, places = GazingInfo.of_cells(clips, grids), tile_edges(tiling)
        else:
            info = GazingInfo.of_cells([[_cells(choice) for choice in choices]], grids)
            if any(choice.slots is not None and choice.padded for choice in choices):
                info = _with_pads(info, choices, sum(grid * grid for grid in grids))
        return StoredGaze(
            info,
            tuple(grid * patch_size for grid in grids),
            tuple(grids),
            _times(times, info),
            settings or {},
            places,
        )

    @staticmethod
    def of_records(records: FrameRecords, height: int, width: int) -> StoredGaze:
        """Of the frames that a stream recorded.

        Args:
            height, width: of the frames in pixels, from which tiles follow.

        Raises:
            ValueError: if there are no frames, or the grids changed in between.
        """
        sources = [source for _, source in records.sources()]
        if not sources:
            raise ValueError("no frame has been processed yet: there is nothing to save")
        if not all(same_shape(sources[0], source) for source in sources):
            raise ValueError("the mask source changed to other grids or tiles: save each part by itself")
        return StoredGaze.of_choices(
            [record.choice for record in records],
            sources[0]["grids"],
            [record.time for record in records],
            sources[0],
            described_tiling(sources[0], height, width),
        )

    @property
    def tokens(self) -> int:
        """N, the patches of a frame in all scales."""
        return sum(grid * grid for grid in self.grids)

    def cells(self, frame: int, video: int = 0) -> Cells:
        """The gazed cells of one frame of one video (or tile), in the order of choice and without padding."""
        position = self.info.gazing_pos[video][~self.info.if_padded_gazing[video]]
        chosen = position[position // self.tokens == frame] % self.tokens
        return ScaleLayout(self.grids).cells(chosen)

    def keep_masks(self, height: int, width: int | None = None) -> KeepMasks:
        """Which patches of any grid the gazed cells touch.

        Args:
            height, width: patches of a frame along each side, for instance 14 or 27; the width is the height
                if it is not given.

        Returns:
            (B, T, height, width) bool; of tiles (1, T, height, width), over the whole frame.

        Raises:
            ValueError: if the masks have more than 100,000,000 patches.
        """
        grid = ImageGrid(height, height if width is None else width)
        tiled = bool((self.tiles != _WHOLE_FRAME).any())
        batch, frames = len(self.info.gazing_pos), self.info.num_gazing_each_frame.size
        masks = np.zeros((1 if tiled else batch, frames, grid.height, grid.width), np.bool_)
        if masks.size > MAX_GRID_TOKENS:
            raise ValueError(
                f"the masks would have {masks.size:,} patches, at most {MAX_GRID_TOKENS:,} are made: "
                "give a smaller grid or fewer frames"
            )
        for video, frame, fixations in self._fixations():
            masks[0 if tiled else video, frame].reshape(-1)[frame_tokens(fixations, grid)] = True
        return masks

    def _fixations(self) -> Iterable[tuple[int, int, Fixations]]:
        layout = ScaleLayout(self.grids)
        for video, (position, padded) in enumerate(
            zip(self.info.gazing_pos, self.info.if_padded_gazing, strict=True)
        ):
            frames, patches = np.divmod(position[~padded], self.tokens)
            for frame in np.unique(frames).tolist():
                cells = layout.cells(patches[frames == frame])
                yield video, frame, _placed(cells, self.tiles[video])


def same_shape(first: Description, second: Description) -> bool:
    """Whether two mask sources have the same grids and tiles, so that one gaze can have the cells of both."""
    return all(first.get(name) == second.get(name) for name in _SHAPE)


def described_tiling(description: Description, height: int, width: int) -> Tiling | None:
    """The tiling of frames by a mask source's description; None for a source without tiles."""
    if "tile" not in description:
        return None
    if description["mode"] == "full-resolution":
        return Tiling.full_resolution(height, width, description["tile"], description["tile_stride"])
    return Tiling.anyres(height, width, description["tile"])


def _cells(choice: Choice) -> Cells:
    if isinstance(choice.cells, Fixations):
        raise ValueError("these cells are of tiles: give the tiling of the frames")
    return choice.cells


def _with_pads(info: GazingInfo, choices: Sequence[Choice], tokens: int) -> GazingInfo:
    """The pads at which AutoGaze stopped, at their places and with the values that they have upstream."""
    positions, padded, done = [], [], 0
    for frame, choice in enumerate(choices):
        count = len(choice.cells)
        slots = np.zeros(count, np.bool_) if choice.slots is None else choice.slots
        ids = np.full(slots.size, tokens * (frame + 1), np.int64)
        ids[~slots] = info.gazing_pos[0, done : done + count]
        done += count
        positions.append(ids)
        padded.append(slots)
    counts = np.array([ids.size for ids in positions], np.int64)
    return GazingInfo(np.concatenate(positions)[None], np.concatenate(padded)[None], counts)


def _placed(cells: Cells, tile: Integers) -> Fixations:
    fixations = Fixations.of(cells)
    side = fixations.grid.astype(np.int64)[:, None]
    size = tile[2:4] - tile[:2]
    start = fixations.start * size + side * tile[:2]
    placed = Fixations(start, start + size, side * tile[4:], fixations.grid, fixations.confidence)
    return placed.select((start < placed.parts).all(axis=1))


def _times(times: Any, info: GazingInfo) -> NDArray[np.float64]:
    if times is None:
        return np.full(info.num_gazing_each_frame.size, np.nan)
    return np.array([math.nan if time is None else float(time) for time in times], np.float64)
