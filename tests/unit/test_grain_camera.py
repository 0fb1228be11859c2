from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import grain_camera
import numpy as np
import pytest

WIDTH, HEIGHT = 320, 180


def frames_of(path: Path, width: int, height: int) -> tuple[bytes, np.ndarray, np.ndarray]:
    """The header of a file, and the brightness and the colours of its frames."""
    header, content = path.read_bytes().split(b"\n", 1)
    pixels = width * height
    parts = np.frombuffer(content, np.uint8).reshape(-1, len(b"FRAME\n") + pixels * 3 // 2)
    assert {bytes(part[:6]) for part in parts} == {b"FRAME\n"}
    return header, parts[:, 6 : 6 + pixels].reshape(-1, height, width), parts[:, 6 + pixels :]


def test_grain_of_two_levels_is_on_every_pixel_of_every_frame() -> None:
    frames = [frame.astype(float) for frame in grain_camera.grainy_frames(24, WIDTH, HEIGHT)]
    # Above the moving patch; the file is played over and over, so the first frame follows the last.
    rows = slice(0, HEIGHT // 4)
    for before, after in pairwise([*frames, frames[0]]):
        change = (after - before)[rows]
        # Of two independent deviations of 2; by chance, 14 % of the pixels keep their level.
        assert change.std() == pytest.approx(np.hypot(2, 2), rel=0.05)
        assert (change == 0).mean() < 0.16
        assert abs(change.mean()) < 0.1
        # No lines or areas are left out.
        assert ((change != 0).mean(0) > 0.5).all()
        assert ((change != 0).mean(1) > 0.5).all()


def test_a_patch_of_noise_moves_from_one_side_to_the_other() -> None:
    first, *_, last = (frame.astype(float) for frame in grain_camera.grainy_frames(4, WIDTH, HEIGHT))
    side = HEIGHT // 6
    rows = slice((HEIGHT - side) // 2, (HEIGHT - side) // 2 + side)
    rough = [
        [frame[rows, part].std() for part in (slice(side), slice(-side, None))] for frame in (first, last)
    ]
    assert rough[0][0] > 40 > 20 > rough[0][1]
    assert rough[1][1] > 40 > 20 > rough[1][0]


def test_the_same_camera_is_written_every_time() -> None:
    one, other, seeded = (list(grain_camera.grainy_frames(2, 32, 16, seed)) for seed in (0, 0, 1))
    assert np.array_equal(one, other)
    assert not np.array_equal(one, seeded)


def test_the_program_needs_only_numpy_and_writes_what_the_fake_camera_plays(tmp_path: Path) -> None:
    # -I: nothing of this project can be imported.
    command = [sys.executable, "-I", grain_camera.__file__, str(tmp_path), "64x36", "32x18"]
    done = subprocess.run(
        [*command, "--frames", "3", "--rate", "60"], capture_output=True, text=True, check=True
    )
    assert [Path(line).name for line in done.stdout.split()] == ["camera-64x36.y4m", "camera-32x18.y4m"]
    header, brightness, colours = frames_of(tmp_path / grain_camera.camera_name(64, 36), 64, 36)
    assert header == b"YUV4MPEG2 W64 H36 F60:1 Ip A1:1 C420jpeg"
    assert np.array_equal(brightness, list(grain_camera.grainy_frames(3, 64, 36)))
    assert brightness.min() >= 16
    assert brightness.max() <= 235
    assert (colours == 128).all()


@pytest.mark.parametrize(("size", "count"), [((63, 36), 1), ((64, 35), 1), ((0, 36), 1), ((64, 36), 0)])
def test_sizes_that_no_camera_has_are_refused(tmp_path: Path, size: tuple[int, int], count: int) -> None:
    with pytest.raises(ValueError, match=f"needs frames of even sizes, got {count} of {size[0]}x{size[1]}"):
        grain_camera.write_camera(tmp_path, *size, count)
    assert list(tmp_path.iterdir()) == []
