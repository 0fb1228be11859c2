"""What a batch will take, and which limits a video needs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from autogaze_web.batch.preflight import Sample, VideoPlan, estimate, total
from autogaze_web.batch.sweep import Point, Setting, ssim, with_frontier
from autogaze_web.cli.main import main
from autogaze_web.files.mp4_writer import write_mp4
from autogaze_web.live.pipeline import synthetic_frames

MODEL = Path(__file__).parents[2] / "site" / "model"


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    frames = np.stack([frame[..., :3].copy() for frame in synthetic_frames("synthetic-pan", 64, 300, 5)])
    write_mp4(tmp_path / "clip.mp4", frames, 10)
    return tmp_path / "clip.mp4"


def test_a_plan_agrees_with_the_run(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (clip.parent / "bad.mp4").write_bytes(b"no video")
    flags = ["--model", str(MODEL), "--max-tokens", "7", "--task-loss", "off", "--tiles"]
    assert main(["plan", str(clip.parent), *flags, "--json"]) == 1
    said = capsys.readouterr()
    assert "failed: bad.mp4: " in said.err
    plan = json.loads(said.out)
    bad, good = plan["videos"]
    assert bad["message"]
    assert (good["width"], good["height"], good["frames"], good["tiles"]) == (300, 64, 5, 2)
    assert good["most_tokens"] == good["tokens"] == plan["total"]["tokens"] == 5 * 2 * 7
    assert main(["batch", str(clip), *flags, "--out", "out"]) == 0
    written = sum(path.stat().st_size for path in Path("out").glob("clip*"))
    assert 0.5 < good["output"] / written < 2

    assert main(["plan", str(clip), "--every", "2", "--frames", "2"]) == 0
    assert [line.split()[:3] for line in capsys.readouterr().out.splitlines()[-2:]] == [
        ["clip.mp4", "300x64", "2"],
        ["total", "2", "2"],
    ]


def test_totals_of_several_workers() -> None:
    plans = [estimate(VideoPlan("a", 10, 10, frames), Sample(1.0, 2, 3)) for frames in (1, 2, 5)]
    whole = total([*plans, VideoPlan("b", message="why")], 4)
    assert (whole.frames, whole.tokens, whole.output) == (8, 16, 24)
    assert whole.seconds == 5  # of the longest one
    assert whole.memory == 4 * plans[2].memory


def test_a_sweep_writes_table_json_and_chart(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--model", str(MODEL), "--ratios", "0.02,0.2", "--requirements", "off,0.7", "--budgets", "16"]
    assert main(["sweep", str(clip), *flags, "--frames", "4", "--out", "swept"]) == 0
    with Path("swept.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["ratio"], row["budget"], row["requirement"]) for row in rows] == [
        *(("0.02", "", ""), ("0.02", "", "0.7"), ("0.2", "", ""), ("0.2", "", "0.7"), ("", "16", "")),
    ]
    assert [float(rows[index]["tokens"]) for index in (0, 2, 4)] == [5, 53, 16]
    document = json.loads(Path("swept.json").read_text())
    assert len(document["points"]) == 5
    assert document["suggested"]["on_frontier"]
    for point in document["points"]:
        counts, values = zip(*point["curve"], strict=True)
        assert (counts[0], counts[-1]) == (0, max(counts))
        assert list(values) == sorted(values)
        # With all of a frame's tokens, the curve ends where the frame does.
        assert values[-1] == pytest.approx(point["psnr"], abs=1e-3)
    chart = ElementTree.parse("swept.svg").getroot()
    assert len(chart.findall("{*}circle")) == 5
    assert len(chart.findall("{*}polyline")) == 2
    assert "suggested: " in "".join(chart.itertext())
    assert capsys.readouterr().out.count("*") == 2


def test_the_frontier_has_a_knee() -> None:
    def point(tokens: float, psnr: float) -> Point:
        return Point(Setting(None, 1, None), tokens, 0.1, psnr, 0.9, 1.0)

    marked = with_frontier([point(1, 20), point(10, 30), point(11, 29), point(100, 32), point(10, 25)])
    assert [each.on_frontier for each in marked] == [True, True, False, True, False]
    assert [each.suggested for each in marked] == [False, True, False, False, False]
    assert with_frontier([point(1, 20)])[0].suggested


def test_ssim_falls_with_noise() -> None:
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (40, 52, 3), dtype=np.uint8)
    near = np.clip(image.astype(int) + random.integers(-9, 10, image.shape), 0, 255).astype(np.uint8)
    assert ssim(image, image) == pytest.approx(1)
    assert ssim(image, random.permutation(image)) < ssim(image, near) < 1
    assert ssim(image[:3, :5], image[:3, :5]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sweep", "clip.mp4"], "a sweep measures the limits of a model: give --model"),
        (["sweep", "clip.mp4", "--model", "M", "--ratios", "2"], "expected numbers of 0 to 1"),
        (["sweep", "clip.mp4", "--model", "M", "--requirements", "nan"], "expected numbers of at least 0"),
        (["sweep", "clip.mp4", "--model", "M", "--budgets", ",", "--ratios", ","], "a sweep needs a setting"),
        (["sweep", "clip.mp4", "--model", "M", "--frames", "1"], "a sweep needs at least two frames"),
        (["sweep", "clip.mp4", "--model", "M", "--out", "gone/x"], "there is no folder gone"),
        (["plan", "gone.mp4"], "there is no file or folder gone.mp4"),
        (["plan", "clip.mp4", "--workers", "0"], "expected a whole number of 1 to"),
        (["plan", "clip.mp4", "--out", "folder"], "unrecognized arguments: --out folder"),
        (["trace", "clip.mp4", "--model", "M", "--device", "cuda"], "needs ONNX Runtime's CUDA provider"),
    ],
)
@pytest.mark.usefixtures("clip")
def test_wrong_arguments_end_in_a_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main([str(MODEL) if word == "M" else word for word in words])
    except SystemExit as stop:
        status = int(stop.code or 0)
    assert status == 2
    assert sentence in capsys.readouterr().err
