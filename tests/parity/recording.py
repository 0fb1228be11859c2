"""Native execution that keeps what each run of a graph was given and computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autogaze_web.model.run import Decisions, Run
from autogaze_web.native.runtime import NativeRuntime, NativeVideo


@dataclass(frozen=True)
class Call:
    """One run: ``cached`` context rows before it, ``visible`` keys (context and queries), its outputs."""

    run: Run
    cached: int
    visible: int
    decisions: Decisions
    probed: dict[str, np.ndarray]
    new: list[np.ndarray]

    @property
    def is_frame(self) -> bool:
        return self.run.graph == "frame"


class RecordingVideo(NativeVideo):
    """Registers itself in `made`, so that a test finds the videos that a model made."""

    made: list[RecordingVideo]

    def __init__(self, runtime: NativeRuntime) -> None:
        super().__init__(runtime)
        self.calls: list[Call] = []
        self._cached = 0
        self._config = runtime.checkpoint.config
        type(self).made.append(self)

    def execute(self, run: Run) -> Decisions:
        self._cached += sum(copy.count for copy in run.copies)
        decisions = super().execute(run)
        fed = self._config.decoder.num_multi_token_pred
        if run.graph == "frame":
            fed = int(np.count_nonzero(run.feeds["pending_bias"] == 0)) + self._config.vision_tokens
        visible = int(np.count_nonzero(run.feeds["context_bias"] == 0)) + fed
        self.calls.append(Call(run, self._cached, visible, decisions, self.probed, list(self._new)))
        return decisions
