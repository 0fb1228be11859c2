import math
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogaze_web.frames import changes
from autogaze_web.frames.rgba import as_frame, as_words
from autogaze_web.panels import metrics
from autogaze_web.panels.metrics import (
    Ema,
    SquaredErrorMap,
    format_psnr,
    format_ratio,
    psnr,
    squared_error,
)


def random_frame(seed, height, width):
    return as_frame(np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8))


def plain_squared_error(a, b):
    return int(((a[..., :3].astype(int) - b[..., :3]) ** 2).sum())


@given(st.integers(0, 2**32), st.integers(1, 80), st.integers(1, 80))
def test_squared_error_is_exact(seed, height, width):
    a, b = random_frame(seed, height, width), random_frame(seed + 1, height, width)
    assert squared_error(as_words(a), as_words(b)) == plain_squared_error(a, b)


def test_squared_error_of_a_tall_white_frame_does_not_overflow():
    a, b = as_frame(np.zeros((3000, 16, 4), np.uint8)), as_frame(np.full((3000, 16, 4), 255, np.uint8))
    assert squared_error(as_words(a), as_words(b)) == 3000 * 16 * 3 * 255**2


def test_psnr_values():
    a = np.full((10, 11, 3), 100, np.uint8)
    b = a.copy()
    assert psnr(as_frame(a), as_frame(b)) == math.inf
    b[..., 0] += 10
    assert psnr(as_frame(a), as_frame(b)) == pytest.approx(10 * math.log10(255**2 / (100 / 3)))
    with pytest.raises(ValueError, match="one size"):
        psnr(as_frame(a), as_frame(b[:5]))


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 70), st.integers(1, 140), st.sampled_from([1, 3, 128]))
def test_the_incremental_error_is_exact(seed, height, width, blocks_at_once):
    with mock.patch.object(metrics, "_BLOCKS_AT_ONCE", blocks_at_once):
        follow_changes(seed, height, width)


def follow_changes(seed, height, width):
    generator = np.random.default_rng(seed)
    reference, image = random_frame(seed, height, width), random_frame(seed + 1, height, width)
    errors = SquaredErrorMap(height, width)
    everything = np.ones(changes.block_grid(as_words(image).shape), bool)
    assert errors.update(reference, image, everything) == plain_squared_error(reference, image)
    for _ in range(3):
        before = image.copy()
        y, x = generator.integers(0, height), generator.integers(0, width)
        image[y : y + 5, x : x + 40] = generator.integers(0, 256, image[y : y + 5, x : x + 40].shape)
        dirty = changes.changed_blocks(as_words(as_frame(before)), as_words(image))
        assert errors.update(reference, image, dirty) == plain_squared_error(reference, image)


def test_cleared_blocks_have_no_error():
    a, b = random_frame(0, 40, 40), random_frame(1, 40, 40)
    errors = SquaredErrorMap(40, 40)
    blocks = np.ones(changes.block_grid(as_words(a).shape), bool)
    assert errors.update(a, b, blocks) > 0
    errors.clear(blocks)
    assert errors.update(a, a, ~blocks) == 0


def test_ema_starts_with_its_first_sample_and_recovers_from_infinity():
    ema = Ema()
    assert math.isnan(ema.value)
    assert ema.add(10) == 10
    assert ema.add(20) == pytest.approx(11.5)
    assert ema.add(math.inf) == math.inf
    assert ema.add(30) == 30


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (format_ratio, 0.421, "42.1%"),
        (format_ratio, 1.7, "100.0%"),
        (format_ratio, math.nan, "-"),
        (format_psnr, 42.25, "42.2"),
        (format_psnr, math.inf, "inf"),
        (format_psnr, math.nan, "-"),
    ],
)
def test_texts_of_ratios_and_psnr(function, value, text):
    assert function(value) == text
