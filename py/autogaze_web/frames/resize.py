"""The resizes of the model's preprocessing in plain NumPy.

The 8-bit resize equals Pillow's bit for bit, the others PyTorch's up to rounding. All are separable with few
taps: each pass gathers whole rows once per tap. Tap tables are cached, because live frames all have the same
size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Taps = tuple[NDArray[np.intp], NDArray[Any]]
"""Source index and weight of each tap for each output position, both (taps, out)."""

# Of a frame, in the horizontal pass of an 8-bit resize, which takes ten times their memory.
_VALUES_AT_ONCE = 1_000_000

_PRECISION_BITS = 22  # Pillow's fixed point for 8-bit images: 32 bits minus 8 for the pixel and 2 of headroom


def resize_bilinear_u8(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Pillow's antialiased BILINEAR resize of an 8-bit image, bit for bit.

    Pillow's algorithm is a triangle filter, widened by the scale when shrinking, with weights rounded to 22
    bits. The horizontal pass comes first and is rounded to 8 bits. An axis whose size does not change is
    skipped.

    Args:
        image: (H,W,C) uint8.

    Returns:
        (height,width,C) uint8; the argument itself if it already has that size.
    """
    return _resize_u8(image, height, width, _resize_rows_bilinear_u8)


def _resize_u8(
    image: NDArray[np.uint8],
    height: int,
    width: int,
    resize_rows: Callable[[NDArray[np.uint8], int], NDArray[np.uint8]],
) -> NDArray[np.uint8]:
    """The horizontal pass, then the vertical one; an axis whose size does not change is skipped."""
    rows, columns, channels = image.shape
    if columns != width:
        narrow = np.empty((rows, width, channels), np.uint8)
        at_once = max(1, _VALUES_AT_ONCE // (columns * channels))
        for first in range(0, rows, at_once):
            band = image[first : first + at_once]
            # Transposed, because gathering whole rows is many times faster than gathering pixels.
            by_column = np.ascontiguousarray(band.transpose(1, 2, 0)).reshape(columns, -1)
            resized = resize_rows(by_column, width).reshape(width, channels, len(band))
            narrow[first : first + at_once] = resized.transpose(2, 0, 1)
        image = narrow
    if rows != height:
        image = resize_rows(image.reshape(rows, -1), height).reshape(height, width, channels)
    return image


def _resize_rows_bilinear_u8(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """(rows,n) to (size,n).

    Each 64-bit word holds a value of a row's left half and one of its right half. The weights add up to about
    2^22, so a sum of weights times 8-bit pixels stays below 2^31 and fits in a lane of 32 bits.
    """
    rows, columns = image.shape
    middle = (columns + 1) // 2
    pairs = np.empty((rows, middle, 2), np.uint32)
    pairs[..., 0], pairs[..., 1] = image[:, :middle], image[:, -middle:]
    total = _weighted_rows(pairs.reshape(rows, -1).view(np.uint64), *bilinear_u8_taps(rows, size))
    half = 1 << (_PRECISION_BITS - 1)
    total += np.uint64(half | half << 32)
    pairs = total.view(np.uint32).reshape(size, middle, 2) >> np.uint32(_PRECISION_BITS)
    resized = np.empty((size, columns), np.uint8)
    resized[:, :middle], resized[:, -middle:] = pairs[..., 0], pairs[..., 1]
    return resized


def _weighted_rows(values: NDArray[Any], index: NDArray[np.intp], weight: NDArray[Any]) -> NDArray[Any]:
    """Sum over taps of ``weight[tap, row] * values[index[tap, row]]``, for values (rows,n)."""
    total: NDArray[Any] | None = None
    for taps, weights in zip(index, weight, strict=True):
        part = np.take(values, taps, axis=0)
        part *= weights[:, None]
        total = part if total is None else np.add(total, part, out=total)
    assert total is not None
    return total


def resize_bicubic_u8(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Pillow's antialiased BICUBIC resize (a = -0.5) of an 8-bit image, bit for bit.

    The passes are those of `resize_bilinear_u8`. Weights are negative in places, so a pass has no lanes.

    Args:
        image: (H,W,C) uint8.

    Returns:
        (height,width,C) uint8; the argument itself if it already has that size.
    """
    return _resize_u8(image, height, width, _resize_rows_bicubic_u8)


def _resize_rows_bicubic_u8(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """(rows,n) to (size,n); the weights add up to 2^22, and their magnitudes to less than 2^23."""
    total = _weighted_rows(image.astype(np.int32), *_bicubic_u8_taps(len(image), size))
    total += 1 << (_PRECISION_BITS - 1)
    pixels: NDArray[np.uint8] = np.clip(total >> _PRECISION_BITS, 0, 255).astype(np.uint8)
    return pixels


@lru_cache(maxsize=16)
def bilinear_u8_taps(size: int, out: int) -> Taps:
    """Taps of `resize_bilinear_u8` along one axis; weights are uint64 with 22 fractional bits."""
    index, weight = _u8_taps(size, out, 1, lambda x: np.maximum(0.0, 1.0 - x))
    fixed = (weight * (1 << _PRECISION_BITS) + 0.5).astype(np.uint64)
    used = fixed.any(axis=1)
    return index[used], fixed[used]


@lru_cache(maxsize=16)
def _bicubic_u8_taps(size: int, out: int) -> Taps:
    """Taps of `resize_bicubic_u8` along one axis; weights are int32 with 22 fractional bits."""
    index, weight = _u8_taps(size, out, 2, _pillow_cubic)
    # Rounded half away from zero: casting truncates.
    return index, (weight * (1 << _PRECISION_BITS) + np.copysign(0.5, weight)).astype(np.int32)


def _pillow_cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cubic filter with a = -0.5 at distances x."""
    a = -0.5
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


def _u8_taps(
    size: int, out: int, radius: int, filter_at: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> Taps:
    """Taps of an antialiased filter of a radius, widened by the scale when shrinking; float64, sum 1."""
    scale = size / out
    widening = max(scale, 1.0)
    support = radius * widening
    centre = (np.arange(out) + 0.5) * scale
    first = np.maximum((centre - support + 0.5).astype(np.intp), 0)
    end = np.minimum((centre + support + 0.5).astype(np.intp), size)
    tap = np.arange(math.ceil(support) * 2 + 1)[:, None]
    weight = filter_at(np.abs((tap + first - centre + 0.5) * (1.0 / widening)))
    weight[first + tap >= end] = 0.0
    weight /= _sum_in_order(weight)
    return np.minimum(first + tap, size - 1), weight


def _sum_in_order(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    total = np.zeros(weight.shape[1])
    for row in weight:  # in the order of Pillow's loop, so that the last bit agrees
        total += row
    return total


def resize_bicubic(video: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """PyTorch's ``interpolate(mode="bicubic", align_corners=False)``: a = -0.75, no antialias, edges clamped.

    Equal to PyTorch up to float32 rounding. An axis whose size does not change is skipped.

    Args:
        video: (...,H,W) float32.

    Returns:
        (...,height,width) float32; the argument itself if it already has that size.
    """
    return _resize_f32(video, height, width, bicubic_taps)


def resize_bilinear(video: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """PyTorch's ``interpolate(mode="bilinear", align_corners=False)``: no antialias, edges clamped.

    Args:
        video: (...,H,W) float32.

    Returns:
        (...,height,width) float32; the argument itself if it already has that size.
    """
    return _resize_f32(video, height, width, bilinear_f32_taps)


def bilinear_part(size: int, out: int, start: int, end: int) -> tuple[slice, Taps | None]:
    """What a part of `resize_bilinear` needs along one axis.

    Args:
        size, out: of the whole axis, before and after.
        start, end: of the part of the result.

    Returns:
        The source positions, and the taps among these for `resized_by`, None if the size does not change.
    """
    if size == out:
        return slice(start, end), None
    index, weight = (taps[:, start:end] for taps in bilinear_f32_taps(size, out))
    first = int(index.min())
    return slice(first, int(index.max()) + 1), (index - first, weight)


def resized_by(video: NDArray[np.float32], rows: Taps | None, columns: Taps | None) -> NDArray[np.float32]:
    """(...,H,W) float32 resized by the taps of both axes; None leaves an axis as it is."""
    if columns is not None:
        *others, height, width = video.shape
        by_column = np.ascontiguousarray(video.reshape(-1, width).T)
        video = _weighted_rows(by_column, *columns).T.reshape(*others, height, columns[1].shape[1])
    if rows is not None:
        *others, height, width = video.shape
        by_row = np.ascontiguousarray(np.moveaxis(video, -2, 0)).reshape(height, -1)
        blended = _weighted_rows(by_row, *rows)
        video = np.moveaxis(blended.reshape(rows[1].shape[1], *others, width), 0, -2)
    return np.ascontiguousarray(video)


def _resize_f32(
    video: NDArray[np.float32], height: int, width: int, taps: Callable[[int, int], Taps]
) -> NDArray[np.float32]:
    rows, columns = video.shape[-2:]
    return resized_by(
        video,
        None if rows == height else taps(rows, height),
        None if columns == width else taps(columns, width),
    )


@lru_cache(maxsize=16)
def bicubic_taps(size: int, out: int) -> Taps:
    """Taps of `resize_bicubic` along one axis, float32; one tap of weight 1 if the size does not change."""
    if size == out:
        return np.arange(out, dtype=np.intp)[None], np.ones((1, out), np.float32)
    a, one = np.float32(-0.75), np.float32(1)
    position = _source_positions(size, out)
    floor = np.floor(position)
    t = position - floor

    def near(x: NDArray[np.float32]) -> NDArray[np.float32]:
        return ((a + 2) * x - (a + 3)) * x * x + one

    def far(x: NDArray[np.float32]) -> NDArray[np.float32]:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    weight = np.stack([far(t + one), near(t), near(one - t), far(2 * one - t)]).astype(np.float32)
    index = floor.astype(np.intp) + np.arange(-1, 3)[:, None]
    return np.clip(index, 0, size - 1), weight


@lru_cache(maxsize=16)
def bilinear_f32_taps(size: int, out: int) -> Taps:
    """Taps of `resize_bilinear` along one axis, float32."""
    position = np.maximum(_source_positions(size, out), np.float32(0))
    floor = np.floor(position)
    t = position - floor
    index = floor.astype(np.intp) + np.arange(2)[:, None]
    return np.minimum(index, size - 1), np.stack([np.float32(1) - t, t])


def _source_positions(size: int, out: int) -> NDArray[np.float32]:
    """Source positions of the centres of ``out`` pixels, computed in float32 throughout as in PyTorch."""
    centre = np.arange(out, dtype=np.float32) + np.float32(0.5)
    return np.float32(size) / np.float32(out) * centre - np.float32(0.5)
