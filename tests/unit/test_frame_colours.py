from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from autogaze_web.files.video import read_frames

# Red as (Y, U, V): limited range, then full range.
BT601, BT709, BT709_FULL = (81, 90, 240), (63, 102, 240), (54, 99, 255)


def write_flat(path: Path, codec: str, height: int, yuv: tuple[int, int, int], tags: tuple[int, int]) -> Path:
    """A video of one colour, whose container names FFmpeg's numbers of a matrix and a range."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, height, "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = tags
        frame = av.VideoFrame(64, height, "yuv420p")
        for plane, value in zip(frame.planes, yuv, strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.colorspace, frame.color_range = tags
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("name", "codec", "height", "yuv", "tags"),
    [
        ("sd.mp4", "libx264", 240, BT601, (2, 0)),
        ("hd.mp4", "libx264", 720, BT709, (2, 0)),
        ("hd.webm", "libvpx-vp9", 720, BT601, (2, 0)),
        ("tagged.mp4", "libx264", 240, BT709, (1, 1)),
        ("recorded.webm", "libvpx", 240, BT709_FULL, (1, 2)),
        ("vp8.webm", "libvpx", 240, BT601, (2, 0)),
    ],
)
def test_red_is_red_whatever_names_its_colours(
    name: str, codec: str, height: int, yuv: tuple[int, int, int], tags: tuple[int, int], tmp_path: Path
) -> None:
    """As in Chromium: VP8 is as its container says, files that say nothing are BT.709 from 720 rows on."""
    (frame,) = read_frames(write_flat(tmp_path / name, codec, height, yuv, tags))
    assert np.abs(frame[height // 2, 32].astype(int) - (255, 0, 0)).max() <= 3
