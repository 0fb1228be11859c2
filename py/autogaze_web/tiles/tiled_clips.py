"""Gazes at large frames tile by tile, the same natively and in a browser.

Every tile is a video of its own: what is chosen in it depends on no other tile and not on how the tiles are
grouped. Batches set what can be executed at once, how often there is something to show, and where the work
can be aborted::

    for batch in generation.batches():
        generation.add(batch, drive_rounds(generation.rounds(batch)))
        show(generation.choice())     # leave the loop to abort the rest
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..frames.rgba import Rgba
from ..masks.choice import Choice
from ..model.clips import FrameLimits, Graphs, check_frame, model_input
from ..model.config import AutoGazeConfig
from ..model.controls import StreamControls
from ..model.lockstep import Rounds, in_turn
from ..model.processor import AutoGazeImageProcessor
from ..model.run import Decisions, Run
from ..model.slots import Slots, side_by_side
from ..model.tokens import ScaleLayout
from .inference_mode import InferenceMode
from .stitching import TileCells, TileProgress, TileStitcher
from .tiling import TILE_BATCH, TiledFrames, Tiling

TileSlots = list[Slots]
"""What was decided in each frame of one tile."""

TileRuns = Generator[tuple[int, Run], Decisions, TileSlots]

SHOWN_TOGETHER: Final = 4
"""Tiles after which a stream has something to show, even where each is computed by itself."""


def even_batches(tiles: int, at_once: int) -> int:
    """The size of the batches into which tiles are divided: as few as possible, of about one size.

    >>> [even_batches(tiles, at_once=48) for tiles in (24, 45, 50, 180)]
    [24, 45, 25, 45]
    """
    return -(-tiles // -(-tiles // at_once))


class TiledGeneration:
    """The gaze at a clip in tiles, without what executes it.

    Attributes:
        tiling: of the frames.
        frames: their number.
        at_once: tiles whose runs are to be executed at once, at most.
    """

    def __init__(
        self,
        config: AutoGazeConfig,
        graphs: Graphs,
        frames: TiledFrames,
        controls: StreamControls,
        batch_size: int = TILE_BATCH,
        stitcher: TileStitcher | None = None,
        at_once: int = 1,
        cuts: bool = True,
    ) -> None:
        """Args:
        frames: a clip (T,3,H,W) from a processor that does not resize, ready to be cut.
        controls: of every tile; the window has no effect on clips that are no longer than it.
        batch_size: tiles in a batch, at most.
        stitcher: collects the cells of the last frame; by default a new one.
        at_once: see above.
        cuts: False if what executes the runs writes the tiles into the model's input.

        Raises:
            ValueError: if an argument has a wrong shape or range.
        """
        self.tiling: Tiling = frames.tiling
        self.frames: int = len(frames)
        self.at_once: int = at_once
        self._cuts = cuts
        self._padded = self._steps = 0
        self._frames = frames
        self._batches = list(self.tiling.batches(batch_size))
        last = stitcher or TileStitcher(self.tiling)
        self._stitchers = [*(TileStitcher(self.tiling) for _ in range(len(frames) - 1)), last]
        self._unstitched: list[tuple[Sequence[int], Sequence[Slots]]] = []
        """What was decided in the frames before the last one since `progress` was called."""
        self._config, self._graphs = config, graphs
        self._window, self._first_position = controls.window_frames(config), controls.first_position
        self._limits = FrameLimits.of(config, controls)

    def batches(self) -> Iterator[range]:
        """The tiles' numbers, batch by batch."""
        return iter(self._batches)

    def rounds(self, batch: range) -> Rounds[Slots]:
        """The runs of a batch's tiles side by side; they return what was decided in each frame.

        The places of the runs count from the batch's first tile.
        """
        videos = self._graphs.videos(self._config, len(batch), self._window, self._first_position)
        videos.coverage = self._limits.coverage
        requirements = [self._limits.requirement] * len(batch)
        frames = []
        for images in self._images(batch):
            rounds = videos.frame(images, self._limits.budget, requirements, padded=False)
            frames.append((yield from rounds))
        return frames

    def runs(self, batch: range) -> list[TileRuns]:
        """The runs of each of a batch's tiles by itself; see `add_each`."""
        return [in_turn(self.rounds(range(tile, tile + 1))) for tile in batch]

    def _images(self, batch: range) -> Iterator[Sequence[NDArray[np.float32] | None]]:
        """The tiles of each frame as the model's input."""
        if not self._cuts:
            yield from [[None] * len(batch)] * len(self._frames)
            return
        for tiles in self._frames.cut(batch).swapaxes(0, 1):
            yield [model_input(self._config, check_frame(tile)) for tile in tiles]

    def add(self, batch: Sequence[int], frames: Sequence[Slots]) -> None:
        """Adds what the rounds of a batch returned."""
        *earlier, last = frames
        self._unstitched.append((batch, earlier))
        self._stitch(self._stitchers[-1], batch, last)
        self._padded += last.pads
        self._steps += int(last.steps.sum())

    def add_each(self, batch: Sequence[int], tiles: Sequence[TileSlots]) -> None:
        """Adds what the runs of each of a batch's tiles returned."""
        pad_id = self._config.pad_id
        self.add(batch, [side_by_side(frame, pad_id) for frame in zip(*tiles, strict=True)])

    def choice(self) -> Choice:
        """The choice of the clip's last frame up to now; padded slots and steps of all tiles are added up."""
        return Choice.of(self._stitchers[-1].shown(), self._padded, self._steps)

    def progress(self) -> TileProgress:
        """The state of the work; after the last batch this is the result."""
        for batch, earlier in self._unstitched:
            for stitcher, slots in zip(self._stitchers, earlier, strict=False):
                self._stitch(stitcher, batch, slots)
        self._unstitched.clear()
        frames = [stitcher.fixations() for stitcher in self._stitchers]
        return TileProgress(self._stitchers[-1].done, len(self.tiling), frames)

    def _stitch(self, stitcher: TileStitcher, batch: Sequence[int], slots: Slots) -> None:
        """Adds the cells that were chosen in a frame of some tiles."""
        row, slot = np.nonzero(~slots.padded)
        cells = ScaleLayout.of(self._config).cells(slots.tokens[row, slot], slots.confidence[row, slot])
        stitcher.add(batch, TileCells(np.asarray(batch)[row], cells))


class TiledStream:
    """Makes the tiled generation of each next frame, a clip with the frames before it.

    Frames of another size start a new stream.

    Args:
        processor: of the checkpoint; its resizing is left out.
        mode: one with tiles.
        controls: of every tile; a clip has as many frames as the window.
        at_once: tiles that can be computed at once.
        cuts: False if what executes the runs has the frames and cuts them.
    """

    def __init__(
        self,
        config: AutoGazeConfig,
        processor: AutoGazeImageProcessor,
        graphs: Graphs,
        mode: InferenceMode,
        controls: StreamControls,
        at_once: int = 1,
        cuts: bool = True,
    ) -> None:
        self._config, self._processor = config, processor
        self._graphs, self._mode, self._controls = graphs, mode, controls
        self._frames: deque[Rgba] = deque(maxlen=controls.window_frames(config))
        self._tiling: Tiling | None = None
        self._stitcher: TileStitcher | None = None
        self._at_once, self._cuts = at_once, cuts

    def next(self, frame: Rgba, task_loss_requirement: float | None) -> TiledGeneration:
        """The generation for a frame (H, W, 4) uint8.

        Tiles that were not added yet have, in its choice, their cells of the frame before.
        """
        height, width = frame.shape[:2]
        tiling = self._mode.tiling(height, width, self._config.input_img_size)
        if tiling != self._tiling:
            self._tiling, self._stitcher = tiling, None
            self._frames.clear()
        pixels = frame[..., :3].transpose(2, 0, 1)
        if len(self._frames) == self._frames.maxlen:
            self._frames.popleft()  # before there is a copy of another one
        self._frames.append(pixels.copy() if self._cuts else pixels)
        self._stitcher = TileStitcher(tiling, self._stitcher)
        at_once = even_batches(len(tiling), min(self._at_once, self._mode.batch_size))
        return TiledGeneration(
            self._config,
            self._graphs,
            TiledFrames(list(self._frames), tiling, self._processor.normalised),
            replace(self._controls, task_loss_requirement=task_loss_requirement),
            at_once * max(1, min(self._mode.batch_size, SHOWN_TOGETHER) // at_once),
            self._stitcher,
            at_once,
            self._cuts,
        )
