"""Each bad argument ends in one sentence, and results have the documented form."""

from __future__ import annotations

from typing import Any

import numpy as np
import oracle
import pytest
import synthetic_formula as formula

from autogaze_web import AutoGaze
from autogaze_web.model.checkpoint import Checkpoint
from autogaze_web.model.generation import NotFiniteError

VIDEO = oracle.video_of(oracle.read("tiny", "generate_4"))


@pytest.fixture(scope="module")
def model(folder: Any) -> AutoGaze:
    return AutoGaze.from_pretrained(folder("tiny"))


@pytest.mark.parametrize(
    ("video", "message"),
    [
        (VIDEO[0], "5 dimensions"),
        (VIDEO[0].tolist(), "NumPy array"),
        (VIDEO.astype(np.float64), "float32"),
        ((VIDEO * 20).astype(np.uint8), "float32"),
        (VIDEO[:, :, :1], "3 colour channels"),
        (VIDEO.transpose(0, 1, 3, 4, 2), "3 colour channels"),
        (VIDEO[:, :0], "empty"),
        (VIDEO + np.float32(100), "normalise"),
        (np.full_like(VIDEO, np.nan), "normalise"),
        (np.full_like(VIDEO, np.inf), "normalise"),
    ],
)
def test_videos(model: AutoGaze, video: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        model.generate(video)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gazing_ratio": 2}, "between 0 and 1"),
        ({"gazing_ratio": [0.1, 0.2]}, "each of the 4 frames"),
        ({"task_loss_requirement": np.zeros((2, 4))}, r"broadcasts to \(1, 4\)"),
        ({"target_scales": [24, 48, 96]}, "go together"),
        ({"target_scales": [48, 96], "target_patch_size": 16}, "3 ascending sizes"),
        ({"target_scales": [96, 48, 24], "target_patch_size": 16}, "3 ascending sizes"),
        ({"target_scales": [24, 48, 96], "target_patch_size": 0}, "3 ascending sizes"),
        ({"target_scales": "all", "target_patch_size": 16}, "must be integers"),
        ({"target_scales": [24, 48, 96], "target_patch_size": 16}, "must be 96x96 pixels"),
    ],
)
def test_arguments(model: AutoGaze, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model.generate(VIDEO, **arguments)


@pytest.mark.parametrize("frame", [VIDEO[0], VIDEO[0, 0, :1], VIDEO[0, 0].astype(np.float64), None])
def test_frames(model: AutoGaze, frame: Any) -> None:
    with pytest.raises(ValueError, match="must"):
        model.stream().step(frame)


def test_the_models_own_scales_are_no_adaptation(model: AutoGaze) -> None:
    plain = model.generate(VIDEO, 0.75, 0.7)
    adapted = model.generate(VIDEO, 0.75, 0.7, target_scales=[16, 32, 64], target_patch_size=16)
    np.testing.assert_array_equal(plain.gazing_pos, adapted.gazing_pos)
    assert adapted.task_loss_prediction is not None


def test_a_gaze_reads_like_upstreams_dictionary(model: AutoGaze) -> None:
    gaze = model.generate(VIDEO)
    everything = dict(gaze)
    assert everything["gazing_pos"] is gaze["gazing_pos"] is gaze.gazing_pos
    assert [mask.shape for mask in gaze.gazing_mask] == [(1, 4, 1), (1, 4, 4), (1, 4, 16)]
    with pytest.raises(KeyError):
        gaze["layers"]
    for frame in range(4):
        cells = gaze.cells(frame)
        in_masks = {
            (grid, int(i) // grid, int(i) % grid)
            for grid, mask in zip((1, 2, 4), gaze.gazing_mask, strict=True)
            for i in np.flatnonzero(mask[0, frame])
        }
        assert {*zip(cells.grid.tolist(), cells.row.tolist(), cells.col.tolist(), strict=True)} == in_masks


def test_weights_that_overflow_are_reported() -> None:
    recipe = oracle.recipe("tiny")
    weights = formula.checkpoint_tensors(recipe)
    name = "gazing_model.vision_model.out_proj.weight"
    weights[name] = weights[name] * np.float32(1e38)
    from autogaze_web.model.config import AutoGazeConfig

    model = AutoGaze(Checkpoint(AutoGazeConfig.from_dict(recipe["config"]), weights))
    with pytest.raises(NotFiniteError, match="NaN or infinity"):
        model.generate(VIDEO)
