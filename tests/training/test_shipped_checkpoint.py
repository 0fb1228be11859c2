"""The checkpoint in site/model: complete, small, the same in an independent model, and worth its cells."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from plain_model import PlainModel
from tiny_model import SHIPPED

from autogaze_train.measure import BASELINES, baseline_run, gaze_run
from autogaze_train.requirement import AT_LEAST_DB, AT_MOST, choose
from autogaze_web.files.video import read_frames
from autogaze_web.formats.safetensors import read_header
from autogaze_web.frames.rgba import as_frame
from autogaze_web.model.checkpoint import Checkpoint, expected_tensors
from autogaze_web.model.processor import AutoGazeImageProcessor
from autogaze_web.native.autogaze import AutoGaze
from autogaze_web.options import options

CARD = Path(__file__).parents[2] / "docs" / "checkpoint"
EXAMPLE = Path(__file__).parents[1] / "data" / "example_input.webm"


@pytest.fixture(scope="module")
def model() -> AutoGaze:
    return AutoGaze.from_pretrained(SHIPPED)


@pytest.fixture(scope="module")
def processor() -> AutoGazeImageProcessor:
    return AutoGazeImageProcessor.from_pretrained(SHIPPED)


@pytest.fixture(scope="module")
def clip() -> list[np.ndarray]:
    return [as_frame(frame) for frame in read_frames(EXAMPLE)]


def test_it_is_complete_and_small_and_of_upstreams_tensors(model: AutoGaze) -> None:
    data = (SHIPPED / "model.safetensors").read_bytes()
    assert len(data) < 7_000_000
    entries = read_header(data)
    assert {name: entry.shape for name, entry in entries.items()} == expected_tensors(model.config)
    assert {entry.dtype for entry in entries.values()} == {"F16"}
    assert model.config.scales == (32, 64, 112, 224)


def test_its_requirement_is_the_one_that_was_chosen_and_that_the_page_starts_with(model: AutoGaze) -> None:
    record = json.loads((CARD / "requirement.json").read_text("utf-8"))
    measured = {float(value): means for value, means in record["requirements"].items()}
    assert (record["at_least_db"], record["at_most"]) == (AT_LEAST_DB, AT_MOST)
    assert choose(measured) == record["chosen"] == model.config.task_loss_requirement
    assert options()["task-loss-requirement"].default == model.config.task_loss_requirement


def test_an_independent_model_chooses_the_same_tokens(
    model: AutoGaze, processor: AutoGazeImageProcessor, clip: list[np.ndarray]
) -> None:
    video = processor(np.stack(clip[:4])[..., :3].copy())
    gaze = model.generate(video[None], gazing_ratio=0.1, task_loss_requirement=0.5)
    plain = PlainModel(model.config, Checkpoint.from_folder(SHIPPED).weights)
    frames = plain.generate(video, budget=26, requirement=0.5)
    assert gaze.num_gazing_each_frame.tolist() == [len(frame) for frame in frames]
    slots = [slot for frame in frames for slot in frame]
    assert gaze.if_padded_gazing[0].tolist() == [pad for _, pad in slots]
    ids = gaze.gazing_pos[0] - np.repeat(np.arange(4) * 265, gaze.num_gazing_each_frame)
    assert ids.tolist() == [token for token, _ in slots]


def test_its_output_is_nearer_to_a_real_video_than_simpler_choices_at_the_same_cost(
    model: AutoGaze, processor: AutoGazeImageProcessor, clip: list[np.ndarray]
) -> None:
    own = gaze_run(model, processor, clip, max_tokens=16)
    for name in BASELINES:
        other = baseline_run(name, clip, own.pixels)
        assert other.ratio >= own.ratio
        assert own.psnr > other.psnr + 1, name


def test_a_static_scene_costs_one_token_a_frame(
    model: AutoGaze, processor: AutoGazeImageProcessor, clip: list[np.ndarray]
) -> None:
    noise = np.random.default_rng(0)
    scene = clip[0][..., :3].astype(np.float64)
    still = [
        as_frame(np.clip(scene + noise.normal(0, 2, scene.shape), 0, 255).astype(np.uint8)) for _ in range(10)
    ]
    for frames in (still, [clip[0]] * 10):
        run = gaze_run(model, processor, frames, max_tokens=16, requirement=0.7)
        assert {len(cells) for cells in run.cells[1:]} == {1}
        assert run.ratio < 0.02, "of the finest cells, not a quarter of the frame"


def test_fewer_tokens_are_taken_the_higher_the_requirement(
    model: AutoGaze, processor: AutoGazeImageProcessor, clip: list[np.ndarray]
) -> None:
    tokens = [
        gaze_run(model, processor, clip, 16, requirement).tokens for requirement in (0.3, 0.6, 0.9, 1.2)
    ]
    assert all(low >= high for low, high in pairwise(tokens))
    assert tokens[0] > 2 * tokens[-1]
