"""Runs a batch: reads the manifest, decides what is to do, has it done and writes down what came of it."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ..files.atomic_file import OutputError
from ..files.clip import VideoError
from ..files.video import open_clip
from . import remote
from .engines import Engine
from .manifest import DAMAGED, FAILED, Entry
from .manifest_file import open_manifest, read_manifest
from .outputs import output_path
from .planning import Source, assign_names, reason_to_run, segments
from .settings import PATCH_DIFF, BatchSettings, fingerprint
from .sources import digest_of, is_unchanged
from .video_job import Job

_PART = ".autogaze-web-*.part"


@dataclass(frozen=True)
class Todo:
    """What a batch has to do.

    Attributes:
        folder: of the outputs.
        settings: fingerprint.
        sources: to process, each under its own name.
        skipped: the entries of those whose outputs are all there.
        entries: the whole manifest by name.
    """

    folder: Path
    settings: str
    sources: list[Source]
    skipped: list[Entry]
    entries: dict[str, Entry]


@dataclass
class Summary:
    """What came of a batch.

    Attributes:
        done, damaged, failed: entries of this run by status.
        skipped: entries of earlier runs that still hold.
    """

    done: list[Entry] = field(default_factory=list)
    damaged: list[Entry] = field(default_factory=list)
    failed: list[Entry] = field(default_factory=list)
    skipped: list[Entry] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Adds what came of a video."""
        {DAMAGED: self.damaged, FAILED: self.failed}.get(entry.status, self.done).append(entry)


def prepare(folder: Path, settings: BatchSettings, sources: Sequence[Source]) -> Todo:
    """Decides what is to do, from the folder's manifest and the files there.

    Raises:
        ValueError: if the folder has another file of the manifest's name, or the model is not available.
    """
    entries = read_manifest(folder)

    def is_same(source: Source, entry: Entry) -> bool:
        return entry.source is not None and is_unchanged(source.address, entry.source)

    digest = fingerprint(settings, model_digest(settings.model))
    todo = Todo(folder, digest, [], [], entries)
    for source in assign_names(sources, entries, is_same):
        entry = entries.get(source.name)
        why = reason_to_run(
            entry,
            digest,
            settings.outputs,
            partial(is_same, source),
            lambda entry, kind: is_unchanged(str(output_path(folder, entry.name, kind)), entry.outputs[kind]),
        )
        if why is None and entry is not None:
            todo.skipped.append(entry)
        else:
            todo.sources.append(source)
    return todo


def run(
    todo: Todo,
    engine: Engine,
    settings: BatchSettings,
    segment_frames: int | None = None,
    on_entry: Callable[[Entry], object] | None = None,
) -> Summary:
    """Processes what is to do. After each video its entry is in the manifest, whatever happens next.

    Args:
        segment_frames: videos are split into segments of so many frames; None for whole videos.
        on_entry: called with the entry of each video.

    Raises:
        ValueError: if the manifest cannot be written, or no worker can be started.
    """
    summary = Summary(skipped=todo.skipped)
    waiting = deque(todo.sources)
    jobs: deque[Job] = deque()
    open_segments: dict[str, _Segments] = {}
    running = 0
    with open_manifest(todo.folder, todo.entries) as manifest:

        def record(entry: Entry) -> None:
            manifest.add(entry)
            summary.add(entry)
            if on_entry:
                on_entry(entry)

        while waiting or jobs or running:
            while (waiting or jobs) and running < engine.slots:
                if not jobs:
                    parts = _jobs_of(waiting.popleft(), todo, settings, segment_frames)
                    if len(parts) > 1:
                        open_segments[parts[0].source.name] = _Segments(parts)
                    jobs.extend(parts)
                engine.submit(jobs.popleft())
                running += 1
            # Now, because the workers have something to do meanwhile.
            manifest.sync()
            job, entry = engine.next()
            running -= 1
            group = open_segments.get(job.source.name)
            if group is None or job.choices:
                open_segments.pop(job.source.name, None)
                record(entry)
            elif (merge := group.add(entry)) is not None:
                if isinstance(merge, Job):
                    jobs.appendleft(merge)
                else:
                    del open_segments[job.source.name]
                    record(merge)
    return summary


def model_digest(model: str) -> str:
    """A digest of a checkpoint's files; empty for patch-diff.

    Raises:
        ValueError: if there is no such model.
    """
    if model == PATCH_DIFF:
        return ""
    from ..model.pretrained import pretrained_folder

    folder = pretrained_folder(model, ("config.json",))
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".json", ".safetensors") and path.is_file():
            digest.update(f"{path.name} {digest_of(path)}\n".encode())
    return digest.hexdigest()


def size_of(source: Source) -> int:
    """A video's size in bytes, as a measure of the work; 1 if it is unknown."""
    try:
        return 1 if remote.is_remote(source.address) else max(1, Path(source.address).stat().st_size)
    except OSError:
        return 1


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keeps a second batch from working in a folder at the same time, where the system can.

    Half-done files of earlier batches are removed first, and those of this one in the end, however it ends.
    Close the engine within the block.

    Raises:
        OutputError: if there is one, or the folder cannot be written.
    """
    with _locked(folder):
        _remove_parts(folder)
        try:
            yield
        finally:
            _remove_parts(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise OutputError(f"cannot write to {folder}: it is a file or in one; name a folder") from None
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder} ({error.strerror}): choose another one") from None
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows
        yield
        return
    try:
        lock = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise OutputError(f"cannot read the folder {folder} ({error.strerror}): choose another one") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(
                f"another batch works in {folder}: wait for it or choose another folder"
            ) from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(lock)


def _remove_parts(folder: Path) -> None:
    """Removes what killed workers left and segments that nobody needs any more; no worker may be at work."""
    for part in folder.rglob(_PART):
        if not part.is_dir():  # `export` leaves folders
            part.unlink(missing_ok=True)


class _Segments:
    """The segments of one video until all are done."""

    def __init__(self, jobs: list[Job]) -> None:
        self._jobs = jobs
        self._left = len(jobs)
        self._failure: Entry | None = None

    def add(self, entry: Entry) -> Job | Entry | None:
        """What follows when a segment has ended: the job that puts them together, or the failed video."""
        self._left -= 1
        if entry.status == FAILED:
            self._failure = self._failure or entry
        if self._left:
            return None
        files = tuple(str(job.choice_file) for job in self._jobs)
        if self._failure is not None:
            for file in files:
                Path(file).unlink(missing_ok=True)
            return self._failure
        first = self._jobs[0]
        return Job(first.source, first.folder, first.settings, choices=files)


def _jobs_of(source: Source, todo: Todo, settings: BatchSettings, length: int | None) -> list[Job]:
    """The jobs of a video: one, or one for each segment."""
    whole = Job(source, str(todo.folder), todo.settings)
    if length is None or remote.is_remote(source.address):
        return [whole]
    try:
        frames = -(-open_clip(source.address, settings.stream).count() // settings.every)
    except (VideoError, OSError):
        return [whole]  # which says what is wrong
    parts = segments(min(frames, settings.frames or frames), length)
    if len(parts) == 1:
        return [whole]
    return [Job(source, str(todo.folder), todo.settings, part) for part in parts]
