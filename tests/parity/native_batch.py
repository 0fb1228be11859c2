"""Batches of videos on native ONNX Runtime, as the browser's bridge executes them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, TypeVar

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from autogaze_web.graph.build import Target, frame_graph
from autogaze_web.model.lockstep import Answers, Runs
from autogaze_web.model.run import Decisions, Run
from autogaze_web.native.runtime import NativeRuntime, create_session

Result = TypeVar("Result")
Arrays = dict[str, NDArray[Any]]


class NativeBatch:
    """The contexts of several videos, and the tiles graph that computes a frame of each at once.

    Args:
        runtime: for the checkpoint; runs what only one video needs.
    """

    def __init__(
        self, runtime: NativeRuntime, size: int, capacity: int, steps: int, target: Target = "cpu"
    ) -> None:
        self.size, self._runtime = size, runtime
        weights = runtime.checkpoint.weights
        self._weights = {name: ort.OrtValue.ortvalue_from_numpy(each) for name, each in weights.items()}
        graph = frame_graph(runtime.checkpoint.config, steps, target=target, batched=True)
        self._session = create_session(graph, self._weights, 1)
        sides = {"batch": size, "context": capacity}
        self._shapes = {i.name: [sides.get(s, s) for s in i.shape] for i in self._session.get_inputs()}
        self._state: Arrays = {
            name: np.zeros(shape, np.float32)
            for name, shape in self._shapes.items()
            if name.startswith(("context_key", "context_value", "trunk_past"))
        }
        self._new: list[Arrays] = [{} for _ in range(size)]

    def execute(self, runs: Sequence[tuple[int, Run]]) -> list[Decisions]:
        """Executes a run of each of some videos, given with their places in the batch."""
        for place, run in runs:
            for copy in run.copies:
                for name, new in self._new[place].items():
                    rows = new[:, copy.source : copy.source + copy.count]
                    self._state[f"context_{name}"][place, :, copy.row : copy.row + copy.count] = rows
        if runs[0][1].graph == "steps":
            return [self._steps(place, run) for place, run in runs]
        by_place = dict(runs)
        filled = [by_place.get(place, runs[0][1]) for place in range(self.size)]
        feeds = {
            name: np.concatenate([run.feeds[name].reshape(-1) for run in filled]).reshape(self._shapes[name])
            for name in filled[0].feeds
        }
        outputs = self._run(self._session, {**feeds, **self._state})
        self._new = [
            {name[4:]: value[place] for name, value in outputs.items() if name.startswith("new_")}
            for place in range(self.size)
        ]
        for name in self._state:
            if name.startswith("trunk_past"):
                self._state[name] = outputs[name.replace("past", "next")]
        return [outputs["decisions"][place] for place, _ in runs]

    def _steps(self, place: int, run: Run) -> Decisions:
        context = {name: each[place] for name, each in self._state.items() if name.startswith("context")}
        outputs = self._run(self._runtime.session("steps", run.steps), {**run.feeds, **context})
        self._new[place] = {name[4:]: each for name, each in outputs.items() if name.startswith("new_")}
        return outputs["decisions"]

    @staticmethod
    def _run(session: ort.InferenceSession, feeds: Arrays) -> Arrays:
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, feeds), strict=True))


def drive_batches(rounds: Generator[Runs, Answers, Result], batches: Sequence[NativeBatch]) -> Result:
    """Executes rounds whose places are spread over batches of one size, in order."""
    size = batches[0].size
    try:
        waiting = next(rounds)
        while True:
            answers: list[Decisions] = []
            for number, batch in enumerate(batches):
                mine = [(place - number * size, run) for place, run in waiting if place // size == number]
                answers += batch.execute(mine) if mine else []
            waiting = rounds.send(answers)
    except StopIteration as stop:
        result: Result = stop.value
        return result
