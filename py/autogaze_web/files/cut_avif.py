"""Animated AVIFs that were cut off: which of their frames are whole, and bytes that decoders take."""

from __future__ import annotations

from pathlib import Path

from .file_layout import FileLayout
from .pyav import pyav

_MAX_BYTES = 100_000_000


def whole_frames_of_avif(path: Path, layout: FileLayout) -> int:
    """How many frames of an animated AVIF the file contains; 0 for other files, or if there are none."""
    boxes = layout.boxes
    if not boxes or boxes[0].kind != b"ftyp" or boxes[-1].end > _MAX_BYTES:
        return 0
    av = pyav()
    try:
        with av.open(f"file:{path}") as container:
            tracks = [video for video in container.streams.video if video.frames > 1]
            if not tracks:
                return 0
            return sum(packet.size > 0 and not packet.is_corrupt for packet in container.demux(tracks[0]))
    except (av.error.FFmpegError, OSError, ValueError):
        return 0


def padded(path: Path, layout: FileLayout) -> bytes:
    """The file with zeros up to the size that it states: decoders refuse a shorter one."""
    data = path.read_bytes()
    return data + bytes(max(0, layout.boxes[-1].end - len(data)))
