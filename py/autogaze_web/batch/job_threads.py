"""Runs several jobs of one worker side by side, each in a thread."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Lock

from ..native.gathering import StoppedError
from .manifest import Entry
from .settings import BatchSettings
from .video_job import Job, VideoWorker

_SHOWN_SECONDS = 0.2


class ThreadEngine:
    """Runs as many jobs at a time in this process as the settings have streams; see `engines.Engine`.

    Args:
        on_frame: called, while it waits, with the number of processed frames of the videos in work.
    """

    def __init__(self, settings: BatchSettings, on_frame: Callable[[int], object] | None = None) -> None:
        self.slots = settings.streams
        self._worker = VideoWorker(settings)
        self._on_frame = on_frame
        self._threads = ThreadPoolExecutor(self.slots, "autogaze-video")
        self._running: dict[Future[Entry], Job] = {}
        self._frames: dict[Job, int] = {}

    def submit(self, job: Job) -> None:
        """See `Engine`."""
        self._running[self._threads.submit(self._run, job)] = job

    def next(self) -> tuple[Job, Entry]:
        """See `Engine`."""
        pause = _SHOWN_SECONDS if self._on_frame else None
        while not (done := wait(self._running, pause, FIRST_COMPLETED).done):
            if self._on_frame:
                self._on_frame(sum(list(self._frames.values())))
        first = done.pop()
        job = self._running.pop(first)
        self._frames.pop(job, None)
        return job, first.result()

    def close(self) -> None:
        """See `Engine`."""
        self._worker.stop()
        self._threads.shutdown(cancel_futures=True)

    def _run(self, job: Job) -> Entry:
        def count(frames: int) -> None:
            self._frames[job] = frames

        return self._worker.run(job, count)


def run_in_threads(
    worker: VideoWorker, jobs: Iterable[Job], on_end: Callable[[tuple[Job, Entry]], object]
) -> None:
    """Runs a worker process's jobs as they come, side by side; whoever gives them minds their number.

    However the jobs end, those in work are stopped. A fault of the program ends the process.

    Args:
        on_end: called with each job and its entry, by one thread at a time.
    """
    one = Lock()

    def run(job: Job) -> None:
        try:
            entry = worker.run(job)
            with one:
                on_end((job, entry))
        except (StoppedError, BrokenPipeError):
            pass
        except BaseException:
            traceback.print_exc()
            os.kill(os.getpid(), signal.SIGTERM)

    with ThreadPoolExecutor(worker.settings.streams, "autogaze-video") as threads:
        try:
            for job in jobs:
                threads.submit(run, job)
        finally:
            worker.stop()
