"""Processes one video, or one segment of it, with a model that was loaded before."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from ..files.stored_gaze import PATCH_SIZE
from ..files.video import open_clip
from ..frames.timed_frame import TimedFrame
from ..live.pipeline import process_frames
from ..live.settings import LiveSettings
from ..live.sources import ComparisonSource, MaskSource
from ..masks.choice import Choice
from ..native.gathering import StoppedError
from . import remote
from .choosing_ahead import ChoosingAhead
from .manifest import DAMAGED, DONE, FAILED, Entry
from .outputs import output_path, video_outputs
from .planning import Segment, Source
from .settings import MASKS, PATCH_DIFF, BatchSettings
from .sources import source_state, state_of
from .stored_choices import StoredChoices, write_choices

if TYPE_CHECKING:
    from ..native.shared_sources import SharedSources
    from ..native.sources import LoadedModel, OnTiles
    from ..tiles.stitching import TileProgress


@dataclass(frozen=True)
class Job:
    """The work on a video: all of it, one segment, or putting its segments together.

    Attributes:
        source: the video.
        folder: of the outputs.
        settings: fingerprint.
        segment: first frame and end, counted among the processed ones; None for the whole video.
        choices: files of all segments, in order, to put together; empty to run the model.
    """

    source: Source
    folder: str
    settings: str
    segment: Segment | None = None
    choices: tuple[str, ...] = ()

    @property
    def choice_file(self) -> Path:
        """Where a segment's choices are stored until they are put together."""
        assert self.segment is not None
        digest = hashlib.sha256(self.source.name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return Path(self.folder) / f".autogaze-web-{digest}-{self.segment[0]}.part"


class VideoWorker:
    """Processes videos; its model is loaded once. As many threads as the settings' streams may run jobs.

    Args:
        settings: of the batch.

    Attributes:
        loaded: the model; None for patch-diff.

    Raises:
        ValueError, ImportError: if the model is not available.
    """

    def __init__(self, settings: BatchSettings) -> None:
        self.settings = settings
        self._view = LiveSettings.of(settings.given)
        self.loaded: LoadedModel | None = None
        if settings.model != PATCH_DIFF:
            from ..native.sources import LoadedModel

            self.loaded = LoadedModel.load(settings.model, settings.threads, settings.device)
        self._stopped = Event()
        self._shared: SharedSources | None = None
        if self.loaded is not None and settings.streams > 1:
            from ..native.shared_sources import SharedSources
            from ..native.sources import GazeSettings

            gaze = GazeSettings.of(settings.given)
            self._shared = SharedSources(self.loaded, gaze, settings.streams)

    def run(self, job: Job, on_frame: Callable[[int], object] | None = None) -> Entry:
        """Does a job. What a user can mend is in the entry, not raised.

        Args:
            on_frame: called with the number of processed frames after each.
        """
        start = time.perf_counter()
        try:
            entry = (self._segment if job.segment else self._video)(job, on_frame)
        except MemoryError:
            entry = failed(job, "there is not enough memory: give a smaller video or fewer workers")
        except (ValueError, ImportError, OSError, RuntimeError) as error:
            entry = failed(job, str(error))
        except Exception as error:
            if not type(error).__module__.startswith("onnxruntime"):
                raise
            entry = failed(job, not_run(error))
        return Entry(**{**vars(entry), "seconds": time.perf_counter() - start})

    def source(self, on_tiles: OnTiles | None = None) -> MaskSource:
        """A mask source for one video; see `gaze_source`."""
        if self.loaded is None:
            return ComparisonSource(self._view.patch_diff)
        from ..native.sources import GazeSettings, gaze_source

        return gaze_source(self.loaded, GazeSettings.of(self.settings.given), on_tiles)

    def stop(self) -> None:
        """Ends the jobs in other threads with a `StoppedError`, what they wait for included."""
        self._stopped.set()
        if self._shared is not None:
            self._shared.stop()

    @property
    def patch_size(self) -> int:
        """Of the model's patches, in pixels."""
        if self.loaded is None:
            return PATCH_SIZE
        config = self.loaded.model.config
        return config.scales[-1] // config.scale_grids()[-1]

    def _video(self, job: Job, on_frame: Callable[[int], object] | None) -> Entry:
        settings, folder, name = self.settings, Path(job.folder), job.source.name
        frames = tokens = 0
        with remote.local_copy(job.source.address, self._check_stopped) as path:
            before = source_state(job.source.address, path)
            clip = open_clip(path, settings.stream)
            rate = clip.frames_per_second
            video = {
                "name": Path(name).name,
                "frames_per_second": None if rate is None else rate / settings.every,
            }
            with (
                self._choosing(job, self._stoppable(clip.frames())) as (given, source),
                video_outputs(
                    folder, name, settings.outputs, video, source.describe(), self.patch_size
                ) as writers,
            ):
                for processed in process_frames(given, source, self._view, draw_mask=False):
                    mask = None
                    if MASKS in settings.outputs:
                        height, width = processed.frame.shape[:2]
                        mask = self._view.mask.footprint(processed.cells, height, width)
                    for writer in writers:
                        writer.add(processed, mask)
                    frames += 1
                    tokens += len(processed.cells)
                    if on_frame:
                        on_frame(frames)
        for file in job.choices:
            Path(file).unlink(missing_ok=True)
        return Entry(
            name,
            job.source.address,
            job.settings,
            DONE if clip.damage is None else DAMAGED,
            before,
            {kind: state_of(output_path(folder, name, kind)) for kind in settings.outputs},
            clip.damage or "",
            frames,
            tokens,
        )

    @contextmanager
    def _choosing(
        self, job: Job, frames: Iterator[TimedFrame]
    ) -> Iterator[tuple[Iterator[TimedFrame], MaskSource]]:
        """The frames to process of a video's, and what chooses their cells."""
        settings = self.settings
        if job.choices:
            chosen = selected(frames, settings.every, settings.frames)
            yield chosen, StoredChoices(self.source().describe(), job.choices)
        elif self.loaded is None:
            chosen = selected(frames, settings.every, settings.frames)
            yield chosen, self.source()  # patch-diff, which has nothing to wait for
        else:
            with self._opened() as opened:
                ahead = ChoosingAhead(*opened)
                chosen = selected(ahead.stoppable(frames), settings.every, settings.frames)
                with closing(ahead.frames(chosen)) as following:
                    yield following, ahead

    @contextmanager
    def _opened(self) -> Iterator[tuple[Callable[[OnTiles], MaskSource], Callable[[], object]]]:
        """What makes a job's mask source, and what to call when it has chosen from its last frame."""
        if self._shared is None:
            yield self.source, _nothing
            return
        place = self._shared.open()

        def source(on_tiles: OnTiles) -> MaskSource:
            def check(progress: TileProgress) -> None:
                self._check_stopped()
                on_tiles(progress)

            return place.source(check)

        try:
            yield source, place.close
        finally:
            place.close()

    def _stoppable(self, frames: Iterator[TimedFrame]) -> Iterator[TimedFrame]:
        for timed in frames:
            self._check_stopped()
            yield timed

    def _check_stopped(self) -> None:
        if self._stopped.is_set():
            raise StoppedError

    def _segment(self, job: Job, on_frame: Callable[[int], object] | None) -> Entry:
        """Chooses the cells of a segment, after the frames of context that its first one needs."""
        from ..native.sources import TiledAutoGazeSource

        assert job.segment is not None
        first, end = job.segment
        settings, stored = self.settings, list[Choice]()
        address = job.source.address
        with remote.local_copy(address, self._check_stopped) as path, self._opened() as (make_source, _):
            source = make_source(_ignored)
            assert isinstance(source, TiledAutoGazeSource)
            context = source.describe().get("window", 1) - 1
            frames = self._stoppable(open_clip(path, settings.stream).frames())
            chosen = selected(frames, settings.every, settings.frames)
            for index, timed in enumerate(itertools.islice(chosen, end)):
                if first - context <= index < first:
                    source.prepare(timed.image)
                elif index >= first:
                    stored.append(source.choose(timed.image))
                    if on_frame:
                        on_frame(len(stored))
        write_choices(job.choice_file, stored)
        return Entry(job.source.name, job.source.address, job.settings, DONE, frames=len(stored))


def failed(job: Job, message: str) -> Entry:
    """The entry of a job that failed."""
    return Entry(job.source.name, job.source.address, job.settings, FAILED, message=message)


def not_run(error: Exception) -> str:
    """Why a video failed for which ONNX Runtime could not run the model, such as for want of a GPU's memory.

    >>> not_run(Exception("out of memory\\nat line 3"))
    'the model could not be run (out of memory): use fewer --streams or --workers, or another --device'
    """
    reason = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
    return f"the model could not be run ({reason}): use fewer --streams or --workers, or another --device"


def _nothing() -> None:
    """For sources that nobody waits for."""


def _ignored(_progress: object) -> None:
    """For sources whose progress nobody wants."""


def selected(frames: Iterator[TimedFrame], every: int, limit: int | None) -> Iterator[TimedFrame]:
    """Every N-th frame from the first one on, at most ``limit``; no frame beyond the last one is read.

    >>> [frame for frame in selected(iter(range(9)), 4, 2)]
    [0, 4]
    """
    last = None if limit is None else (limit - 1) * every + 1
    return itertools.islice(frames, 0, last, every)
