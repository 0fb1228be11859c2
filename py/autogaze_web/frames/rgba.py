"""RGBA frames whose rows are whole 64-bit words, so that eight bytes can be processed at once.

NumPy under WebAssembly has no SIMD: an operation on bytes costs as much per element as one on 64-bit
integers. Frames are therefore stored with an even number of pixels per row, and the arithmetic of
``words.py`` processes two pixels at a time. The extra column of a frame of odd width is always zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..limits import MAX_SIDE, is_whole, shown

Rgba = NDArray[np.uint8]
Words = NDArray[np.uint64]


def allocate(height: int, width: int) -> Rgba:
    """A black, transparent frame: (height, width, 4) uint8, a view of a buffer with an even row length.

    Raises:
        ValueError: if a side is not 1 .. 16384 pixels.
    """
    if not all(is_whole(side) and 1 <= side <= MAX_SIDE for side in (height, width)):
        size = f"{shown(width)}x{shown(height)} (width x height)"
        raise ValueError(f"a frame has 1 to {MAX_SIDE} pixels per side, got {size}")
    return np.zeros((height, width + width % 2, 4), np.uint8)[:, :width]


def as_words(frame: Rgba) -> Words:
    """The frame's memory as (height, ceil(width / 2)) uint64: two pixels per word, without a copy.

    Raises:
        ValueError: if the frame was not made by ``allocate`` or ``as_frame``.
    """
    padded = _padded(frame) if frame.ndim == 3 and frame.shape[2] == 4 and frame.dtype == np.uint8 else None
    if padded is None:
        raise ValueError("the frame's rows are not whole 64-bit words: pass it through as_frame first")
    view: Words = padded.reshape(padded.shape[0], -1).view(np.uint64)
    return view


def as_frame(image: Any) -> Rgba:
    """An RGB or RGBA image as a frame, without a copy if it already is one.

    Args:
        image: (H, W, 3) or (H, W, 4) uint8.

    Returns:
        (H, W, 4) uint8; alpha is 255 where the image has none.

    Raises:
        ValueError: if the image has another rank, dtype or number of channels, or a side is out of range.
    """
    image = expect_image(image)
    if image.shape[2] == 4 and _padded(image) is not None:
        whole: Rgba = image
        return whole
    frame = allocate(*image.shape[:2])
    copy_into(frame, image)
    return frame


def expect_image(image: Any) -> NDArray[np.uint8]:
    """The image as an array (H, W, 3 or 4) uint8.

    Raises:
        ValueError: if it has another rank, dtype or number of channels.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] not in (3, 4) or image.dtype != np.uint8:
        raise ValueError(
            f"a frame is (height, width, 3 or 4) uint8, got {image.shape} {image.dtype}: "
            "convert other formats to 8-bit RGB first"
        )
    checked: NDArray[np.uint8] = image
    return checked


def copy_into(frame: Rgba, image: NDArray[np.uint8]) -> None:
    """Copies an image (H, W, 3 or 4) into a frame (H, W, 4); alpha is 255 where the image has none."""
    if image.shape[2] == 4:
        frame[...] = image
        return
    for channel in range(3):  # NumPy copies whole planes several times as fast as pixels of three bytes
        frame[..., channel] = image[..., channel]
    frame[..., 3] = 255


def _padded(frame: Rgba) -> Rgba | None:
    """The buffer of whole words behind a frame, or None if there is none."""
    height, width = frame.shape[:2]
    even = width + width % 2
    # Flags take a tenth of the time of an address.
    if width % 2 == 0 and frame.flags.c_contiguous and frame.reshape(-1).view(np.uint64).flags.aligned:
        return frame
    base: Any = frame.base
    if (
        width % 2
        and isinstance(base, np.ndarray)
        and base.shape == (height, even, 4)
        and base.flags.c_contiguous
        and base.ctypes.data == frame.ctypes.data
    ):
        buffer: Rgba = base
        return buffer
    return None
