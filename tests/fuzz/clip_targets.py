"""What is fuzzed of pictures and videos, and the command line that reads them."""

from __future__ import annotations

import contextlib
import io
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
from damage import ODD_VALUES, damaged_bytes
from hypothesis import strategies as st
from target import RAW, only_sentences, target

from autogaze_web.cli.main import main
from autogaze_web.files.file_kind import kind_of, whole_webp
from autogaze_web.files.file_layout import layout_of
from autogaze_web.files.video import open_clip


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(bytes((1 + 3 * 4) * 3))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _gif(width: int, height: int) -> bytes:
    frame = b"\x21\xf9\x04\x04\x0a\x00\x00\x00,\x00\x00\x00\x00\x02\x00\x02\x00\x00\x02\x02\x84\x51\x00"
    return (
        b"GIF89a"
        + struct.pack("<HH", width, height)
        + b"\x80\x00\x00\x00\x00\x00\xff\xff\xff"
        + frame * 2
        + b";"
    )


def _film(container_format: str, codec: str) -> bytes:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=container_format) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = 32, 16
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for value in range(3):
            image = np.full((16, 32, 3), 80 * value, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            container.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
        container.mux(stream.encode())
    return file.getvalue()


# Black, in blocks of 80 bytes whose first ones say what they are.
_DV_SEQUENCE = b"".join(
    bytes([kind << 5 | 0x1F, 7, 0]).ljust(80, b"\xff") for kind in [0, 1, 1, 2, 2, 2, *(9 * [3, *(15 * [4])])]
)

CLIPS = [
    _png(4, 3),
    _png(16000, 16000),
    _gif(2, 2),
    _gif(16000, 16000),
    _film("mp4", "libx264"),
    _film("matroska", "libx264"),
    _film("avi", "mjpeg"),
    _film("asf", "wmv2"),
    _film("flv", "flv"),
    _film("mpegts", "mpeg2video"),
    _film("mxf", "mpeg2video"),
    _film("yuv4mpegpipe", "wrapped_avframe"),
    _film("mjpeg", "mjpeg"),
    _film("nut", "mpeg4"),
    _film("ivf", "libvpx"),
    _DV_SEQUENCE * 12,
    b"RIFF\x10\x00\x00\x00WEBPVP8 ",
]


@target(damaged_bytes(CLIPS))
def clips(data: bytes) -> None:
    """Pictures and videos."""
    whole_webp(data.ljust(12, b"\0"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip"
        path.write_bytes(data)
        kind_of(path)
        layout_of(path)
        with only_sentences():
            for _ in open_clip(path).frames(3):
                pass


FLAGS = [
    "--frames",
    "--threads",
    "--panel-height",
    "--stream",
    "--mode",
    "--tile-stride",
    "--store",
    "--json",
]
WORDS = st.sampled_from([*map(str, ODD_VALUES[:30]), "tiled", "-", "--", ".", "/", "\0", "~x", "a/b", "clip"])


@target(
    st.sampled_from(["trace", "render", "export", "x"]),
    st.lists(st.sampled_from(FLAGS) | WORDS, max_size=5),
    st.sampled_from(["out.png", "out.gif", "out.txt", "clip.gif", "CLIP.gif", "none/out.png", ""]),
)
def command_lines(command: str, words: list[str], out: str) -> None:
    """The command line, with a clip of two frames that must never change."""
    gif = _gif(2, 2)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        clip = Path("clip.gif")
        clip.write_bytes(gif)
        arguments = [command, "clip.gif", *words] + (["--out", out] if command != "trace" else [])
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            try:
                main(arguments)
            except SystemExit as end:  # argparse
                assert end.code in (0, 2)
        assert clip.read_bytes() == gif
        assert not RAW.search(errors.getvalue()), errors.getvalue()
        assert not [path for path in Path().iterdir() if path.name.startswith(".autogaze-web-")]
