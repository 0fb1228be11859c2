"""Processes one video, or one segment of it, with a model that was loaded before."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..files.atomic_file import atomic_file
from ..files.stored_gaze import PATCH_SIZE
from ..files.video import open_clip
from ..frames.rgba import Rgba
from ..frames.timed_frame import TimedFrame
from ..live.pipeline import process_frames
from ..live.settings import LiveSettings
from ..live.sources import ComparisonSource, MaskSource
from ..masks.choice import Choice, Description
from ..masks.fixations import Fixations
from . import remote
from .choosing_ahead import ChoosingAhead
from .manifest import DAMAGED, DONE, FAILED, Entry
from .outputs import output_path, video_outputs
from .planning import Segment, Source
from .settings import MASKS, PATCH_DIFF, BatchSettings
from .sources import source_state, state_of

if TYPE_CHECKING:
    from ..native.sources import LoadedModel, OnTiles


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
    """Processes videos; its model is loaded once.

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

    def run(self, job: Job, on_frame: Callable[[int], object] | None = None) -> Entry:
        """Does a job. What a user can mend is in the entry, not raised.

        Args:
            on_frame: called with the number of processed frames after each.
        """
        start = time.perf_counter()
        try:
            entry = self._segment(job) if job.segment else self._video(job, on_frame)
        except MemoryError:
            entry = failed(job, "there is not enough memory: give a smaller video or fewer workers")
        except (ValueError, ImportError, OSError, RuntimeError) as error:
            entry = failed(job, str(error))
        return Entry(**{**vars(entry), "seconds": time.perf_counter() - start})

    def source(self, on_tiles: OnTiles | None = None) -> MaskSource:
        """A mask source for one video; see `gaze_source`."""
        if self.loaded is None:
            return ComparisonSource(self._view.patch_diff)
        from ..native.sources import GazeSettings, gaze_source

        return gaze_source(self.loaded, GazeSettings.of(self.settings.given), on_tiles)

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
        with remote.local_copy(job.source.address) as path:
            before = source_state(job.source.address, path)
            clip = open_clip(path, settings.stream)
            rate = clip.frames_per_second
            video = {
                "name": Path(name).name,
                "frames_per_second": None if rate is None else rate / settings.every,
            }
            with (
                self._choosing(job, clip.frames()) as (given, source),
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
            ahead = ChoosingAhead(self.source)
            chosen = selected(ahead.stoppable(frames), settings.every, settings.frames)
            with closing(ahead.frames(chosen)) as following:
                yield following, ahead

    def _segment(self, job: Job) -> Entry:
        """Chooses the cells of a segment, after the frames of context that its first one needs."""
        from ..native.sources import TiledAutoGazeSource

        assert job.segment is not None
        first, end = job.segment
        source = self.source()
        assert isinstance(source, TiledAutoGazeSource)
        context = source.describe().get("window", 1) - 1
        stored = []
        with remote.local_copy(job.source.address) as path:
            chosen = selected(
                open_clip(path, self.settings.stream).frames(), self.settings.every, self.settings.frames
            )
            for index, timed in enumerate(itertools.islice(chosen, end)):
                if index < first - context:
                    continue
                if index < first:
                    source.prepare(timed.image)
                else:
                    stored.append(source.choose(timed.image))
        write_choices(job.choice_file, stored)
        return Entry(job.source.name, job.source.address, job.settings, DONE, frames=len(stored))


def failed(job: Job, message: str) -> Entry:
    """The entry of a job that failed."""
    return Entry(job.source.name, job.source.address, job.settings, FAILED, message=message)


def selected(frames: Iterator[TimedFrame], every: int, limit: int | None) -> Iterator[TimedFrame]:
    """Every N-th frame from the first one on, at most ``limit``; no frame beyond the last one is read.

    >>> [frame for frame in selected(iter(range(9)), 4, 2)]
    [0, 4]
    """
    last = None if limit is None else (limit - 1) * every + 1
    return itertools.islice(frames, 0, last, every)


class StoredChoices:
    """A mask source that repeats what was chosen before, from the files of `write_choices`."""

    def __init__(self, description: Description, files: tuple[str, ...]) -> None:
        self._description = description
        self._choices = (choice for file in files for choice in read_choices(Path(file)))

    def describe(self) -> Description:
        """See `live.sources.MaskSource`."""
        return self._description

    def choose(self, _frame: Rgba) -> Choice:
        """See `live.sources.MaskSource`."""
        return next(self._choices)


def write_choices(path: Path, choices: list[Choice]) -> None:
    """Stores choices of tiled frames."""
    cells = [choice.cells for choice in choices]
    fixations = [each for each in cells if isinstance(each, Fixations)]
    assert len(fixations) == len(choices)
    joined = Fixations.concatenate(fixations)
    with atomic_file(path) as file:
        np.savez(
            file,
            start=joined.start,
            end=joined.end,
            parts=joined.parts,
            grid=joined.grid,
            confidence=joined.confidence,
            numbers=np.array([(len(c.cells), c.padded, c.steps) for c in choices], np.int64).reshape(-1, 3),
        )


def read_choices(path: Path) -> list[Choice]:
    """What `write_choices` stored."""
    with np.load(path) as stored:
        fields = [stored[name] for name in ("start", "end", "parts", "grid", "confidence")]
        numbers = stored["numbers"].tolist()
    choices, at = [], 0
    for count, padded, steps in numbers:
        part = Fixations(*(values[at : at + count] for values in fields))
        choices.append(Choice.of(part, padded, steps))
        at += count
    return choices
