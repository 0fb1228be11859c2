"""Frames of GIFs are put together as the format says (GIF89a, 23.c.iv), opaque or not, whole or not."""

from __future__ import annotations

import struct
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from autogaze_web.files.gif_reader import whole_frames
from autogaze_web.files.video import open_clip

WIDTH, HEIGHT = 12, 10
PALETTE = np.array([[37 * i % 256, 91 * i % 256, 53 * i % 256] for i in range(1, 9)], np.uint8)
CLEAR, END = 8, 9


def compressed(indices: np.ndarray) -> bytes:
    """LZW of 4-bit codes: a clear code every five pixels, so that codes never grow."""
    codes = [code for at in range(0, indices.size, 5) for code in (CLEAR, *indices.flat[at : at + 5])] + [END]
    codes += [0] * (len(codes) % 2)
    data = bytes(low | high << 4 for low, high in zip(codes[::2], codes[1::2], strict=True))
    parts = [data[at : at + 255] for at in range(0, len(data), 255)]
    return b"\x03" + b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def gif(
    random: np.random.Generator, disposals: tuple[int, ...], opaque: bool
) -> tuple[bytes, list[np.ndarray]]:
    """A GIF of small frames over a full one, and what it shows."""
    data = b"GIF89a" + struct.pack("<HHBBB", WIDTH, HEIGHT, 0x82, 3, 0) + PALETTE.tobytes()
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    shown = []
    for number, disposal in enumerate(disposals):
        top, left = (0, 0) if number == 0 else (int(random.integers(0, 5)), int(random.integers(0, 5)))
        height, width = (HEIGHT, WIDTH) if number == 0 else (5, 6)
        indices = random.integers(0, 8, (height, width))
        data += b"!\xf9\x04" + struct.pack("<BHBB", disposal << 2 | (not opaque), 5, 2, 0)
        data += b"," + struct.pack("<HHHHB", left, top, width, height, 0) + compressed(indices)
        place = canvas[top : top + height, left : left + width]
        before = place.copy()
        drawn = np.full(indices.shape, True) if opaque else indices != 2
        place[drawn] = PALETTE[indices[drawn]]
        shown.append(canvas.copy())
        if disposal in (2, 3):
            place[:] = 0 if disposal == 2 else before
    return data + b";", shown


@pytest.mark.parametrize("opaque", [False, True])
def test_frames_are_disposed_of_as_they_say(opaque: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    random = np.random.default_rng(1)
    for disposals in product(range(4), repeat=3):
        data, shown = gif(random, (*disposals, 0), opaque)
        path.write_bytes(data)
        clip = open_clip(path)
        found = list(clip.frames())
        assert [float(frame.time) for frame in found] == pytest.approx([0, 0.05, 0.1, 0.15])
        np.testing.assert_array_equal([frame.image for frame in found], shown, err_msg=str(disposals))
        assert clip.damage is None


def test_a_gif_that_is_cut_off_or_damaged_has_its_whole_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    data, shown = gif(np.random.default_rng(2), (1, 2, 3), False)
    frames, is_whole = whole_frames(data)
    assert (len(frames), is_whole, whole_frames(data[:-1])[1]) == (3, True, True)
    for cut in range(len(data)):
        whole, _ = whole_frames(data[:cut])
        assert whole == frames[: len(whole)]
    path.write_bytes(data[:-10])
    clip = open_clip(path)
    np.testing.assert_array_equal([frame.image for frame in clip.frames()], shown[:2])
    assert clip.damage
    # A frame of the size of a city.
    start = frames[2].start + 5
    path.write_bytes(data[:start] + b"\xff\xff\xff\xff" + data[start + 4 :])
    clip = open_clip(path)
    assert clip.damage is None or "damaged" in clip.damage
