"""Preprocessing, masks and budgets against recordings: no weights needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import oracle
import pytest
from synthetic_formula import clip_u8, decoded, digest

from autogaze_web.frames.resize import resize_bicubic, resize_bilinear_u8
from autogaze_web.model.processor import AutoGazeImageProcessor
from autogaze_web.model.tokens import ScaleLayout, token_budget

PREPROCESS = oracle.read("weight_free", "preprocess")
MASKS = oracle.read("weight_free", "masks")
BUDGETS = oracle.read("weight_free", "budgets")
EXAMPLE = oracle.read("weight_free", "example_input")


def check_windows(video: np.ndarray, expected: dict[str, Any], tolerance: float) -> None:
    size = expected["window"]
    ours = [video[..., y : y + size, x : x + size] for y, x in expected["windows_at"]]
    np.testing.assert_allclose(np.stack(ours), decoded(expected["windows"]), rtol=0, atol=tolerance)
    assert list(video.shape) == expected["shape"]


@pytest.mark.parametrize("clip", PREPROCESS)
def test_processor_and_model_input(clip: str) -> None:
    case = PREPROCESS[clip]
    frames = clip_u8(case["input"])[0].transpose(0, 2, 3, 1)
    processor = AutoGazeImageProcessor.from_dict(case["processor"])
    size = processor.target_size(*frames.shape[1:3])
    resized = np.stack([resize_bilinear_u8(np.ascontiguousarray(f), *size) for f in frames])
    assert digest(resized.transpose(0, 3, 1, 2)) == case["resized_u8"]["sha256"]
    video = processor(frames)
    assert digest(video) == case["processed"]["sha256"]
    side = case["model_input_img_size"]
    check_windows(resize_bicubic(video, side, side), case["model_input"], 2e-5)


def test_the_example_video_after_its_resize() -> None:
    frames = oracle.frames_224()
    assert digest(frames.transpose(0, 3, 1, 2)) == EXAMPLE["resized_rgb"]["sha256"]
    video = AutoGazeImageProcessor()(frames)
    assert digest(video) == EXAMPLE["processed"]["sha256"]


@pytest.mark.parametrize("case", MASKS)
def test_gazing_masks(case: str) -> None:
    wanted = MASKS[case]
    layout = ScaleLayout(tuple(int(n**0.5) for n in wanted["tokens_each_scale"]))
    assert layout.tokens == wanted["num_vision_tokens_each_frame"]
    masks = layout.gazing_mask(
        np.array(wanted["gazing_pos"]),
        np.array(wanted["if_padded_gazing"], bool),
        wanted["num_gazing_each_frame"],
    )
    ones = [[[np.flatnonzero(frame).tolist() for frame in video] for video in mask] for mask in masks]
    assert ones == wanted["gazing_mask"]


@pytest.mark.parametrize("case", BUDGETS)
def test_budgets(case: str) -> None:
    tokens = BUDGETS[case]["num_vision_tokens_each_frame"]
    for ratio, budget in BUDGETS[case]["ratio_to_tokens"]:
        assert token_budget(ratio, tokens) == budget
