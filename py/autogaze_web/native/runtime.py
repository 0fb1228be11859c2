"""Runs the graphs with native ONNX Runtime.

ONNX Runtime and the builder of the graphs are imported only when a model is made, so that every public name
can be imported without the extra ``[native]``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..limits import MAX_THREADS, is_whole, shown
from ..model.checkpoint import Checkpoint
from ..model.lockstep import Rounds
from ..model.run import Decisions, Run
from .devices import CPU, CUDA, check_loaded, load_libraries, providers_of, with_options

if TYPE_CHECKING:
    import onnx
    import onnxruntime as ort

    from ..graph.build import Target

Result = TypeVar("Result")

Execute = Callable[[Sequence[tuple[int, Run]]], Sequence[Decisions]]
"""Executes a round: a run of each of some videos, given with their places."""

FRAME_STEPS = (1,)
MORE_STEPS = (1,)
"""Natively a run costs little more than its steps, so each has one step and none is computed in vain."""


def check_threads(threads: int | None) -> None:
    """Raises unless it is a number of CPU threads, or None.

    Raises:
        ValueError: saying what is expected.
    """
    if threads is not None and (not is_whole(threads) or not 1 <= threads <= MAX_THREADS):
        raise ValueError(f"threads must be 1 to {MAX_THREADS}, or None, got {shown(threads)}")


def create_session(
    model: onnx.ModelProto,
    weights: Mapping[str, ort.OrtValue],
    threads: int | None,
    providers: Sequence[str] = (CPU,),
) -> ort.InferenceSession:
    """A session of a weight-free graph; refers to the weights without copying them.

    Raises:
        ValueError: if the first of the execution providers cannot be loaded.
    """
    import onnxruntime as ort

    used = {tensor.name for tensor in model.graph.initializer}
    chosen = {name: value for name, value in weights.items() if name in used}
    options = ort.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
    # Runs alternate between sessions: the idle threads of one must not spin while the other works.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.add_external_initializers(list(chosen), list(chosen.values()))
    problems = load_libraries() if CUDA in providers else ""
    session = ort.InferenceSession(model.SerializeToString(), options, providers=with_options(providers))
    check_loaded(session, providers, problems)
    return session


def require_native() -> None:
    """Raises unless the extra ``[native]`` is installed.

    Raises:
        ImportError: in one sentence that says how to install it.
    """
    for name in ("onnx", "onnxruntime"):
        try:
            import_module(name)
        except ModuleNotFoundError as error:
            raise ImportError(f"AutoGaze needs {error.name}: pip install 'autogaze-web[native]'") from None


def is_gpu(device: str) -> bool:
    """Whether a device of `providers_of` is a GPU on this machine, for all that ONNX Runtime says.

    Raises:
        ImportError: if the extra ``[native]`` is not installed.
        ValueError: if there is no such device.
    """
    require_native()
    import onnxruntime as ort

    return providers_of(device, ort.get_available_providers())[0] == CUDA


class NativeRuntime:
    """The graphs of one checkpoint as ONNX Runtime sessions, each created on first use.

    Args:
        threads: threads within an operator; None lets ONNX Runtime choose.
        probes: intermediate values of the graphs to add to their outputs, see `frame_graph`.
        capacity: rows of context in graphs of static shapes; None for graphs with a dynamic number of rows.
        target: the kind of graphs; those for GPUs also run here, but slower.
        device: ``cpu``, ``cuda`` or ``auto``, see `providers_of`.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        threads: int | None = None,
        probes: tuple[str, ...] = (),
        capacity: int | None = None,
        target: Target = "cpu",
        device: str = "cpu",
    ) -> None:
        require_native()
        check_threads(threads)
        import onnxruntime as ort

        self.checkpoint = checkpoint
        self.providers: list[str] = providers_of(device, ort.get_available_providers())
        self._threads = threads
        self._probes = probes
        self._capacity, self._target = capacity, target
        # Sessions refer to these values without copying them, so they must outlive the sessions.
        self._weights = {
            name: ort.OrtValue.ortvalue_from_numpy(array) for name, array in checkpoint.weights.items()
        }
        self._sessions: dict[tuple[str, int], ort.InferenceSession] = {}
        self._creating = Lock()

    @property
    def batches(self) -> bool:
        """Whether whole frames are computed in one run and their context stays on the device: on GPUs."""
        return self.providers[0] == CUDA

    def session(self, graph: str, steps: int) -> ort.InferenceSession:
        """The session of a graph with this number of unrolled steps; threads can share it.

        Args:
            graph: ``frame``, ``steps``, ``tiles`` (a frame of each video of a batch) or ``context_move``.
        """
        key = (graph, steps)
        with self._creating:
            if key not in self._sessions:
                model = self._build(graph, steps)
                self._sessions[key] = create_session(model, self._weights, self._threads, self.providers)
            return self._sessions[key]

    def _build(self, graph: str, steps: int) -> onnx.ModelProto:
        from ..graph.build import frame_graph, steps_graph
        from ..graph.context_move import context_move_graph

        config = self.checkpoint.config
        if graph == "context_move":
            return context_move_graph(config)
        if graph == "tiles":
            return frame_graph(config, steps, batched=True)
        build = frame_graph if graph == "frame" else steps_graph
        return build(config, steps, self._capacity, self._probes, self._target)


class NativeVideo:
    """One video's context and trunk state; executes the runs that `generation.Videos` yield."""

    def __init__(self, runtime: NativeRuntime) -> None:
        from ..graph.vision import zero_past

        self._runtime = runtime
        config = runtime.checkpoint.config
        self._past = zero_past(config)
        shape = (config.decoder.num_key_value_heads, 0, config.decoder.head_dim)
        layers = config.decoder.num_hidden_layers
        self._names = [f"{kind}_{i}" for kind in ("key", "value") for i in range(layers)]
        self._context = [np.zeros(shape, np.float32) for _ in self._names]
        self._new: list[NDArray[np.float32]] = []
        self.probed: dict[str, NDArray[np.float32]] = {}

    def execute(self, run: Run) -> Decisions:
        """Executes one run as `Run` describes."""
        self._make_room(run.capacity)
        for copy in run.copies:
            source, row = slice(copy.source, copy.source + copy.count), slice(copy.row, copy.row + copy.count)
            for context, new in zip(self._context, self._new, strict=True):
                context[:, row] = new[:, source]
        feeds: dict[str, Any] = dict(run.feeds)
        feeds.update(
            (f"context_{name}", array) for name, array in zip(self._names, self._context, strict=True)
        )
        if run.graph == "frame":
            feeds.update((f"trunk_past_{i}", array) for i, array in enumerate(self._past))
        session = self._runtime.session(run.graph, run.steps)
        names = [output.name for output in session.get_outputs()]
        outputs = dict(zip(names, session.run(names, feeds), strict=True))
        self._new = [outputs.pop(f"new_{name}") for name in self._names]
        if run.graph == "frame":
            self._past = [outputs.pop(f"trunk_next_{i}") for i in range(len(self._past))]
        decisions: Decisions = outputs.pop("decisions")
        self.probed = outputs
        return decisions

    def _make_room(self, capacity: int) -> None:
        for i, old in enumerate(self._context):
            if old.shape[1] < capacity:
                self._context[i] = np.zeros((old.shape[0], capacity, old.shape[2]), np.float32)
                self._context[i][:, : old.shape[1]] = old


class Executor(Protocol):
    """Executes the runs of one video."""

    def execute(self, run: Run) -> Decisions:
        """Executes one run as `Run` describes."""
        ...


def drive(runs: Generator[tuple[int, Run], Decisions, Result], videos: Sequence[Executor]) -> Result:
    """Executes the runs of a generator, each on the video that it names; returns the generator's result."""
    try:
        index, run = next(runs)
        while True:
            index, run = runs.send(videos[index].execute(run))
    except StopIteration as stop:
        result: Result = stop.value
        return result


def drive_rounds(rounds: Rounds[Result], execute: Execute) -> list[Result]:
    """Executes the rounds of videos side by side; returns their results."""
    try:
        waiting = next(rounds)
        while True:
            waiting = rounds.send(execute(waiting))
    except StopIteration as stop:
        results: list[Result] = stop.value
        return results


def one_by_one(videos: Sequence[Executor]) -> Execute:
    """Executes the runs of a round one after the other."""
    return lambda runs: [videos[place].execute(run) for place, run in runs]
