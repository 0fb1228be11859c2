import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autogaze_web.frames.words import (
    MAX_WORDS_PER_SQUARED_SUM,
    BlendWeights,
    absolute_difference,
    blend,
    both_lanes,
    sum_squared_differences,
)

words = hnp.arrays(
    np.uint64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.integers(0, 2**64 - 1)
)


def as_pixels(array):
    return array.view(np.uint8).reshape(array.shape[0], -1, 4)


@given(st.data(), words)
def test_absolute_difference_is_exact_for_every_byte(data, a):
    b = data.draw(hnp.arrays(np.uint64, a.shape, elements=st.integers(0, 2**64 - 1)))
    expected = np.abs(as_pixels(a)[..., :3].astype(int) - as_pixels(b)[..., :3])
    red_blue, green = absolute_difference(a, b)
    red_blue = red_blue.view(np.uint16).reshape(a.shape[0], -1, 2)
    green = green.view(np.uint16).reshape(a.shape[0], -1, 2)
    np.testing.assert_array_equal(red_blue[..., 0], expected[..., 0])
    np.testing.assert_array_equal(red_blue[..., 1], expected[..., 2])
    np.testing.assert_array_equal(green[..., 0], expected[..., 1])
    assert (green[..., 1] == 0).all(), "alpha must count as equal"


def test_every_pair_of_bytes():
    x, y = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    a, b = (np.repeat(v.reshape(-1), 8).view(np.uint64) for v in (x, y))
    red_blue, green = absolute_difference(a, b)
    expected = np.abs(x.astype(int) - y).reshape(-1)
    np.testing.assert_array_equal(red_blue, expected * np.uint64(0x0001000100010001))
    np.testing.assert_array_equal(green, expected * np.uint64(0x0000000100000001))


@given(st.data(), words)
def test_squared_differences_are_exact_for_every_byte(data, a):
    b = data.draw(hnp.arrays(np.uint64, a.shape, elements=st.integers(0, 2**64 - 1)))
    expected = ((as_pixels(a)[..., :3].astype(int) - as_pixels(b)[..., :3]) ** 2).sum(axis=(1, 2))
    np.testing.assert_array_equal(sum_squared_differences(a, b), expected)


def test_squared_differences_of_every_pair_of_bytes():
    x, y = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    a, b = (np.repeat(v.reshape(-1), 8).view(np.uint64)[:, None] for v in (x, y))
    expected = 2 * 3 * (x.astype(int) - y).reshape(-1) ** 2
    np.testing.assert_array_equal(sum_squared_differences(a, b), expected)


def test_squared_differences_of_the_maximum_number_of_words():
    black = np.zeros((1, MAX_WORDS_PER_SQUARED_SUM), np.uint64)
    expected = 2 * 3 * 255**2 * MAX_WORDS_PER_SQUARED_SUM
    assert sum_squared_differences(black, ~black).tolist() == [expected]
    assert 2 * 3 * 255**2 * (MAX_WORDS_PER_SQUARED_SUM + 1) >= 2**32


@given(st.floats(0, 1), st.integers(0, 255))
def test_blend_equals_the_formula_for_every_source_value(alpha, colour):
    weights = BlendWeights.of(alpha)
    addends = both_lanes(weights.addend([colour] * 3)).reshape(3, 1, 1)
    source = np.arange(256, dtype=np.uint8).repeat(4).view(np.uint64)
    mixed = as_pixels(blend(source[None], addends, weights))[0]
    exact = np.arange(256) * (1 - alpha) + colour * alpha
    for channel in range(3):
        off = mixed[:, channel] - exact
        assert (off <= 0.5 + 1e-4).all()
        assert (off > -0.5).all()
    np.testing.assert_array_equal(mixed[:, 3], np.arange(256))


@pytest.mark.parametrize("alpha", ["0.38", "0.55", "0.5", "0.72", "0", "1"])
def test_decimal_alphas_round_exact_halves_up(alpha):
    weights, exact = BlendWeights.of(float(alpha)), Fraction(alpha)
    source = np.arange(256, dtype=np.uint8).repeat(4).view(np.uint64)
    for colour in (0, 42, 107, 230, 255):
        addends = both_lanes(weights.addend([colour] * 3)).reshape(3, 1, 1)
        mixed = as_pixels(blend(source[None], addends, weights))[0]
        expected = [math.floor(s * (1 - exact) + colour * exact + Fraction(1, 2)) for s in range(256)]
        assert mixed[:, 0].tolist() == expected


@pytest.mark.parametrize("alpha", [-0.1, 1.1, math.nan])
def test_errors_for_invalid_alphas(alpha):
    with pytest.raises(ValueError, match="alpha goes from 0"):
        BlendWeights.of(alpha)
