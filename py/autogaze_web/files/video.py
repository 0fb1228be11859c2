"""Videos and pictures as frames. Needs the extra ``[video]``."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..frames.timed_frame import Rgb
from ..limits import expect
from .clip import Clip, VideoError
from .file_kind import kind_of
from .picture_reader import PictureReader
from .video_reader import VideoReader


@dataclass(frozen=True)
class VideoInfo:
    """What a file says of its video.

    Attributes:
        frames: about how many there are, 0 if the file does not say.
        frames_per_second: the average rate, None if the file has none.
    """

    frames: int
    frames_per_second: float | None


def open_clip(path: str | Path, stream: int | None = None) -> Clip:
    """Opens a video, an animated picture or a still one, whatever its name says.

    Args:
        stream: number of the video stream, counting all streams of the file from 0; None for the first video.

    Raises:
        VideoError: if the file cannot be read.
    """
    expect(path, (str, Path), "the path of a video")
    try:
        if re.match(r"[a-z]+://", str(path)) and not Path(path).exists():
            raise VideoError(f"{path} is an address, not a file: download the video first")
        if Path(path).is_dir():
            raise VideoError(f"{path} is a folder: give a video file in it")
        if Path(path).exists() and not Path(path).is_file():
            raise VideoError(
                f"{path} is a pipe or a device, but a video is read more than once: save it as a file first"
            )
        kind = kind_of(path)
    except OSError as error:
        raise VideoError(f"{path} cannot be read ({error.strerror}): check that you may open it") from None
    if kind == "svg":
        raise VideoError(f"{path} is an SVG drawing, which has no pixels: export it as a PNG first")
    if kind == "heic":
        raise VideoError(f"{path} is an HEIC photo, which is not read here: export it as a JPEG first")
    if kind == "picture":
        if stream:
            raise VideoError(f"{path} is a picture and has no stream {stream}: leave the stream out")
        return PictureReader(path)
    return VideoReader(path, stream)


def video_info(path: str | Path) -> VideoInfo:
    """Reads a file's header.

    Raises:
        VideoError: if the file cannot be read.
    """
    clip = open_clip(path)
    return VideoInfo(clip.expected_frames, clip.frames_per_second)


def read_frames(path: str | Path, limit: int | None = None, stream: int | None = None) -> Iterator[Rgb]:
    """A file's frames as people see them: (H,W,3) uint8 RGB, turned, with square pixels, all of one size.

    Of a damaged file it yields what can be decoded, then warns (`RuntimeWarning`). For the frames' times see
    `open_clip`.

    Args:
        limit: most frames to read.
        stream: see `open_clip`.

    Raises:
        VideoError: if the file cannot be read.
    """
    clip = open_clip(path, stream)
    for frame in clip.frames(limit):
        yield frame.image
    if clip.damage:
        warnings.warn(clip.damage, RuntimeWarning, stacklevel=2)
