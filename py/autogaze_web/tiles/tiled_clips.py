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
from functools import partial
from typing import Final

from ..frames.rgba import Rgba
from ..masks.choice import Choice
from ..model.clips import Graphs, StreamGeneration
from ..model.config import AutoGazeConfig
from ..model.controls import StreamControls
from ..model.gaze import Gaze
from ..model.lockstep import Rounds, lockstep
from ..model.processor import AutoGazeImageProcessor
from ..model.run import Decisions, Run
from .inference_mode import InferenceMode
from .tiling import TILE_BATCH, TiledFrames, TileProgress, TileStitcher, Tiling

TileGazes = list[Gaze]
"""The gaze at each frame of one tile."""

TileRuns = Generator[tuple[int, Run], Decisions, TileGazes]


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
        stitcher: collects the tiles' cells; by default a new one.
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
        self._stitcher = stitcher or TileStitcher(self.tiling)
        self._new_tile = partial(StreamGeneration, config, graphs, controls)
        self._new_tile()  # raises for wrong arguments now, not at the first run

    def batches(self) -> Iterator[range]:
        """The tiles' numbers, batch by batch."""
        return iter(self._batches)

    def rounds(self, batch: range) -> Rounds[TileGazes]:
        """The runs of a batch's tiles side by side; they return the gazes at each tile.

        The places of the runs count from the batch's first tile.
        """
        return lockstep(self.runs(batch))

    def runs(self, batch: range) -> list[TileRuns]:
        """The runs of each of a batch's tiles, which return the gazes at it."""
        return [self._runs(tile) for tile in batch]

    def _runs(self, tile: int) -> TileRuns:
        stream = self._new_tile()
        gazes = []
        for frame in self._frames.cut([tile])[0] if self._cuts else [None] * len(self._frames):
            runs = stream.runs_without_frame() if frame is None else stream.runs(frame)
            gazes.append((yield from runs))
        return gazes

    def add(self, batch: Sequence[int], gazes: Sequence[TileGazes]) -> None:
        """Adds what the rounds of a batch returned."""
        self._stitcher.add(batch, [[gaze.cells() for gaze in tile] for tile in gazes])
        for *_, last in gazes:
            self._padded += int(last.if_padded_gazing.sum())
            self._steps += int(last.decoder_steps_each_frame.sum())

    def choice(self) -> Choice:
        """The choice of the clip's last frame up to now; padded slots and steps of all tiles are added up."""
        return Choice.of(self._stitcher.last_frame(), self._padded, self._steps)

    def progress(self) -> TileProgress:
        """The state of the work; after the last batch this is the result."""
        return TileProgress(self._stitcher.done, len(self.tiling), self._stitcher.frames())


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
