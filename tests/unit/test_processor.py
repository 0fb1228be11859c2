from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autogaze_web import AutoGazeImageProcessor
from autogaze_web.model.processor import ProcessorError

FRAMES = np.random.default_rng(0).integers(0, 256, (2, 36, 64, 3), dtype=np.uint8)


def test_range_and_shape_of_the_released_settings() -> None:
    video = AutoGazeImageProcessor()(FRAMES)
    assert video.shape == (2, 3, 224, 398)
    assert video.dtype == np.float32
    assert -6.51 < video.min() < video.max() < 2.65


def test_values_one_by_one() -> None:
    grey = np.full((1, 1, 1, 3), 200, np.uint8)
    video = AutoGazeImageProcessor(shortest_edge=None)(grey)
    scaled = np.float32(200 * (1 / 127.5)) - np.float32(1)
    mean, std = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    np.testing.assert_array_equal(video[0, :, 0, 0], (scaled - mean) / std)


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({"size": {"shortest_edge": 18}}, (18, 32)),
        ({"size": 18}, (18, 32)),
        ({"size": {"height": 20, "width": 30}}, (20, 30)),
        ({"do_resize": False}, (36, 64)),
        ({}, (224, 398)),
    ],
)
def test_sizes(settings: dict[str, Any], shape: tuple[int, int]) -> None:
    assert AutoGazeImageProcessor.from_dict(settings)(FRAMES).shape[2:] == shape


def test_steps_can_be_left_out() -> None:
    plain = AutoGazeImageProcessor.from_dict({"do_resize": False, "do_rescale": False, "do_normalize": False})
    np.testing.assert_array_equal(plain(FRAMES), FRAMES.transpose(0, 3, 1, 2).astype(np.float32))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([], "JSON object"),
        ({"resample": 3}, "resample is 3"),
        ({"do_center_crop": True}, "do_center_crop"),
        ({"size": {"longest_edge": 3}}, "size must be"),
        ({"size": {"shortest_edge": 0}}, "size must be"),
        ({"image_mean": [1, 2]}, "image_mean must be three numbers"),
        ({"image_std": [0.2, 0, 0.2]}, "image_std must not be 0"),
        ({"rescale_factor": "x"}, "rescale_factor must be a number"),
    ],
)
def test_settings_that_cannot_be_followed(settings: Any, message: str) -> None:
    with pytest.raises(ProcessorError, match=message):
        AutoGazeImageProcessor.from_dict(settings)


def test_files(tmp_path: Path) -> None:
    with pytest.raises(ProcessorError, match="cannot read"):
        AutoGazeImageProcessor.from_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text("{")
    with pytest.raises(ProcessorError, match="not valid JSON"):
        AutoGazeImageProcessor.from_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ProcessorError, match="UTF-8"):
        AutoGazeImageProcessor.from_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text("\ufeff" + '{"size": 32}', "utf-8")
    assert AutoGazeImageProcessor.from_pretrained(tmp_path).shortest_edge == 32


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (FRAMES.astype(np.float32), "uint8"),
        (FRAMES[0], r"\(T, H, W, 3\)"),
        (FRAMES[..., :1], r"\(T, H, W, 3\)"),
        (FRAMES[:0], r"\(T, H, W, 3\)"),
        ([FRAMES[0], FRAMES[1, :5]], "one size"),
    ],
)
def test_frames_of_another_kind(frames: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AutoGazeImageProcessor()(frames)
