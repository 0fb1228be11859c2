"""Several videos as one batch on native ONNX Runtime; their contexts stay on the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..model.context import HIDDEN
from ..model.run import Decisions, Run
from .devices import CUDA
from .runtime import NativeRuntime

if TYPE_CHECKING:
    import onnxruntime as ort

    Values = dict[str, ort.OrtValue]

_INITIAL = ("context_key", "context_value", "trunk_past")


class NativeBatch:
    """The contexts of up to ``size`` videos; one run of the tiles graph computes a frame of each.

    The runs are those of `Videos` with one frame graph and no steps graphs. What a video's runs return does
    not depend on the other videos, because no operation of the graph mixes them.

    Args:
        runtime: for the checkpoint and the device.
        size: places for videos. Each costs the same whether there is a video or not.
    """

    def __init__(self, runtime: NativeRuntime, size: int) -> None:
        self.size = size
        self._runtime = runtime
        self._device = "cuda" if runtime.providers[0] == CUDA else "cpu"
        self._places = places_for(size, runtime)
        self._state: Values = {}
        self._last: Values = {}
        self._capacity = 0
        self._fresh: set[int] = set(range(self._places))

    def start(self, place: int) -> None:
        """The next run at this place is the first one of another video."""
        self._fresh.add(place)

    def execute(self, runs: Sequence[tuple[int, Run]]) -> list[Decisions]:
        """Executes a run of each video, given with their places.

        A place without a run loses its video: call `start` before the next one.

        Args:
            runs: at least one, all with the same number of steps.

        Returns:
            The decisions of each, in the order given.
        """
        by_place = dict(runs)
        capacity = max(self._capacity, *(run.capacity for _, run in runs))
        steps = runs[0][1].steps
        session = self._runtime.session("tiles", steps)
        if self._last:
            self._move(by_place, capacity)
        else:
            self._begin(session, capacity)
        self._capacity = capacity
        self._fresh.difference_update(by_place)
        # A place without a video computes what another one does, which nobody reads.
        filled = [by_place.get(place, runs[0][1]).feeds for place in range(self._places)]
        feeds = {name: _joined(name, [each[name] for each in filled], capacity) for name in filled[0]}
        outputs = [output.name for output in session.get_outputs()]
        results = self._run(session, feeds, self._state, outputs)
        decisions = results.pop("decisions").numpy()
        self._last = results
        return [decisions[place] for place, _ in runs]

    def _begin(self, session: ort.InferenceSession, capacity: int) -> None:
        """The context before any run: empty rows, and nothing from earlier frames."""
        import onnxruntime as ort

        sides = {"batch": self._places, "context": capacity}
        for each in session.get_inputs():
            if each.name.startswith(_INITIAL):
                zeros = np.zeros([sides.get(side, side) for side in each.shape], np.float32)
                self._state[each.name] = ort.OrtValue.ortvalue_from_numpy(zeros, self._device)

    def _move(self, runs: Mapping[int, Run], capacity: int) -> None:
        """Copies rows of the last run into the context as the runs say; places that start are emptied."""
        row = np.zeros((self._places, capacity), np.int64)
        row[:, : self._capacity] = np.arange(self._capacity)
        for place, run in runs.items():
            for copy in run.copies:
                first = self._capacity + copy.source
                row[place, copy.row : copy.row + copy.count] = np.arange(first, first + copy.count)
        kept = np.array([place not in self._fresh for place in range(self._places)])
        there = {
            name: value for name, value in self._state.items() if name.startswith("context")
        } | self._last
        session = self._runtime.session("context_move", 0)
        outputs = [output.name for output in session.get_outputs()]
        self._state = {
            _input_of(name): value
            for name, value in self._run(session, {"row": row, "kept": kept}, there, outputs).items()
        }

    def _run(
        self,
        session: ort.InferenceSession,
        feeds: Mapping[str, NDArray[np.generic]],
        there: Values,
        outputs: Sequence[str],
    ) -> Values:
        """Runs a session on arrays and on what is on the device; all but the decisions stay there."""
        binding = session.io_binding()
        for name, array in feeds.items():
            binding.bind_cpu_input(name, array)
        for name, value in there.items():
            binding.bind_ortvalue_input(name, value)
        for name in outputs:
            binding.bind_output(name, "cpu" if name == "decisions" else self._device)
        session.run_with_iobinding(binding)
        return dict(zip(outputs, binding.get_outputs(), strict=True))


def places_for(size: int, runtime: NativeRuntime) -> int:
    """Videos that are computed for a batch of ``size``, one more where CUDA cannot compute just as many.

    In a batch of as many videos as the decoder has heads, keys and values became NaN after RotaryEmbedding
    and Split within thirty runs, whatever the options (ONNX Runtime 1.31.1 on an NVIDIA H200, four videos
    and heads); with 1 to 3, 5 to 8, 12, 16 and 32 videos they did not.
    """
    heads = runtime.checkpoint.config.decoder.num_attention_heads
    return size + 1 if runtime.providers[0] == CUDA and size == heads else size


def _input_of(moved: str) -> str:
    """The input of the next run that an output of the moves is."""
    name = moved.removeprefix("moved_")
    return f"trunk_past_{name.removeprefix('trunk_')}" if name.startswith("trunk_") else f"context_{name}"


def _joined(name: str, arrays: Sequence[NDArray[np.generic]], capacity: int) -> NDArray[np.generic]:
    """A feed of each place along a new first axis; ``frame`` has it already."""
    if name == "frame":
        return np.concatenate(arrays)
    if name == "context_bias":
        joined = np.full((len(arrays), 1, capacity), HIDDEN, np.float32)
        for place, bias in enumerate(arrays):
            joined[place, :, : bias.shape[1]] = bias
        return joined
    return np.stack(arrays)
