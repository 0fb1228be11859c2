"""The built-in model against what NVIDIA's own code answered on it: every token the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import synthetic_formula as formula
from built_in_clips import CASES, CLIPS, REQUESTS

from autogaze_web import AutoGaze, AutoGazeImageProcessor
from autogaze_web.model.gaze import Gaze

MODEL = Path(__file__).parents[2] / "site" / "model"
RECORD = json.loads((Path(__file__).parent / "data" / "built_in.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def model() -> AutoGaze:
    return AutoGaze.from_pretrained(MODEL)


@pytest.fixture(scope="module")
def processor() -> AutoGazeImageProcessor:
    return AutoGazeImageProcessor.from_pretrained(MODEL)


def slots_of(gaze: Gaze) -> list[list[int]]:
    """Tokens of each frame as they were recorded: ids from 0 in each frame, -1 for a pad."""
    starts = np.repeat(np.arange(len(gaze.num_gazing_each_frame)), gaze.num_gazing_each_frame)
    local = np.where(gaze.if_padded_gazing[0], -1, gaze.gazing_pos[0] - 265 * starts)
    return [part.tolist() for part in np.split(local, np.cumsum(gaze.num_gazing_each_frame)[:-1])]


def test_the_answers_were_recorded_on_the_model_that_is_shipped() -> None:
    data = b"".join((MODEL / name).read_bytes() for name in ("model.safetensors", "config.json"))
    digest = hashlib.sha256(data).hexdigest()
    assert digest == RECORD["model_sha256"], "another model: run tests/parity/record_built_in.py again"
    assert RECORD["cases"].keys() == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_nvidias_code_and_ours_choose_the_same_tokens(
    name: str, model: AutoGaze, processor: AutoGazeImageProcessor
) -> None:
    case = RECORD["cases"][name]
    clip, request = CLIPS[CASES[name][0]](), REQUESTS[CASES[name][1]]
    assert formula.digest(clip) == case["pixels_sha256"]
    video = processor(clip)
    if request.streamed:
        stream = model.stream(request.gazing_ratio, request.task_loss_requirement, window=None)
        slots = [part for frame in video for part in slots_of(stream.step(frame))]
    else:
        slots = slots_of(model.generate(video[None], request.gazing_ratio, request.task_loss_requirement))
    assert slots == case["slots"]
