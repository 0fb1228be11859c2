"""The page counts the frames of a file as the command line does: same frames, same times, same rate.

What the page shows of them is tested in tests/browser.
"""

from __future__ import annotations

import json
import re
import struct
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from autogaze_web.files.video import open_clip

SCRIPT = Path(__file__).parents[1] / "javascript" / "media_frames.mjs"
GLOBALS = SCRIPT.with_name("browser_globals.mjs")
# Milliseconds: uneven, with a hold.
TIMES = [0, 40, 73, 500, 533, 1200, *range(1240, 2400, 40)]
FRAGMENTS = "frag_keyframe+empty_moov+default_base_moof"
B_FRAMES = {"g": "8", "bf": "3", "sc_threshold": "0"}


NTSC = Fraction(30000, 1001)


def write(
    path: Path, codec: str = "libx264", shift: int = 0, options: dict[str, str] | None = None, **muxer: str
) -> Path:
    with av.open(str(path), "w", options=muxer) as container:
        stream = container.add_stream(codec, rate=NTSC, options=options or {})
        stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for index, time in enumerate(TIMES):
            pixels = np.full((16, 32, 3), 5 * index, np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = time + shift, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def even(path: Path) -> Path:
    """Frames in the rate of American television."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=NTSC)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
        for index in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((16, 32, 3), 5 * index, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, 1 / NTSC
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def child(data: bytes, kind: bytes) -> slice:
    """Where a box of one level is."""
    at = 0
    while data[at + 4 : at + 8] != kind:
        at += struct.unpack(">I", data[at : at + 4])[0]
    return slice(at, at + struct.unpack(">I", data[at : at + 4])[0])


def edited(path: Path, *edits: tuple[float, float]) -> Path:
    """Replaces the edit list of an MP4 of one track; durations and media times in seconds, -1: nothing."""
    with av.open(str(path)) as container:
        unit = container.streams.video[0].time_base
    entries = [(round(1000 * long), round(start / unit) if start >= 0 else -1) for long, start in edits]
    table = struct.pack(">II", 0, len(edits)) + b"".join(struct.pack(">IiI", *e, 1 << 16) for e in entries)
    data = path.read_bytes()
    moov = child(data, b"moov")
    movie = data[moov][8:]
    trak = child(movie, b"trak")
    track = movie[trak][8:]
    old = child(track, b"edts")
    track = track[: old.start] + box(b"edts", box(b"elst", table)) + track[old.stop :]
    movie = movie[: trak.start] + box(b"trak", track) + movie[trak.stop :]
    assert moov.stop == len(data)
    path.write_bytes(data[: moov.start] + box(b"moov", movie))
    return path


def cut(path: Path, share: float) -> Path:
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    return path


def cut_before(path: Path, kind: bytes) -> Path:
    """Without the end of the file from within the second box of a kind on."""
    data = path.read_bytes()
    path.write_bytes(data[: data.index(kind, data.index(kind) + 4) + 12])
    return path


def without_second_fragment(path: Path) -> Path:
    """The fragments behind it state their times, so that a gap remains."""
    data = path.read_bytes()
    second, third = (at - 4 for at in [m.start() for m in re.finditer(b"moof", data)][1:3])
    path.write_bytes(data[:second] + data[third:])
    return path


def animation(path: Path, **options: object) -> Path:
    pictures = [Image.new("RGB", (20, 10), (20 * index, 90, 0)) for index in range(6)]
    delays = [70, 130, 10, 0, 20, 500]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=delays, **options)
    return path


FILES: dict[str, Callable[[Path], Path]] = {
    "uneven.mp4": write,
    "even.mp4": even,
    "even.mkv": even,
    "even.mov": even,
    "reordered.mp4": lambda path: write(path, options=B_FRAMES),
    "negative offsets.mp4": lambda path: write(path, options=B_FRAMES, movflags="negative_cts_offsets"),
    "one edit.mp4": lambda path: edited(write(path, options=B_FRAMES), (1, 0.6)),
    "several edits.mp4": lambda path: edited(write(path, options=B_FRAMES), (0.4, 0.53), (0.7, 0.1)),
    "no reordering.mp4": lambda path: edited(write(path, options={"bf": "0"}), (0.5, 1.0), (0.5, 0)),
    "an edit of no duration.mp4": lambda path: edited(write(path), (0.5, 0), (0, 1.5), (0.4, 1.3)),
    "late.mp4": lambda path: edited(write(path), (0.5, -1), (9, 0.3)),
    "nothing in between.mp4": lambda path: edited(write(path), (0.4, 0), (0.3, -1), (0.4, 1)),
    "an edit behind the end.mp4": lambda path: edited(write(path), (0.4, 0), (0.3, 1000)),
    "nothing.mp4": lambda path: edited(write(path), (0, 0)),
    "fragments.mp4": lambda path: write(
        path, options={"bf": "0", "g": "6"}, movflags="frag_keyframe+empty_moov"
    ),
    "fragments of negative offsets.mp4": lambda path: write(
        path, shift=700, options=B_FRAMES, movflags=FRAGMENTS + "+negative_cts_offsets+delay_moov"
    ),
    "a lost fragment.mp4": lambda path: without_second_fragment(
        write(path, options=B_FRAMES, movflags=FRAGMENTS + "+negative_cts_offsets+default_base_moof")
    ),
    "segments.mp4": lambda path: write(
        path, options=B_FRAMES, movflags=FRAGMENTS + "+negative_cts_offsets+dash"
    ),
    "indexed fragments.mp4": lambda path: write(path, options=B_FRAMES, movflags=FRAGMENTS + "+global_sidx"),
    "a fragment for each frame.mp4": lambda path: write(
        path, options=B_FRAMES, movflags="empty_moov+frag_every_frame"
    ),
    "partly in fragments.mp4": lambda path: write(
        path, options={"bf": "0", "g": "6"}, movflags="frag_keyframe"
    ),
    "uneven.mov": lambda path: write(path, "mpeg4"),
    "uneven.mkv": lambda path: write(path, options=B_FRAMES),
    "before zero.mkv": lambda path: write(path, shift=-60, avoid_negative_ts="disabled"),
    "late.webm": lambda path: write(path, "libvpx", 700),
    "cut.mp4": lambda path: cut(write(path, options=B_FRAMES, movflags="faststart"), 0.8),
    "cut fragments.mp4": lambda path: cut(write(path, options=B_FRAMES, movflags=FRAGMENTS), 0.6),
    "cut fragments of VP9.mp4": lambda path: cut(
        write(path, "libvpx-vp9", options={"g": "8"}, movflags=FRAGMENTS), 0.8
    ),
    "cut in a moof.mp4": lambda path: cut_before(write(path, options=B_FRAMES, movflags=FRAGMENTS), b"moof"),
    "cut fragments, behind the frames.mp4": lambda path: cut(
        write(path, options=B_FRAMES, movflags=FRAGMENTS), 0.995
    ),
    "cut negative offsets.mp4": lambda path: cut(
        write(path, options=B_FRAMES, movflags="faststart+negative_cts_offsets"), 0.8
    ),
    "cut.mkv": lambda path: cut(write(path, options=B_FRAMES), 0.7),
    "cut.webm": lambda path: cut(write(path, "libvpx"), 0.7),
    "a.gif": animation,
    "a.png": animation,
    "a.webp": animation,
    "a.avif": animation,
    "without an end.png": lambda path: cut(animation(path), 0.997),
    "cut.png": lambda path: cut(animation(path), 0.6),
    "cut.avif": lambda path: cut(animation(path), 0.97),
    "cut.webp": lambda path: cut(animation(path, lossless=True), 0.6),
}


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, dict]]:
    """What the page finds in each file."""
    folder = tmp_path_factory.mktemp("media")
    paths = [make(folder / name) for name, make in FILES.items()]
    program = ["node", "--import", str(GLOBALS), str(SCRIPT), *map(str, paths)]
    found = json.loads(subprocess.run(program, capture_output=True, text=True, check=True).stdout)
    return {path.name: (path, each) for path, each in zip(paths, found, strict=True)}


@pytest.mark.parametrize("name", FILES)
def test_the_page_counts_the_frames_of_the_command_line(
    name: str, counted: dict[str, tuple[Path, dict]]
) -> None:
    path, found = counted[name]
    clip = open_clip(path)
    if name == "nothing.mp4":
        assert found["times"] == []
        return
    if name == "partly in fragments.mp4":
        assert found["problem"] == "Error: only a part of its frames is in its index"
        return
    times = [float(frame.time) for frame in clip.frames()]
    assert found["times"] == pytest.approx(times, abs=1e-6)
    if name == "fragments of negative offsets.mp4":
        assert times == pytest.approx([0.7 + time / 1000 for time in TIMES], abs=1e-3)
    assert found["framesPerSecond"] == clip.frames_per_second
