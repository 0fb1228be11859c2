"""Images of decoded frames as people see them: with square pixels, turned and mirrored as their file says."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..frames.resize import resize_bilinear_u8
from ..frames.timed_frame import Rgb
from ..limits import MAX_SIDE
from .clip import VideoError, check_size
from .pyav import pyav


class DecodedPictures:
    """Makes the images of one stream.

    Args:
        path: of the file, for messages.
        video: the stream of PyAV.
    """

    def __init__(self, path: Path, video: Any) -> None:
        self._path, self._video = path, video
        # One for all frames: a frame's own method makes one each time, which takes longer than converting.
        self._converter = pyav().video.reformatter.VideoReformatter()

    def as_shown(self, decoded: Any) -> Rgb:
        """The image of a frame: (H, W, 3) uint8.

        Raises:
            VideoError: if it is too large.
        """
        check_size(self._path, decoded.width, decoded.height)
        image: Rgb = self._converter.reformat(decoded, format="rgb24", threads=1).to_ndarray()
        height, width = shown_size(decoded.height, decoded.width, self._video.sample_aspect_ratio)
        if max(height, width) > MAX_SIDE:
            raise VideoError(
                f"{self._path}: frames are {width}x{height} as shown, at most {MAX_SIDE} a side fit"
            )
        if (height, width) != image.shape[:2]:
            image = resize_bilinear_u8(image, height, width)
        return np.ascontiguousarray(turned(image, _display_matrix(decoded)))


def shown_size(height: int, width: int, aspect: Fraction | None) -> tuple[int, int]:
    """Height and width with square pixels: one side grows, as in browsers, neither shrinks.

    >>> shown_size(576, 720, Fraction(16, 11)), shown_size(480, 720, Fraction(8, 9))
    ((576, 1047), (540, 720))
    """
    if not aspect or aspect == 1:
        return height, width
    if aspect > 1:
        return height, round(width * aspect)
    return round(height / aspect), width


def turned(image: Rgb, matrix: tuple[int, int, int, int]) -> Rgb:
    """An image turned and mirrored by a display matrix (a, b, c, d): (x, y) goes to (a x + c y, b x + d y).

    Only the signs and which ones are larger count: turns by other than quarters are rounded to them.

    >>> turned(np.array([[1, 2]]), (0, 1, -1, 0)).tolist()  # a quarter clockwise
    [[1], [2]]
    """
    a, b, c, d = matrix
    if abs(a) + abs(d) >= abs(b) + abs(c):
        right, down = a, d
    else:
        image = image.swapaxes(0, 1)
        right, down = c, b
    return image[:: -1 if down < 0 else 1, :: -1 if right < 0 else 1]


def _display_matrix(decoded: Any) -> tuple[int, int, int, int]:
    """(a, b, c, d) of the frame's display matrix, in 16.16 fixed point; the identity without one."""
    # The frame's own property would tie it into a cycle, and a hundred frames would pile up before Python
    # looks for such garbage.
    data = pyav().sidedata.sidedata.SideDataContainer(decoded).get("DISPLAYMATRIX")
    if data is None:
        return 1, 0, 0, 1
    a, b, _, c, d, *_ = np.frombuffer(bytes(data), np.int32).tolist()
    return a, b, c, d
