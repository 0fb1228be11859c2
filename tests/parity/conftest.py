from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import oracle
import pytest
import synthetic_formula as formula
from recording import RecordingVideo

import autogaze_web.native.autogaze
import autogaze_web.native.streams
from autogaze_web import AutoGaze
from autogaze_web.native.runtime import NativeRuntime

PROBES = ("patch_conv", "after_norm", "video_embeds", "logits", "layer_outputs")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`folder("tiny")` is a checkpoint made by the oracle's formula."""
    made: dict[str, Path] = {}

    def get(model: str) -> Path:
        if model not in made:
            made[model] = formula.write_folder(oracle.recipe(model), tmp_path_factory.mktemp(model))
        return made[model]

    return get


@pytest.fixture(scope="session")
def probed_model(folder: Callable[[str], Path]) -> Callable[[str], AutoGaze]:
    """`probed_model("tiny")` also computes the values that the oracle recorded from inside."""
    made: dict[str, AutoGaze] = {}

    def get(model: str) -> AutoGaze:
        if model not in made:
            made[model] = AutoGaze.from_pretrained(folder(model))
            made[model].runtime = NativeRuntime(made[model].runtime.checkpoint, probes=PROBES)
        return made[model]

    return get


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[RecordingVideo]:
    """The videos that a model makes during the test, each with its calls."""
    RecordingVideo.made = []
    for module in (autogaze_web.native.autogaze, autogaze_web.native.streams):
        monkeypatch.setattr(module, "NativeVideo", RecordingVideo)
    return RecordingVideo.made
