from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from autogaze_web import AutoGazeImageProcessor
from autogaze_web.model.processor import ProcessorError

MODEL = Path(__file__).parents[2] / "site" / "model"
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
    ("overrides", "shape"),
    [
        ({"size": (20, 30)}, (20, 30)),
        ({"size": [20, 30]}, (20, 30)),
        ({"size": np.array([20, 30])}, (20, 30)),
        ({"size": {"height": 20, "width": 30}}, (20, 30)),
        ({"size": 18}, (18, 32)),
        ({"size": np.int64(18)}, (18, 32)),
        ({"size": {"shortest_edge": 18}}, (18, 32)),
        ({"do_resize": False}, (36, 64)),
        ({"do_resize": False, "use_fast": False, "resample": 3}, (36, 64)),
        ({"do_resize": False, "do_center_crop": False, "crop_size": 3}, (36, 64)),
    ],
)
def test_overrides_of_the_size(overrides: dict[str, Any], shape: tuple[int, int]) -> None:
    processor = AutoGazeImageProcessor.from_pretrained(MODEL, **overrides)
    assert processor(FRAMES).shape == (2, 3, *shape)


def test_overrides_of_the_values() -> None:
    plain = AutoGazeImageProcessor.from_pretrained(
        MODEL, do_resize=False, rescale_factor=1 / 255, offset=False, do_normalize=False
    )
    expected = (FRAMES * (1 / 255)).astype(np.float32).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(plain(FRAMES), expected)
    other = AutoGazeImageProcessor.from_pretrained(MODEL, image_mean=0.5, image_std=[np.float32(0.5), 1, 2])
    assert (other.mean, other.std) == ((0.5,) * 3, (0.5, 1, 2))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"sise": 3}, "no setting 'sise': expected one of do_resize, size"),
        ({"size": (1, 2, 3)}, "the argument size must be"),
        ({"size": (0, 30)}, "the argument size must be"),
        ({"size": True}, "the argument size must be"),
        ({"size": "224"}, "the argument size must be"),
        ({"size": 224.0}, "the argument size must be"),
        ({"resample": 3}, "the argument resample is 3"),
        ({"do_resize": "no"}, "the argument do_resize must be true or false, got 'no'"),
        ({"do_center_crop": True}, "the argument do_center_crop is true"),
        ({"rescale_factor": None}, "the argument rescale_factor must be a number"),
        ({"rescale_factor": float("nan")}, "the argument rescale_factor must be a number"),
        ({"image_mean": (1, 2)}, "the argument image_mean must be three numbers"),
        ({"image_std": 0}, "the argument image_std must not be 0"),
    ],
)
def test_overrides_that_cannot_be_followed(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ProcessorError, match=message) as caught:
        AutoGazeImageProcessor.from_pretrained(MODEL, **overrides)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["np", "pt"])
def test_calls_with_the_names_of_transformers(kind: Any) -> None:
    processor = AutoGazeImageProcessor(size=(20, 30))
    video = processor(FRAMES)
    for result in (
        processor(list(FRAMES), return_tensors=kind),
        processor(images=FRAMES, return_tensors=kind),
        processor(videos=[list(FRAMES)], return_tensors=kind),
        processor(images=[FRAMES]),
        processor(images=[Image.fromarray(frame) for frame in FRAMES]),
        processor(images=[[torch.from_numpy(frame) for frame in FRAMES]]),
    ):
        assert list(result) == ["pixel_values"]
        np.testing.assert_array_equal(result["pixel_values"], video[None])
        assert result.pixel_values is result["pixel_values"]
    for one in (FRAMES[0], Image.fromarray(FRAMES[0]), torch.from_numpy(FRAMES[0])):
        np.testing.assert_array_equal(processor(images=one).pixel_values, video[None, :1])
    two = processor(videos=[FRAMES, FRAMES[::-1]])
    np.testing.assert_array_equal(two.pixel_values, np.stack([video, video[::-1]]))


def test_tensors_and_frames_with_channels_first() -> None:
    processor = AutoGazeImageProcessor(size=(20, 30))
    for frames in (
        torch.from_numpy(FRAMES),
        torch.from_numpy(FRAMES).permute(0, 3, 1, 2),
        FRAMES.transpose(0, 3, 1, 2),
        list(torch.from_numpy(FRAMES)),
    ):
        np.testing.assert_array_equal(processor(frames), processor(FRAMES))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give the frames once"),
        ({"images": FRAMES, "videos": FRAMES}, "give the frames once"),
        ({"images": FRAMES, "return_tensors": "tf"}, "'np' or 'pt', got 'tf'"),
        ({"videos": [FRAMES, FRAMES[:1]]}, "one shape"),
        ({"images": []}, "uint8|shape"),
        ({"images": "clip.mp4"}, "uint8"),
        ({"images": torch.zeros(2, 4, 4, 3)}, "uint8 values"),
        ({"images": torch.zeros(2, 4, 4, 3, device="meta")}, "cannot become a NumPy array"),
    ],
)
def test_calls_that_cannot_be_followed(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        AutoGazeImageProcessor()(**arguments)
    assert "\n" not in str(caught.value)


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
