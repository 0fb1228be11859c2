from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from autogaze_web.frames.resize import resize_bicubic, resize_bicubic_u8, resize_bilinear, resize_bilinear_u8

sides = st.integers(1, 90)


@given(sides, sides, sides, sides, st.integers(1, 4), st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_8_bit_resizes_are_pillows(
    height: int,
    width: int,
    out_height: int,
    out_width: int,
    channels: int,
    seed: int,
    extreme: bool,
    bicubic: bool,
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    if extreme:
        image = np.where(image > 127, 255, 0).astype(np.uint8)
    # Two calls, because Pillow 13 takes the vertical pass first for some shapes; see below.
    passes = ((out_width, height), (out_width, out_height))
    expected = []
    for channel in range(channels):
        picture = Image.fromarray(image[..., channel])
        for size in passes:
            picture = picture.resize(size, Image.Resampling.BICUBIC if bicubic else Image.Resampling.BILINEAR)
        expected.append(np.asarray(picture))
    ours = (resize_bicubic_u8 if bicubic else resize_bilinear_u8)(image, out_height, out_width)
    np.testing.assert_array_equal(ours, np.stack(expected, axis=-1))


@pytest.mark.parametrize(("height", "width"), [(360, 640), (720, 1280), (1080, 1920), (480, 640), (640, 360)])
def test_bilinear_of_camera_frames_is_pillows_single_call(height: int, width: int) -> None:
    image = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    size = (224, 224 * width // height) if height < width else (224 * height // width, 224)
    expected = Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(resize_bilinear_u8(image, *size), np.asarray(expected))


def vertical_first(size: tuple[int, int], target: tuple[int, int]) -> bool:
    """Whether Pillow 13 resizes (height, width) to the target's in this order; found by experiment."""
    (height, width), (out_height, out_width) = size, target
    return out_height < height and 2 * (width - out_width) < height - out_height


def in_two_calls(image: np.ndarray, *sizes: tuple[int, int]) -> np.ndarray:
    """Pillow's resize to each (width, height) after the other, which fixes the order of its passes."""
    picture = Image.fromarray(image)
    for size in sizes:
        picture = picture.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(picture)


@pytest.mark.parametrize(
    ("size", "target"),
    [
        ((300, 200), (224, 224)),  # a square target, as other vision models have
        ((700, 300), (522, 224)),  # the processor's own, for frames more than twice as tall as wide
        ((1280, 400), (716, 224)),
        ((90, 50), (60, 50)),  # one pass alone: no order
        ((300, 260), (224, 224)),  # Pillow 13 keeps the old order here
        ((360, 640), (224, 398)),
    ],
)
def test_the_order_of_the_passes_is_that_of_pillow_before_13(
    size: tuple[int, int], target: tuple[int, int]
) -> None:
    image = np.random.default_rng(3).integers(0, 256, (*size, 3), dtype=np.uint8)
    (height, width), (out_height, out_width) = size, target
    horizontal = in_two_calls(image, (out_width, height), (out_width, out_height))
    vertical = in_two_calls(image, (width, out_height), (out_width, out_height))
    np.testing.assert_array_equal(resize_bilinear_u8(image, *target), horizontal)
    pillow_13 = in_two_calls(image, (out_width, out_height))
    first = vertical if vertical_first(size, target) else horizontal
    np.testing.assert_array_equal(pillow_13, first)
    two_passes = height != out_height and width != out_width
    assert np.array_equal(horizontal, vertical) is not two_passes
    assert np.abs(horizontal.astype(int) - vertical).max() <= 2


@given(sides, sides, sides, sides, st.integers(0, 2**32 - 1))
def test_when_pillow_13_takes_the_vertical_pass_first(
    height: int, width: int, out_height: int, out_width: int, seed: int
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    between = (
        (width, out_height)
        if vertical_first((height, width), (out_height, out_width))
        else (out_width, height)
    )
    expected = in_two_calls(image, between, (out_width, out_height))
    np.testing.assert_array_equal(in_two_calls(image, (out_width, out_height)), expected)


@given(sides, sides, st.integers(-3, 3))
def test_bicubic_keeps_a_constant(height: int, width: int, value: int) -> None:
    video = np.full((2, 3, 20, 31), value, np.float32)
    ours = resize_bicubic(video, height, width)
    assert ours.shape == (2, 3, height, width)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, value, rtol=1e-5, atol=1e-5)


def test_bicubic_of_the_same_size_is_the_video_itself() -> None:
    video = np.random.default_rng(0).standard_normal((1, 3, 9, 7)).astype(np.float32)
    assert resize_bicubic(video, 9, 7) is video


def test_bicubic_upsampling_by_two_has_the_known_weights() -> None:
    row = np.zeros((1, 1, 8), np.float32)
    row[0, 0, 4] = 1
    # At phases .25 and .75 of a kernel with a = -0.75, before the middle and after it.
    ours = resize_bicubic(row, 1, 16)[0, 0, 4:14]
    half = [-0.03515625, -0.10546875, 0.26171875, 0.87890625]
    np.testing.assert_allclose(ours, [0, *half, *half[::-1], 0], atol=1e-6)


def by_definition(line: np.ndarray, size: int, bicubic: bool) -> np.ndarray:
    """One axis, pixel by pixel: half-pixel centres, the edge clamped, the kernels in float64."""

    def kernel(d: float, a: float = -0.75) -> float:
        d = abs(d)
        if not bicubic:
            return max(1 - d, 0)
        return (a + 2) * d**3 - (a + 3) * d**2 + 1 if d <= 1 else a * (d**3 - 5 * d**2 + 8 * d - 4)

    out = []
    for i in range(size):
        x = (i + 0.5) * len(line) / size - 0.5
        taps = range(int(np.floor(x)) - 1, int(np.floor(x)) + 3)
        out.append(sum(kernel(x - k) * line[min(max(k, 0), len(line) - 1)] for k in taps))
    return np.array(out)


@pytest.mark.parametrize("bicubic", [False, True])
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12))
def test_each_axis_is_the_definition(bicubic: bool, height: int, width: int, size: int) -> None:
    resize = resize_bicubic if bicubic else resize_bilinear
    image = np.random.default_rng(height * 100 + width).standard_normal((2, height, width), dtype=np.float32)
    tall = resize(image, size, width)
    for channel in range(2):
        for column in range(width):
            expected = by_definition(image[channel, :, column], size, bicubic)
            np.testing.assert_allclose(tall[channel, :, column], expected, atol=1e-5)
    wide = resize(np.ascontiguousarray(image.transpose(0, 2, 1)), width, size)
    np.testing.assert_allclose(wide, tall.transpose(0, 2, 1), atol=1e-6)
