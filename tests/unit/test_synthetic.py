import itertools
import math

import numpy as np
import pytest

from autogaze_web.frames.rgba import allocate
from autogaze_web.frames.synthetic import SYNTHETIC_SOURCES, draw_local_motion, draw_pan, draw_pulse

SIZES = [(360, 640), (359, 641), (17, 16), (1, 1)]


def drawn(draw, index, size=(360, 640)):
    frame = allocate(*size)
    draw(frame, index)
    return frame


def pan_pixel(x, y, index, width, height):
    """The pan's formula for one pixel."""
    wave = 0.5 + 0.5 * (math.sin((x + 9 * index) * 0.035) + math.cos((y + 5 * index) * 0.047))
    radius = max(min(width, height) // 8, 12)
    centre = (5 * index % width, height // 2 + round(math.sin(index * 0.17) * height * 0.25))
    if (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius**2:
        return 42, 190 + 45 * wave, 214
    side = max(min(width, height) // 5, 24)
    left, top = 13 * index % (width + side) - side, 7 * index % (height + side) - side
    if left <= x < left + side and top <= y < top + side:
        return 238, 96 + 84 * wave, 56
    xf, yf = x / (width - 1), y / (height - 1)
    return 34 + 92 * xf + 22 * wave, 70 + 112 * yf + 18 * wave, 118 + 68 * (1 - xf) + 20 * wave


@pytest.mark.parametrize("index", [0, 1, 17, 40, 300])
def test_pan_equals_its_formula(index):
    frame = drawn(draw_pan, index)
    for y in range(0, 360, 23):
        for x in range(0, 640, 19):
            expected = [int(min(max(value, 0), 255)) for value in pan_pixel(x, y, index, 640, 360)]
            assert frame[y, x].tolist() == [*expected, 255]


def test_pulse_is_still_then_moves_then_holds():
    frames = [drawn(draw_pulse, index, (36, 64)) for index in range(49)]
    moved = [bool((a != b).any()) for a, b in itertools.pairwise(frames)]
    assert moved == [False] * 15 + [True] * 24 + [False] * 8 + [True]
    np.testing.assert_array_equal(frames[0], drawn(draw_pan, 0, (36, 64)))
    np.testing.assert_array_equal(frames[47], drawn(draw_pan, 24, (36, 64)))


def test_local_motion_changes_only_around_its_patch_and_then_rests():
    frames = [drawn(draw_local_motion, index) for index in range(113)]
    background = frames[0]
    for before, after in itertools.pairwise(frames):
        rows = np.flatnonzero((before != after).any(axis=(1, 2)))
        assert rows.min(initial=151) >= 151 - 17
        assert rows.max(initial=151) < 151 + 51
    for still in frames[81:112]:
        np.testing.assert_array_equal(still, frames[80])
    np.testing.assert_array_equal(frames[112], background)


def test_local_motion_colours():
    frame = drawn(draw_local_motion, 0)
    # A corner of the background, away from the patch: x = y = 0 has checker 0 and fine 31.
    assert frame[0, 0].tolist() == [38 + 7, 58 + 6, 86 + 54 + 10, 255]
    # The patch's own corner: x = 141, y = 151, fine = ((13 x) xor (7 y)) + 31, modulo 32.
    fine = ((13 * 141) ^ (7 * 151)) + 31 & 31
    assert frame[151, 141].tolist() == [210 + fine // 3, 122, 48, 255]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SYNTHETIC_SOURCES)
def test_every_size_is_opaque_and_repeatable(name, size):
    draw = SYNTHETIC_SOURCES[name]
    for index in (0, 7, 100, 1000):
        frame = drawn(draw, index, size)
        assert (frame[..., 3] == 255).all()
        np.testing.assert_array_equal(frame, drawn(draw, index, size))
