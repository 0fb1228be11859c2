"""Runs jobs on a Ray cluster (``pip install 'autogaze-web[cluster]'``).

Each job is a Ray task. Ray keeps a node's worker processes for further tasks, so each of them loads the model
once, and repeats a task whose worker or node died.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .engines import EngineError, lost_message
from .manifest import Entry
from .settings import BatchSettings
from .video_job import Job, VideoWorker, failed

MOST_RETRIES = 3

_workers: dict[str, VideoWorker] = {}
"""This process's worker by its settings: at most one."""


class RayEngine:
    """Runs jobs on a cluster. Sources and outputs must have the same paths on all nodes.

    Args:
        settings: of the batch; ``threads`` is also the number of CPUs that a task reserves (1 by default).
        address: of the cluster; None for the one that ``RAY_ADDRESS`` names or this machine runs, else a new
            one on this machine.
        workers: most tasks at a time; None for as many as the cluster has CPUs for.

    Raises:
        ImportError: if Ray is not installed.
        EngineError: if there is no cluster at the address.
    """

    def __init__(self, settings: BatchSettings, address: str | None, workers: int | None) -> None:
        try:
            ray: Any = import_module("ray")
        except ModuleNotFoundError:
            raise ImportError("the engine ray needs Ray: pip install 'autogaze-web[cluster]'") from None
        self._ray = ray
        self._owns = not ray.is_initialized()
        if self._owns:
            try:
                ray.init(address=address, log_to_driver=False, logging_level="ERROR")
            except (ConnectionError, ValueError, RuntimeError) as error:
                reason = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
                raise EngineError(
                    f"the Ray cluster {address or 'of this machine'} cannot be reached ({reason}): "
                    "start one with 'ray start --head', or correct --address"
                ) from None
        threads = settings.threads or 1
        cpus = int(ray.cluster_resources().get("CPU", 1))
        self.slots: int = workers or max(1, cpus // threads)
        self._settings = ray.put(settings)
        self._task = ray.remote(num_cpus=threads, max_retries=MOST_RETRIES)(run_job)
        self._running: dict[Any, Job] = {}

    def submit(self, job: Job) -> None:
        """See `engines.Engine`."""
        self._running[self._task.remote(self._settings, job)] = job

    def next(self) -> tuple[Job, Entry]:
        """See `engines.Engine`."""
        (reference,), _ = self._ray.wait(list(self._running), num_returns=1)
        job = self._running.pop(reference)
        try:
            return job, self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            raise EngineError(str(error.cause)) from None
        except self._ray.exceptions.RayError:
            return job, failed(job, lost_message(None))

    def close(self) -> None:
        """See `engines.Engine`."""
        for reference in self._running:
            self._ray.cancel(reference, force=True)
        if self._owns:
            self._ray.shutdown()


def run_job(settings: BatchSettings, job: Job) -> Entry:
    """What a task does, in a worker process of a node."""
    key = repr(settings)
    if key not in _workers:
        _workers.clear()
        _workers[key] = VideoWorker(settings)
    return _workers[key].run(job)
