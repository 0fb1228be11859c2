"""What runs the jobs: this process, several processes of this machine, or a Ray cluster.

All engines call the same `VideoWorker`, so that they write the same bytes. The caller alone writes the
manifest: a job whose worker died is done again, and its result counts once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Protocol, cast

from .job_threads import run_in_threads
from .manifest import Entry
from .settings import BatchSettings
from .video_job import Job, VideoWorker, failed

MOST_TRIES = 2
_STOP_SECONDS = 5.0


class EngineError(ValueError):
    """An engine that cannot be started; the message says why."""


class Engine(Protocol):
    """Runs jobs, each once."""

    slots: int
    """How many jobs are useful at a time."""

    def submit(self, job: Job) -> None:
        """Adds a job."""

    def next(self) -> tuple[Job, Entry]:
        """Waits for any job to end; at least one was submitted and has not been returned."""

    def close(self) -> None:
        """Ends all workers; jobs in work leave nothing behind."""


class SerialEngine:
    """Runs jobs in this process, one after the other.

    Args:
        on_frame: called with the number of processed frames of the video in work.
    """

    slots = 1

    def __init__(self, settings: BatchSettings, on_frame: Callable[[int], object] | None = None) -> None:
        self._worker = VideoWorker(settings)
        self._on_frame = on_frame
        self._jobs: deque[Job] = deque()

    def submit(self, job: Job) -> None:
        """See `Engine`."""
        self._jobs.append(job)

    def next(self) -> tuple[Job, Entry]:
        """See `Engine`."""
        job = self._jobs.popleft()
        return job, self._worker.run(job, self._on_frame)

    def close(self) -> None:
        """See `Engine`."""


class ProcessEngine:
    """Runs jobs in processes of this machine, each with its own model and as many jobs as there are streams.

    A job whose worker died is done again with a worker to itself, so that it is known whose fault it was.

    Raises:
        EngineError: if a worker cannot load the model.
    """

    def __init__(self, settings: BatchSettings, workers: int) -> None:
        self._workers = workers
        self.slots = workers * settings.streams
        self._settings = settings
        self._context = multiprocessing.get_context("spawn")
        self._processes: dict[Connection, _Process] = {}
        self._waiting: deque[Job] = deque()
        self._tries: dict[Job, int] = {}
        self._ended: deque[tuple[Job, Entry]] = deque()

    def submit(self, job: Job) -> None:
        """See `Engine`."""
        self._waiting.append(job)
        self._assign()

    def next(self) -> tuple[Job, Entry]:
        """See `Engine`."""
        while not self._ended:
            for ready in cast("list[Connection]", wait(list(self._processes))):
                process = self._processes[ready]
                try:
                    answer = ready.recv()
                except (EOFError, OSError):
                    self._lost(process)
                else:
                    if isinstance(answer, str):
                        raise EngineError(answer)
                    process.jobs.remove(answer[0])
                    self._ended.append(answer)
            self._assign()
        return self._ended.popleft()

    def close(self) -> None:
        """See `Engine`."""
        processes = list(self._processes.values())
        for process in processes:
            process.process.terminate()
        for process in processes:
            process.process.join(_STOP_SECONDS)
            if process.process.is_alive():
                process.process.kill()
                process.process.join()
            process.connection.close()

    def _assign(self) -> None:
        """Gives jobs that wait to workers, the least busy first, and starts workers while there is need."""
        while self._waiting:
            most = 1 if self._waiting[0] in self._tries else self._settings.streams
            process = min(
                (
                    each
                    for each in self._processes.values()
                    if len(each.jobs) < most and self._tries.keys().isdisjoint(each.jobs)
                ),
                key=lambda each: len(each.jobs),
                default=None,
            )
            if (process is None or process.jobs) and len(self._processes) < self._workers:
                process = _Process(self._context, self._settings)
                self._processes[process.connection] = process
            if process is None:
                return
            job = self._waiting.popleft()
            process.jobs.append(job)
            with suppress(OSError):  # it died while it was idle: its connection is at its end
                process.connection.send(job)

    def _lost(self, process: _Process) -> None:
        """A worker died: its jobs are done again, once."""
        process.process.join()
        process.connection.close()
        del self._processes[process.connection]
        for job in reversed(process.jobs):
            self._tries[job] = self._tries.get(job, 1) + 1
            if self._tries[job] > MOST_TRIES:
                self._ended.append((job, failed(job, lost_message(process.process.exitcode))))
            else:
                self._waiting.appendleft(job)


class _Process:
    """A worker, the connection to it and its jobs."""

    def __init__(self, context: Any, settings: BatchSettings) -> None:
        connection: Connection
        connection, theirs = context.Pipe()
        self.connection = connection
        self.jobs: list[Job] = []
        self.process: BaseProcess = context.Process(target=_serve, args=(theirs, settings), daemon=True)
        self.process.start()
        theirs.close()


def lost_message(exitcode: int | None) -> str:
    """Why a video failed whose workers died.

    >>> lost_message(-9)
    'its worker ended twice (signal 9), perhaps for lack of memory: use fewer workers or smaller videos'
    """
    how = f"signal {-exitcode}" if exitcode is not None and exitcode < 0 else f"status {exitcode}"
    return f"its worker ended twice ({how}), perhaps for lack of memory: use fewer workers or smaller videos"


def threads_for(workers: int) -> int:
    """CPU threads of each of several workers on this machine."""
    return max(1, (os.cpu_count() or 1) // workers)


def _serve(connection: Connection, settings: BatchSettings) -> None:
    """A worker process: does the jobs that arrive, until the connection ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one decides
    signal.signal(signal.SIGTERM, _exit)
    _follow_parent()
    with suppress(EOFError, OSError):
        first = connection.recv()
        try:
            worker = VideoWorker(settings)
        except (ValueError, ImportError, OSError) as error:
            connection.send(str(error))
            return
        jobs = chain([first], iter(connection.recv, None))
        if settings.streams == 1:
            for job in jobs:
                connection.send((job, worker.run(job)))
        else:
            run_in_threads(worker, jobs, connection.send)


def _exit(_signal: int, _frame: object) -> None:
    raise SystemExit(128 + signal.SIGTERM)


def _follow_parent() -> None:
    """Ends this process when its parent is gone, however it ended."""
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow, daemon=True).start()
