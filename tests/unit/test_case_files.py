"""Files from the field, with the right answer for each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from autogaze_web.cli.main import main
from autogaze_web.files.clip import VideoError
from autogaze_web.files.video import open_clip

CASES = Path(os.environ.get("AUTOGAZE_CASES", Path(__file__).parents[2] / ".." / "shared" / "cases"))
HOW_TO = (
    "NOT CHECKED: the files from the field are not here. "
    "Set AUTOGAZE_CASES to the folder with media and hostile."
)

pytestmark = pytest.mark.skipif(not (CASES / "media").is_dir(), reason=HOW_TO)


def case(name: str) -> Path:
    return next(CASES.glob(f"*/{name}"))


@pytest.mark.parametrize(
    ("name", "count", "last", "size"),
    [
        ("gum_vp8.webm", 15, 2.637, (480, 640)),
        ("vfr.mp4", 60, 5.967, (240, 320)),
        ("cut.mp4", 92, 3.1, (240, 320)),
        ("f30.mp4", 60, 1.967, (48, 64)),
        ("skydio.mp4", 60, 1.967, (240, 320)),
        ("anamorphic.mp4", 25, 0.96, (576, 1047)),
        ("alpha.webm", 30, 0.967, (240, 320)),
        ("red.mkv", 5, 0.8, (720, 1280)),
        ("anim.webp", 20, 1.9, (120, 160)),
        ("photo_noext", 1, 0, (200, 300)),
        ("mr_resize.webm", 69, 3.399, (240, 320)),
        ("mr.mp4", 69, 3.403, (240, 320)),
        ("slow_1perhour.mp4", 10, 32400, (120, 160)),
        ("flat.mkv", 5, 0.16, (1, 4000)),
        ("sizechange.ts", 99, 3.92, (120, 160)),
    ],
)
def test_frames_times_and_size(name: str, count: int, last: float, size: tuple[int, int]) -> None:
    clip = open_clip(case(name))
    frames = list(clip.frames())
    assert len(frames) == count
    times = [float(frame.time) for frame in frames]
    assert times[0] == 0
    assert times == sorted(times)
    assert times[-1] == pytest.approx(last, abs=1e-3)
    assert {frame.image.shape[:2] for frame in frames} == {size}
    assert clip.damage is None


@pytest.mark.parametrize(("name", "count"), [("trunc_fast.mp4", 104), ("trunc.webm", 70)])
def test_cut_files_are_traced_as_far_as_they_go(
    name: str, count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", str(case(name)), "--json", str(tmp_path / "trace.json")]) == 3
    trace = json.loads((tmp_path / "trace.json").read_text())
    assert len(trace["frames"]) == count
    (line,) = capsys.readouterr().err.splitlines()
    assert f"is damaged after {count} frames" in line


def test_a_rate_that_the_file_does_not_have_is_null(tmp_path: Path) -> None:
    out = tmp_path / "trace.json"
    for name in ("gum_vp8.webm", "mr_resize.webm", "anim.webp", "photo_noext"):
        assert main(["trace", str(case(name)), "--json", str(out)]) == 0
        assert json.loads(out.read_text())["video"]["frames_per_second"] is None


def test_a_cover_alone_is_refused() -> None:
    with pytest.raises(VideoError, match="its only picture is a cover"):
        open_clip(case("song.m4a"))


@pytest.mark.parametrize(("name", "last", "seconds"), [("gum_vp8.webm", 2.637, 2.73), ("vfr.mp4", 5.967, 6)])
def test_a_rendering_lasts_as_long_as_the_clip(
    name: str, last: float, seconds: float, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    assert main(["render", str(case(name)), "--panel-height", "48", "--out", str(out)]) == 0
    with av.open(str(out)) as container:
        assert container.duration / 1e6 == pytest.approx(seconds, abs=0.01)
        assert [frame.time for frame in container.decode(video=0)][-1] == pytest.approx(last, abs=1e-3)


def test_a_gif_lasts_two_seconds(tmp_path: Path) -> None:
    out = tmp_path / "out.gif"
    assert main(["render", str(case("f30.mp4")), "--panel-height", "48", "--out", str(out)]) == 0
    with Image.open(out) as gif:
        durations = []
        for index in range(gif.n_frames):
            gif.seek(index)
            durations.append(gif.info["duration"])
    assert sum(durations) == 2000


@pytest.mark.parametrize("height", [240, 720])
def test_red_stays_red(height: int, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    assert main(["render", str(case("red.mkv")), "--panel-height", str(height), "--out", str(out)]) == 0
    red, shown = (next(iter(open_clip(path).frames())).image for path in (case("red.mkv"), out))
    assert np.abs(shown[height // 2, 10].astype(int) - red[360, 40]).max() <= 2


def measured(*arguments: str | Path) -> tuple[int, str, int]:
    """Status, stderr and peak memory in MB of a run of the command line."""
    code = (
        "import sys; from pathlib import Path; from autogaze_web.cli.main import main; "
        "status = main(sys.argv[1:]); lines = Path('/proc/self/status').read_text().splitlines(); "
        "print(*(line.split()[1] for line in lines if line.startswith('VmHWM')), file=sys.stderr); "
        "sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    *lines, memory = done.stderr.splitlines()
    return done.returncode, "\n".join(lines), int(memory) // 1024


def test_a_picture_that_lies_about_its_size_is_refused_at_once() -> None:
    status, error, memory = measured("trace", case("lie16k.gif"))
    assert (status, memory < 200) == (2, True)
    assert "too large" in error


def test_memory_does_not_follow_extreme_shapes_or_lengths(tmp_path: Path) -> None:
    for suffix in ("png", "mp4", "gif"):
        status, _, memory = measured("render", case("flat.mkv"), "--out", tmp_path / f"flat.{suffix}")
        assert (status, memory < 300) == (0, True)
    for suffix in ("png", "gif"):
        out = tmp_path / f"long.{suffix}"
        options = ["render", case("long1500.mp4"), "--panel-height", "48", "--out", out]
        short, long = (measured(*options, "--frames", frames)[2] for frames in ("80", "640"))
        assert long < 1.5 * short


def test_hours_between_frames_are_kept(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    assert main(["render", str(case("slow_1perhour.mp4")), "--panel-height", "48", "--out", str(out)]) == 0
    with av.open(str(out)) as container:
        assert container.duration / 1e6 == pytest.approx(36000)
