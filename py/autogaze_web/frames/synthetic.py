"""Synthetic moving pictures, equal on every machine: sources for demonstrations, tests and benchmarks.

Each depends only on the frame's size and index. The formulas are those of the sources of the same names in
the reference viewer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .rgba import Rgba, allocate

Draw = Callable[[Rgba, int], None]
Integers = NDArray[np.int64]

_BAND_PIXELS = 1 << 20

_PULSE_STILL, _PULSE_MOVING, _PULSE_HOLD = 16, 24, 8
_STRONG_FRAMES, _SUBTLE_FRAMES, _STILL_FRAMES = 40, 40, 32


def draw_pan(frame: Rgba, index: int) -> None:
    """``synthetic-pan``: waves drift over the whole frame, and a square and a circle cross it."""
    height, width = frame.shape[:2]
    x, y = np.arange(width), np.arange(height)[:, None]
    wave_x, wave_y = np.sin((x + 9 * index) * 0.035), np.cos((y + 5 * index) * 0.047)
    x_part = x / max(width - 1, 1)
    y_part = y / max(height - 1, 1)

    side = max(min(width, height) // 5, 24)
    left = (13 * index) % (width + side) - side
    top = (7 * index) % (height + side) - side
    radius = max(min(width, height) // 8, 12)
    centre_x = (5 * index) % width
    centre_y = height // 2 + _round_half_away(math.sin(index * 0.17) * height * 0.25)

    for rows in _bands(height, width):
        band, first = frame[rows], rows.start
        wave = 0.5 + 0.5 * (wave_x + wave_y[rows])
        _put(
            band,
            ...,
            34 + 92 * x_part + 22 * wave,
            70 + 112 * y_part[rows] + 18 * wave,
            118 + 68 * (1 - x_part) + 20 * wave,
        )
        box = np.s_[max(top - first, 0) : max(top + side - first, 0), max(left, 0) : max(left + side, 0)]
        _put(band, box, 238, 96 + 84 * wave[box], 56)
        disc = (x - centre_x) ** 2 + (y[rows] - centre_y) ** 2 <= radius**2
        _put(band, disc, 42, 190 + 45 * wave[disc], 214)


def draw_pulse(frame: Rgba, index: int) -> None:
    """``synthetic-pulse``: 16 still frames, 24 frames of the pan, and its last frame for 8 more."""
    phase = index % (_PULSE_STILL + _PULSE_MOVING + _PULSE_HOLD)
    draw_pan(frame, min(max(phase - _PULSE_STILL + 1, 0), _PULSE_MOVING))


def draw_local_motion(frame: Rgba, index: int) -> None:
    """``synthetic-local-motion``: on a still background one patch moves fast, then slowly, then stops."""
    height, width = frame.shape[:2]
    phase = index % (_STRONG_FRAMES + _SUBTLE_FRAMES + _STILL_FRAMES)
    strong = min(phase, _STRONG_FRAMES)
    subtle = min(max(phase - _STRONG_FRAMES, 0), _SUBTLE_FRAMES)
    progress = strong * max(width / 150, 1.0) + subtle * max(width / 1800, 0.25)

    frame[:] = _local_motion_background(height, width)
    x, y = np.arange(width), np.arange(height)[:, None]

    left, top = _round_half_away(0.22 * width + progress), _round_half_away(0.42 * height)
    patch_width, patch_height = max(width // 8, 24), max(height // 7, 20)
    patch = np.s_[top : top + patch_height, left : left + patch_width]
    patch_x, patch_y = x[patch[1]] - left, y[patch[0]] - top
    stripe = ((patch_x // 5) + (patch_y // 7)) & 1
    _put(
        frame,
        patch,
        210 - 34 * stripe + _fine(x[patch[1]], y[patch[0]]) // 3,
        122 + 28 * stripe,
        48 + ((patch_x + patch_y) & 31),
    )

    cap_width, cap_height = max(patch_width // 4, 8), max(patch_height // 3, 6)
    cap_top, cap_left = top - patch_height // 3, left + (patch_width - cap_width) // 2
    cap = np.s_[max(cap_top, 0) : max(cap_top + cap_height, 0), cap_left : cap_left + cap_width]
    _put(frame, cap, 42, _tint(x[cap[1]], y[cap[0]]), 220)
    radius = max(min(patch_width, patch_height) // 3, 6)
    centre_x, centre_y = left + patch_width // 2, top + patch_height // 2
    rows = slice(max(centre_y - radius, 0), max(centre_y + radius + 1, 0))
    disc = (x - centre_x) ** 2 + (y[rows] - centre_y) ** 2 <= radius**2
    _put(frame[rows], disc, 42, _tint(x, y[rows])[disc], 220)


SYNTHETIC_SOURCES: dict[str, Draw] = {
    "synthetic-pan": draw_pan,
    "synthetic-pulse": draw_pulse,
    "synthetic-local-motion": draw_local_motion,
}


def _bands(height: int, width: int) -> list[slice]:
    """The rows of a frame in bands: what is computed of a band in float64 takes little memory."""
    count = max(_BAND_PIXELS // width, 1)
    return [slice(first, min(first + count, height)) for first in range(0, height, count)]


@lru_cache(maxsize=1)
def _local_motion_background(height: int, width: int) -> Rgba:
    """The still background."""
    background = allocate(height, width)
    all_y = np.arange(height)[:, None]
    x, x_part = np.arange(width), np.arange(width) / max(width - 1, 1)
    for rows in _bands(height, width):
        y, y_part = all_y[rows], all_y[rows] / max(height - 1, 1)
        checker = ((x // 18) + (y // 18)) & 1
        fine = _fine(x, y)
        _put(
            background[rows],
            ...,
            38 + 68 * x_part + 14 * checker + fine // 4,
            58 + 92 * y_part + 10 * checker + fine // 5,
            86 + 54 * (1 - x_part) + 8 * checker + fine // 3,
        )
    return background


def _fine(x: Integers, y: Integers) -> Integers:
    """The fine pattern that the background and the patch share."""
    return (((13 * x) ^ (7 * y)) + 31) & 31


def _tint(x: Integers, y: Integers) -> Integers:
    """The tint of the patch's markings."""
    return 202 + (((x + y) // 3) & 31)


def _put(
    frame: Rgba,
    where: Any,
    red: NDArray[np.generic] | int,
    green: NDArray[np.generic] | int,
    blue: NDArray[np.generic] | int,
) -> None:
    """Sets pixels to an opaque colour; values are clamped to 0 .. 255 and truncated to bytes."""
    target = frame[where]
    for channel, value in enumerate((red, green, blue, 255)):
        target[..., channel] = np.clip(value, 0, 255).astype(np.uint8)
    frame[where] = target


def _round_half_away(value: float) -> int:
    return math.floor(value + 0.5) if value >= 0 else math.ceil(value - 0.5)
