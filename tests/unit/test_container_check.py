"""Damage within files that FFmpeg passes over in silence, and healthy files of the same kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from autogaze_web.files.coded_slices import CodedSlices
from autogaze_web.files.video import open_clip
from autogaze_web.files.video_reader import _packets

FRAMES = 40
KINDS = {
    "a.webm": "libvpx",
    "a.mkv": "libx264",
    "a.mp4": "libx264",
    "a.ts": "libx264",
    "a.h264": "libx264",
    "a.flv": "libx264",
    "a.avi": "mjpeg",
    "a.wmv": "wmv2",
    "a.mxf": "mpeg2video",
    "a.y4m": "wrapped_avframe",
    "a.hevc": "libx265",
    "a.mjpeg": "mjpeg",
    "a.dv": "dvvideo",
    "a.ivf": "libvpx",
}
# Others are as large as their pictures.
SIZES = {"a.dv": (720, 576)}
# Damage of these may be met before their first frame has left the decoder.
LATE_FRAMES = ("a.hevc",)


def film(path: Path) -> Path:
    noise = (
        np.random.default_rng(3).integers(0, 256, (12, 12 + FRAMES, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    )
    with av.open(str(path), "w") as container:
        stream = container.add_stream(KINDS[path.name], rate=25)
        stream.width, stream.height = SIZES.get(path.name, (96, 96))
        stream.pix_fmt = "yuvj420p" if path.suffix in (".avi", ".mjpeg") else "yuv420p"
        for index in range(FRAMES):
            image = np.ascontiguousarray(noise[:, 8 * index : 8 * index + 96])
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(
                stream.width, stream.height, stream.pix_fmt
            )
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def damage_of(path: Path, count: int | None = None) -> str:
    clip = open_clip(path)
    frames = sum(1 for _ in clip.frames())
    assert count in (None, frames)
    return clip.damage or ""


def zeroed(data: bytes) -> bytes:
    start, length = len(data) // 2, len(data) // 10
    return data[:start] + bytes(length) + data[start + length :]


def with_a_hole(data: bytes) -> bytes:
    return data[: len(data) // 2] + data[len(data) // 2 + len(data) // 10 :]


def cut(data: bytes) -> bytes:
    return data[: len(data) * 3 // 5]


def without_its_end(data: bytes) -> bytes:
    return data[:-5]


@pytest.mark.parametrize(
    ("name", "faults"),
    [
        ("a.webm", (zeroed, with_a_hole, cut)),
        ("a.mkv", (zeroed, with_a_hole, cut)),
        ("a.mp4", (zeroed,)),
        ("a.ts", (zeroed, with_a_hole, cut)),
        ("a.h264", (zeroed,)),
        ("a.flv", (zeroed, with_a_hole, cut, without_its_end)),
        ("a.avi", (zeroed, with_a_hole, cut)),
        ("a.wmv", (zeroed, with_a_hole, cut, without_its_end)),
        ("a.mxf", (zeroed, with_a_hole, cut)),
        ("a.y4m", (zeroed, with_a_hole, cut, without_its_end)),
        ("a.hevc", (zeroed, with_a_hole)),
        ("a.mjpeg", (zeroed, with_a_hole, cut, without_its_end)),
        ("a.dv", (zeroed, without_its_end)),
        ("a.ivf", (zeroed, with_a_hole, cut, without_its_end)),
    ],
)
def test_damage_is_noticed_and_nothing_else(
    name: str, faults: tuple[Callable[[bytes], bytes], ...], tmp_path: Path
) -> None:
    path = film(tmp_path / name)
    assert damage_of(path, FRAMES) == ""
    data = path.read_bytes()
    places = ("after ", "within its first frame ") if name in LATE_FRAMES else ("after ",)
    for fault in faults:
        path.write_bytes(fault(data))
        damage = damage_of(path)
        assert damage.startswith(tuple(f"{path} is damaged {place}" for place in places)), (fault, damage)


@pytest.mark.parametrize("name", ["a.mjpeg", "a.hevc"])
def test_what_a_decoder_conceals_is_shown_as_it_conceals_it(name: str, tmp_path: Path) -> None:
    path = film(tmp_path / name)
    path.write_bytes(zeroed(path.read_bytes()))
    with av.open(str(path)) as container:
        expected = []
        for packet in container.demux(video=0):
            with suppress(av.error.FFmpegError):
                expected += [frame.to_ndarray(format="rgb24") for frame in packet.decode()]
    clip = open_clip(path)
    shown = [frame.image for frame in clip.frames()]
    assert clip.damage is not None
    assert len(shown) == len(expected)
    assert all(np.array_equal(one, other) for one, other in zip(shown, expected, strict=True))


def test_streams_that_appear_in_the_middle_are_no_end_of_the_world() -> None:
    def demux(_: object) -> Iterator[str]:
        yield from ("one", "two")
        raise IndexError

    assert list(_packets(SimpleNamespace(demux=demux), None)) == ["one", "two"]


def test_a_live_recording_that_breaks_off_within_a_block(tmp_path: Path) -> None:
    """Recorders of browsers state no sizes."""
    path = film(tmp_path / "a.webm")
    data = bytearray(path.read_bytes())
    segment = data.index(b"\x18S\x80g") + 4
    data[segment : segment + 8] = b"\x01" + 7 * b"\xff"
    path.write_bytes(data[: len(data) // 2])
    assert "is damaged after" in damage_of(path)


@pytest.mark.parametrize("shorter", [5, 20, 40])
def test_a_header_that_states_too_short_a_length(shorter: int, tmp_path: Path) -> None:
    """FFmpeg does not mind; what is not in the header is not checked."""
    path = film(tmp_path / "a.wmv")
    data = bytearray(path.read_bytes())
    data[16:24] = (int.from_bytes(data[16:24], "little") - shorter).to_bytes(8, "little")
    path.write_bytes(data)
    assert damage_of(path, FRAMES) == ""


def test_joined_broadcasts_are_whole(tmp_path: Path) -> None:
    path = film(tmp_path / "a.ts")
    path.write_bytes(2 * path.read_bytes())
    assert damage_of(path, 2 * FRAMES) == ""


def test_zeros_that_encoders_write_are_no_damage() -> None:
    slices = CodedSlices("h264", bytes([1, 100, 0, 10, 0xFF]))  # lengths of four bytes
    unit = bytes([0x65, 1, 0, 0, 3, 0, 9])
    assert not slices.are_damaged(len(unit).to_bytes(4, "big") + unit)
    private = bytes([0x06, 0, 0, 0, 0, 5])
    assert not slices.are_damaged(len(private).to_bytes(4, "big") + private)
    assert slices.are_damaged((99).to_bytes(4, "big") + unit)
    plain = CodedSlices("hevc", None)
    assert not plain.are_damaged(b"\0\0\0\1\x02\1\x08" + bytes(5))
    assert plain.are_damaged(b"\0\0\0\1\x02\1\0\0\0\7")
    assert not plain.are_damaged(b"\0\0\0\1\x4e\1\0\0\0\7")
