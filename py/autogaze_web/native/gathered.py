"""Videos of several threads that share a model: their frames, or their tiles, are computed as one batch."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ..frames.arrays import widened
from ..model.clips import GazeRuns, StreamGeneration
from ..model.controls import StreamControls
from ..model.gaze import Gaze
from ..model.lockstep import lockstep
from ..model.run import Decisions, Run
from ..tiles.stitching import TileProgress
from ..tiles.tiled_clips import TiledGeneration, TileRuns, TileSlots, even_batches
from .autogaze import TILES_ON_GPU, AutoGaze
from .batch import NativeBatch
from .gathering import Gathering, Member
from .runtime import Result, drive_rounds
from .streams import whole_frames


class GatheredStreams:
    """Streams of whole frames for several threads; each chooses what `AutoGaze.stream` chooses.

    Args:
        model: that the streams share.
        controls: of all of them.
        count: places for streams. Each costs the same whether there is a stream or not.
    """

    def __init__(self, model: AutoGaze, controls: StreamControls, count: int) -> None:
        self._config, self._controls = model.config, controls
        self._graphs = whole_frames(model, controls)
        self._batch = NativeBatch(model.runtime, count)
        self._free = list(range(count))
        self._opening = Lock()
        self.gathering: Gathering[_NextFrame, Gaze] = Gathering(self._compute)

    def open(self) -> GatheredStream:
        """A new video in a place that is free.

        Raises:
            RuntimeError: if there is none.
        """
        with self._opening:
            if not self._free:
                raise RuntimeError("all places of these streams are taken: close a stream before")
            place = self._free.pop()
        generation = StreamGeneration(self._config, self._graphs, self._controls)
        return GatheredStream(self, place, generation, self.gathering.member())

    def close(self, place: int) -> None:
        """The place is free from now on."""
        with self._opening:
            self._free.append(place)

    def _compute(self, frames: list[_NextFrame]) -> list[Gaze | Exception]:
        for frame in frames:
            if frame.begins:
                self._batch.start(frame.place)
        rounds = lockstep([kept_apart(frame.runs) for frame in frames])
        return drive_rounds(
            rounds, lambda runs: self._batch.execute([(frames[index].place, run) for index, run in runs])
        )


@dataclass(frozen=True)
class _NextFrame:
    """The runs of a video's next frame, where it is and whether it is the first one."""

    place: int
    runs: GazeRuns
    begins: bool


class GatheredStream:
    """A video that is processed frame by frame, together with those of other threads."""

    def __init__(
        self,
        streams: GatheredStreams,
        place: int,
        generation: StreamGeneration,
        member: Member[_NextFrame, Gaze],
    ) -> None:
        self._streams, self._place, self._generation = streams, place, generation
        self._member = member
        self._begins, self._closed = True, False

    def step(self, frame: NDArray[np.float32]) -> Gaze:
        """Chooses the patches of the next frame once all other threads have one; see `Stream.step`.

        Raises:
            StoppedError: if the gathering was stopped.
        """
        runs = self._generation.runs(widened(frame))
        begins, self._begins = self._begins, False
        return self._member.ask(_NextFrame(self._place, runs, begins))

    def close(self) -> None:
        """Nobody waits for this video any more; another one may take its place."""
        if not self._closed:
            self._closed = True
            self._member.leave()
            self._streams.close(self._place)


class GatheredTiles:
    """Tiles of several threads' videos as common batches, with the choices of `AutoGaze.drive_tiles`.

    Args:
        model: that the videos share.
        most: tiles of a batch.
    """

    def __init__(self, model: AutoGaze, most: int = TILES_ON_GPU) -> None:
        self._runtime, self._most = model.runtime, most
        self.gathering: Gathering[list[TileRuns], list[TileSlots]] = Gathering(self._compute)

    def open(self) -> TileDriver:
        """What a video's tiled generations are executed with."""
        return TileDriver(self.gathering.member())

    def _compute(self, videos: list[list[TileRuns]]) -> list[list[TileSlots] | Exception]:
        tiles = [kept_apart(tile) for video in videos for tile in video]
        size = even_batches(len(tiles), self._most)
        decided: list[TileSlots | Exception] = []
        for first in range(0, len(tiles), size):
            batch = tiles[first : first + size]
            decided += drive_rounds(lockstep(batch), NativeBatch(self._runtime, len(batch)).execute)
        found, at = [], 0
        for video in videos:
            found.append(_all_or_error(decided[at : at + len(video)]))
            at += len(video)
        return found


class TileDriver:
    """Executes the tiled generations of one video, together with those of other threads."""

    def __init__(self, member: Member[list[TileRuns], list[TileSlots]]) -> None:
        self._member = member

    def drive(self, generation: TiledGeneration) -> Iterator[TileProgress]:
        """See `AutoGaze.drive_tiles`."""
        for batch in generation.batches():
            generation.add_each(batch, self._member.ask(generation.runs(batch)))
            yield generation.progress()

    def close(self) -> None:
        """Nobody waits for this video any more."""
        self._member.leave()


def kept_apart(
    runs: Generator[tuple[int, Run], Decisions, Result],
) -> Generator[tuple[int, Run], Decisions, Result | Exception]:
    """The runs of a video; an exception becomes their result, so that it ends no other video."""
    try:
        return (yield from runs)
    except Exception as error:
        return error


def _all_or_error(tiles: Sequence[TileSlots | Exception]) -> list[TileSlots] | Exception:
    """What was decided in all tiles of a video, or the first error among them."""
    found = []
    for tile in tiles:
        if isinstance(tile, Exception):
            return tile
        found.append(tile)
    return found
