"""Reading and writing videos with PyAV. Needs the extra ``[video]``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]


class VideoError(ValueError):
    """A file that cannot be read or written as a video; the message says why."""


@dataclass(frozen=True)
class VideoInfo:
    """What a container says of its first video stream.

    Attributes:
        frames: number of frames, 0 if the container does not know.
        frames_per_second: the average rate, 25 if unknown.
    """

    frames: int
    frames_per_second: float


def video_info(path: str | Path) -> VideoInfo:
    """Reads a video's header.

    Raises:
        VideoError: if the file cannot be read as a video.
    """
    with _opened(path) as (_, stream):
        rate = stream.average_rate
        return VideoInfo(int(stream.frames or 0), float(rate) if rate else 25.0)


def read_frames(path: str | Path, limit: int | None = None) -> Iterator[Rgb]:
    """A video's frames as people see them: (H,W,3) uint8 RGB, turned as the file's rotation says.

    Args:
        limit: most frames to read.

    Raises:
        VideoError: if the file cannot be read, or its frames change size.
    """
    shape = None
    with _opened(path) as (container, stream):
        av = _av()
        count = 0
        try:
            for decoded in container.decode(stream):
                if limit is not None and count >= limit:
                    return
                frame = decoded.to_ndarray(format="rgb24")
                turned = np.ascontiguousarray(np.rot90(frame, round(decoded.rotation / 90)))
                if shape is None:
                    shape = turned.shape
                elif turned.shape != shape:
                    sizes = " and ".join(f"{width}x{height}" for height, width, _ in (shape, turned.shape))
                    raise VideoError(
                        f"{path}: frames change size ({sizes} pixels at frame {count}): "
                        "convert the video to one size first"
                    )
                count += 1
                yield turned
        except av.error.FFmpegError as error:
            raise VideoError(
                f"{path}: frame {count} cannot be decoded ({error.strerror}): the file is damaged"
            ) from None
    if count == 0:
        raise VideoError(f"{path} has no video frames")


def write_mp4(path: str | Path, frames: Iterable[Rgb], frames_per_second: float) -> None:
    """Writes frames of one size, (H,W,3) uint8, as H.264.

    Raises:
        VideoError: if the file cannot be written.
    """
    av = _av()
    try:
        with av.open(str(path), "w") as container:
            stream = None
            for frame in frames:
                even = frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2]
                if stream is None:
                    stream = container.add_stream(
                        "libx264", rate=Fraction(frames_per_second).limit_denominator(1000)
                    )
                    stream.height, stream.width = even.shape[:2]
                    stream.pix_fmt = "yuv420p"
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(even), "rgb24")))
            if stream is not None:
                container.mux(stream.encode())
    except (OSError, av.error.FFmpegError) as error:
        raise VideoError(f"cannot write {path}: {error.strerror or error}") from None


@contextmanager
def _opened(path: str | Path) -> Iterator[tuple[Any, Any]]:
    av = _av()
    try:
        container = av.open(str(path))
    except FileNotFoundError:
        raise VideoError(f"there is no file {path}") from None
    except (OSError, ValueError, av.error.FFmpegError) as error:
        reason = getattr(error, "strerror", None) or error
        raise VideoError(
            f"{path} cannot be read as a video ({reason}): give a file such as MP4, WebM or MOV"
        ) from None
    with container:
        if not container.streams.video:
            raise VideoError(f"{path} has no video stream")
        yield container, container.streams.video[0]


def _av() -> ModuleType:
    try:
        import av
        import av.error
    except ModuleNotFoundError:
        raise ImportError(
            "reading and writing videos needs PyAV: pip install 'autogaze-web[video]'"
        ) from None
    module: ModuleType = av
    return module
