"""The page's bridge to the model, with ONNX Runtime of this machine behind it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
from native_batch import NativeBatch

from autogaze_web import AutoGaze
from autogaze_web.model.context import Copy
from autogaze_web.model.run import Run
from autogaze_web.native.runtime import NativeVideo


class Bridge:
    """Executes runs as `wasm_bridge/model/loaded_model.mjs` does."""

    uploads_frames = False

    def __init__(self, model: AutoGaze, capacity: int) -> None:
        self._runtime, self._capacity = model.runtime, capacity
        self.videos: dict[int, NativeVideo] = {}
        self.batches: dict[int, NativeBatch] = {}
        self.restarts = 0
        self.executed = 0
        #: First tile of each run of a batch, and the age of the frame that it is cut from.
        self.cuts: list[tuple[int, int]] = []

    def restart(self) -> None:
        self.videos.clear()
        self.batches.clear()
        self.restarts += 1

    async def execute(self, header: str, packed: Any) -> Any:
        self.executed += 1
        run = json.loads(header)
        if run["graph"] == "tiles":
            self.cuts.append((run["first"], run["age"]))
            decisions = self._execute_batch(run, packed)
            return SimpleNamespace(to_py=lambda: decisions)
        inputs = {i.name: i.shape for i in self._runtime.session(run["graph"], run["steps"]).get_inputs()}
        feeds = {
            name: packed[start : start + size].view(dtype).reshape(
                [side if isinstance(side, int) else -1 for side in inputs[name]]
            )
            for name, dtype, start, size in run["feeds"]
        }  # fmt: skip
        copies = [Copy(*copy) for copy in np.reshape(run["copies"], (-1, 3)).tolist()]
        video = self.videos.setdefault(run["video"], NativeVideo(self._runtime))
        decisions = video.execute(
            Run(run["graph"], run["steps"], self._capacity, tuple(copies), feeds, np.zeros(0, np.int64))
        )
        return SimpleNamespace(to_py=lambda: decisions)

    def _execute_batch(self, run: dict[str, Any], packed: Any) -> Any:
        size, capacity, steps = run["batch"], run["capacity"], run["steps"]
        if run["video"] not in self.batches:
            self.batches[run["video"]] = NativeBatch(self._runtime, size, capacity, steps)
        feeds = {
            name: packed[start : start + length].view(dtype).reshape(size, -1)
            for name, dtype, start, length in run["feeds"]
        }
        copies: list[list[Copy]] = [[] for _ in range(size)]
        for place, *copy in np.reshape(run["copies"], (-1, 4)).tolist():
            copies[place].append(Copy(*copy))
        runs = [
            Run("frame", steps, capacity, tuple(copies[place]), each, np.zeros(0, np.int64))
            for place in range(size)
            for each in [{name: array[place] for name, array in feeds.items()}]
        ]
        return np.stack(self.batches[run["video"]].execute(list(enumerate(runs))))
