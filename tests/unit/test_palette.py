"""The palettes; the colours of the colour-blind-safe one are told apart with every kind of colour vision."""

import math
from itertools import combinations

import numpy as np
import pytest

from autogaze_web import options
from autogaze_web.panels.palette import Palette

# Linear RGB as seen without one kind of cones: Machado, Oliveira and Fernandes (2009), severity 1.
SEEN = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
    "all cones": np.eye(3),
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1, 1.08883])


def lab(colour, matrix):
    """CIE L*a*b* of an sRGB colour seen through a matrix."""
    encoded = np.array(colour) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(XYZ @ np.clip(np.asarray(matrix) @ linear, 1e-4, 1) / WHITE)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def least_distance(palette, sight):
    colours = [lab(colour, SEEN[sight]) for _, colour in Palette.named(palette).colours]
    return min(float(np.linalg.norm(a - b)) for a, b in combinations(colours, 2))


@pytest.mark.parametrize("sight", SEEN)
def test_the_colour_blind_safe_colours_stay_far_apart(sight):
    # A difference of about 2.3 is just noticeable; a legend needs ten times as much.
    assert least_distance("colour-blind-safe", sight) > 30


def test_two_standard_colours_look_alike_with_deuteranopia():
    assert least_distance("standard", "deuteranopia") < 3


def test_a_colour_for_every_grid():
    palette = Palette.named()
    assert [palette.colour_of(grid) for grid in (1, 2, 3, 4, 7, 8, 14, 126)] == [
        (255, 180, 0),
        (255, 180, 0),
        (60, 220, 120),
        (60, 220, 120),
        (0, 185, 255),
        (230, 110, 255),
        (230, 110, 255),
        (230, 110, 255),
    ]
    assert palette.fill_of((255, 180, 0)) == (107, 76, 0)


def test_the_option_lists_all_palettes():
    for choice in options.options()["palette"].choices:
        assert Palette.named(choice.value).colours[-1][0] == math.inf
    with pytest.raises(ValueError, match="one of standard, colour-blind-safe, got 'grey'"):
        Palette.named("grey")
