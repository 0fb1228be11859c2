from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autogaze_web.files.video import VideoError, read_frames, video_info, write_mp4


def quadrants() -> np.ndarray:
    """A 96x160 picture with another grey in each quarter."""
    frame = np.zeros((96, 160, 3), np.uint8)
    frame[:48, 80:], frame[48:, :80], frame[48:, 80:] = 80, 160, 240
    return frame


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    write_mp4(path, [quadrants()] * 5, 12.5)
    return path


def test_what_was_written_is_read(clip: Path) -> None:
    assert video_info(clip).frames == 5
    assert video_info(clip).frames_per_second == pytest.approx(12.5)
    frames = list(read_frames(clip))
    assert len(frames) == 5
    for frame in frames:
        assert frame.dtype == np.uint8
        np.testing.assert_allclose(frame.astype(int), quadrants(), atol=40)
        assert np.abs(frame.astype(int) - quadrants()).mean() < 4


def test_a_limit(clip: Path) -> None:
    assert len(list(read_frames(clip, 2))) == 2


@pytest.mark.parametrize(
    ("matrix", "turns"),
    [((0, 1, -1, 0), -1), ((0, -1, 1, 0), 1), ((-1, 0, 0, -1), 2)],
    ids=["clockwise", "counterclockwise", "upside down"],
)
def test_rotation_is_honoured(clip: Path, matrix: tuple[int, int, int, int], turns: int) -> None:
    """Phones store frames as the sensor saw them, and in the track's header how to turn them."""
    data = bytearray(clip.read_bytes())
    start = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (int(value * 65536).to_bytes(4, "big", signed=True) for value in matrix)
    data[start : start + 20] = a + b + bytes(4) + c + d
    clip.write_bytes(data)
    expected = np.rot90(quadrants(), turns)
    frame = next(iter(read_frames(clip)))
    assert frame.shape == expected.shape
    assert np.abs(frame.astype(int) - expected).mean() < 4


def test_files_that_are_no_videos(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(VideoError, match="there is no file"):
        list(read_frames(tmp_path / "none.mp4"))
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(VideoError, match="cannot be read as a video"):
        video_info(tmp_path / "text.mp4")
    (tmp_path / "half.mp4").write_bytes(clip.read_bytes()[:300])
    with pytest.raises(VideoError, match="cannot be read as a video"):
        list(read_frames(tmp_path / "half.mp4"))
    with pytest.raises(VideoError, match="cannot write"):
        write_mp4(tmp_path / "no" / "folder.mp4", [quadrants()], 25)
