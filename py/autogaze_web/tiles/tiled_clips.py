"""Gazes at large frames tile by tile, the same natively and in a browser.

Every tile is a video of its own: what is chosen in it depends on no other tile and not on how the tiles are
grouped. Batches only set how often there is something to show, and where the work can be aborted::

    for batch in generation.batches():
        for tile in batch:
            generation.add(tile, drive(generation.runs(tile)))
        show(generation.choice())     # leave the loop to abort the rest
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import replace
from functools import partial

from ..frames.rgba import Rgba
from ..masks.choice import Choice
from ..model.clips import Graphs, StreamGeneration
from ..model.config import AutoGazeConfig
from ..model.controls import StreamControls
from ..model.gaze import Gaze
from ..model.processor import AutoGazeImageProcessor
from ..model.run import Decisions, Run
from .inference_mode import InferenceMode
from .tiling import TILE_BATCH, TiledFrames, TileProgress, TileStitcher, Tiling

TileRuns = Generator[tuple[int, Run], Decisions, list[Gaze]]


class TiledGeneration:
    """The gaze at a clip in tiles, without what executes it.

    Attributes:
        tiling: of the frames.
    """

    def __init__(
        self,
        config: AutoGazeConfig,
        graphs: Graphs,
        frames: TiledFrames,
        controls: StreamControls,
        batch_size: int = TILE_BATCH,
        stitcher: TileStitcher | None = None,
    ) -> None:
        """Args:
        frames: a clip (T,3,H,W) from a processor that does not resize, ready to be cut.
        controls: of every tile; the window has no effect on clips that are no longer than it.
        batch_size: tiles in a batch, at most.
        stitcher: collects the tiles' cells; by default a new one.

        Raises:
            ValueError: if an argument has a wrong shape or range.
        """
        self.tiling: Tiling = frames.tiling
        self._padded = self._steps = 0
        self._frames = frames
        self._batches = list(self.tiling.batches(batch_size))
        self._stitcher = stitcher or TileStitcher(self.tiling)
        self._new_tile = partial(StreamGeneration, config, graphs, controls)
        self._new_tile()  # raises for wrong arguments now, not at the first run

    def batches(self) -> Iterator[range]:
        """The tiles' numbers, batch by batch."""
        return iter(self._batches)

    def runs(self, tile: int) -> TileRuns:
        """The runs of one tile, all for a new video of the number 0; they return the gaze at each frame."""
        stream = self._new_tile()
        gazes = []
        (frames,) = self._frames.cut([tile])
        for frame in frames:
            gazes.append((yield from stream.runs(frame)))
        return gazes

    def add(self, tile: int, gazes: list[Gaze]) -> None:
        """Adds what a tile's runs returned."""
        self._stitcher.add([tile], [[gaze.cells() for gaze in gazes]])
        last = gazes[-1].choice()
        self._padded += last.padded
        self._steps += last.steps

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
    """

    def __init__(
        self,
        config: AutoGazeConfig,
        processor: AutoGazeImageProcessor,
        graphs: Graphs,
        mode: InferenceMode,
        controls: StreamControls,
    ) -> None:
        self._config, self._processor = config, processor
        self._graphs, self._mode, self._controls = graphs, mode, controls
        self._frames: deque[Rgba] = deque(maxlen=controls.window_frames(config))
        self._tiling: Tiling | None = None
        self._stitcher: TileStitcher | None = None

    def next(self, frame: Rgba, task_loss_requirement: float | None) -> TiledGeneration:
        """The generation for a frame (H, W, 4) uint8.

        Tiles that were not added yet have, in its choice, their cells of the frame before.
        """
        height, width = frame.shape[:2]
        tiling = self._mode.tiling(height, width, self._config.input_img_size)
        if tiling != self._tiling:
            self._tiling, self._stitcher = tiling, None
            self._frames.clear()
        self._frames.append(frame[..., :3].transpose(2, 0, 1).copy())
        self._stitcher = TileStitcher(tiling, self._stitcher)
        return TiledGeneration(
            self._config,
            self._graphs,
            TiledFrames(list(self._frames), tiling, self._processor.normalised),
            replace(self._controls, task_loss_requirement=task_loss_requirement),
            self._mode.batch_size,
            self._stitcher,
        )
