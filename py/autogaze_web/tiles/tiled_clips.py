"""A clip's tiles gazed at one after the other, the same natively and in a browser.

Every tile is a video of its own: what is chosen in it depends on no other tile and not on how the tiles are
grouped. Batches only say how often there is something to show, and where the work can be called off::

    for batch in generation.batches():
        for tile in batch:
            generation.take(tile, drive(generation.runs(tile)))
        show(generation.progress())     # leave the loop to call off the rest
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import partial

from ..masks.cells import Cells
from ..model.clips import Graphs, StreamGeneration
from ..model.config import AutoGazeConfig
from ..model.run import Decisions, Run
from .tiling import TILE_BATCH, TiledFrames, TileProgress, TileStitcher


@dataclass(frozen=True)
class TileGaze:
    """What was chosen in one tile.

    Attributes:
        cells: of each frame.
        tokens: how many there are in the last frame.
        padded: whether the model chose to stop in the last frame.
        steps: decoder steps of the last frame.
    """

    cells: list[Cells]
    tokens: int
    padded: int
    steps: int


TileRuns = Generator[tuple[int, Run], Decisions, TileGaze]


class TiledGeneration:
    """A model's gaze at a clip in tiles, without what executes it.

    Attributes:
        tiling: of the frames.
        tokens, padded, steps: added up over the tiles that were taken, for the clip's last frame.
    """

    def __init__(
        self,
        config: AutoGazeConfig,
        graphs: Graphs,
        frames: TiledFrames,
        gazing_ratio: float | None = None,
        task_loss_requirement: float | None = None,
        max_tokens: int | None = None,
        batch_size: int = TILE_BATCH,
        coverage_stop: float | None = None,
    ) -> None:
        """Args:
        frames: a clip (T,3,H,W) from a processor that does not resize, ready to be cut.
        gazing_ratio, task_loss_requirement: as for ``AutoGaze.generate``, for every tile and frame.
        max_tokens: a limit on the tokens of a tile's frame besides the ratio.
        batch_size: tiles in a batch, at most.
        coverage_stop: share of a tile at which its cells cover enough for it to end; None or 0 for none.

        Raises:
            ValueError: if an argument has a wrong shape or range.
        """
        self.tiling = tiling = frames.tiling
        self.tokens = self.padded = self.steps = 0
        self._frames = frames
        self._batches = list(tiling.batches(batch_size))
        self._stitcher = TileStitcher(tiling)
        self._new_tile = partial(
            StreamGeneration,
            config,
            graphs,
            gazing_ratio,
            task_loss_requirement,
            max_tokens=max_tokens,
            coverage_stop=coverage_stop,
        )
        self._new_tile()  # what is wrong with the arguments is told before the first run

    def batches(self) -> Iterator[range]:
        """The tiles' numbers, batch by batch."""
        return iter(self._batches)

    def runs(self, tile: int) -> TileRuns:
        """The runs of one tile, all for a new video of the number 0."""
        stream = self._new_tile()
        cells = []
        (frames,) = self._frames.cut([tile])
        for frame in frames:
            gaze = yield from stream.runs(frame)
            cells.append(gaze.cells())
        padded = int(gaze.if_padded_gazing.sum())
        return TileGaze(cells, len(cells[-1]), padded, int(gaze.decoder_steps_each_frame[0]))

    def take(self, tile: int, gaze: TileGaze) -> None:
        """Takes what a tile's runs returned."""
        self._stitcher.add([tile], [gaze.cells])
        self.tokens += gaze.tokens
        self.padded += gaze.padded
        self.steps += gaze.steps

    def progress(self) -> TileProgress:
        """Where the work stands; after the last batch this is the result."""
        return TileProgress(self._stitcher.done, len(self.tiling), self._stitcher.frames())
