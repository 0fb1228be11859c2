"""Writes what Chromium's fake camera plays: pictures with grain, so that every pixel changes in every frame.

    python grain_camera.py FOLDER                         camera-WIDTHxHEIGHT.y4m in four sizes, 0.4 GB in all
    python grain_camera.py FOLDER 1280x720 1920x1080      these sizes only

It needs nothing but NumPy, since such files are written on the machine that is measured: grain cannot be
compressed.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SIZES = ((640, 360), (1280, 720), (1920, 1080), (3840, 2160))
# The deviation of the grain, in levels of brightness.
GRAIN = 2.0
# How far the grain is shifted at most from frame to frame.
_MARGIN = 64


def camera_name(width: int, height: int) -> str:
    """The name of the file with frames of this size."""
    return f"camera-{width}x{height}.y4m"


def grainy_frames(count: int, width: int, height: int, seed: int = 0) -> Iterator[NDArray[np.uint8]]:
    """The brightness of frames in front of which a patch of noise moves from left to right.

    Args:
        count: number of frames.
        width: of a frame, in pixels.
        height: of a frame, in pixels.
        seed: of the random numbers.

    Yields:
        Arrays (height, width) of 16 to 235, the limited range of video.
    """
    random = np.random.default_rng(seed)
    across, down = np.linspace(0, 6 * np.pi, width), np.linspace(0, 4 * np.pi, height)
    scene = 125 + 45 * np.sin(across)[None] * np.cos(down)[:, None]
    # Drawn once, and each frame takes another part of it: a shift makes the grain of two frames independent.
    field = random.normal(0, GRAIN, (height + _MARGIN, width + _MARGIN)).astype(np.float32)
    scene = scene.astype(np.float32)
    side = max(2, height // 6)
    for index in range(count):
        # Never the shift of the frame before, nor that of the first when the file starts again.
        top, left = (index * 23) % _MARGIN, (index * 37) % _MARGIN
        frame = scene + field[top : top + height, left : left + width]
        x = (width - side) * index // max(1, count - 1)
        y = (height - side) // 2
        frame[y : y + side, x : x + side] = random.integers(16, 236, (side, side))
        yield np.rint(frame).clip(16, 235).astype(np.uint8)


def write_camera(folder: Path, width: int, height: int, count: int = 24, rate: int = 30) -> Path:
    """Writes the frames of `grainy_frames` as I420 without colour.

    Args:
        folder: where to write.
        width: of a frame, in pixels; even.
        height: of a frame, in pixels; even.
        count: number of frames, which the camera plays over and over.
        rate: frames per second.

    Returns:
        The file, `camera_name` in the folder.

    Raises:
        ValueError: if a size is odd or 0, or if there is no frame.
    """
    if width % 2 or height % 2 or min(width, height, count) < 1:
        raise ValueError(f"the camera needs frames of even sizes, got {count} of {width}x{height}")
    grey = np.full(width * height // 2, 128, np.uint8).tobytes()
    path = folder / camera_name(width, height)
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n".encode())
        for frame in grainy_frames(count, width, height):
            file.write(b"FRAME\n" + frame.tobytes() + grey)
    return path


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text} is no size, such as 1280x720")
    return int(match[1]), int(match[2])


def main() -> None:
    """Writes a file for each size."""
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("sizes", nargs="*", type=_size, metavar="WIDTHxHEIGHT")
    parser.add_argument("--frames", type=int, default=24, help="in each file (24)")
    parser.add_argument("--rate", type=int, default=30, help="frames per second (30)")
    options = parser.parse_args()
    for width, height in options.sizes or SIZES:
        try:
            print(write_camera(options.folder, width, height, options.frames, options.rate), flush=True)
        except (OSError, ValueError) as error:
            parser.error(str(error))


if __name__ == "__main__":
    main()
