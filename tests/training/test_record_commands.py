"""The commands that measure a checkpoint: which clips they take, and the records that they leave."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_model import SHIPPED

pytest.importorskip("torch", reason="the tests of training need torch: pip install --group dev")

from autogaze_train import __main__ as command
from autogaze_train import evaluation
from autogaze_train.evaluation import Named
from autogaze_train.measure import accumulate
from autogaze_train.motion_baseline import MOTION
from autogaze_train.policies import cells_of
from autogaze_train.sample_comparison import samples_table
from autogaze_web.frames.rgba import as_frame


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
    monkeypatch.setattr(sys, "argv", ["autogaze_train", *map(str, words)])
    command.main()


def folder_of_pictures(folder: Path, count: int, seed: int = 0) -> Path:
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    wide = random.integers(0, 256, (64, 96, 3), dtype=np.uint8)
    for t in range(count):
        Image.fromarray(wide[:, 4 * t : 4 * t + 64]).save(folder / f"{t:03}.jpg")
    return folder


@pytest.fixture
def fake_gaze(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the model: as many cells as it may choose, the first ones."""

    def gaze(_model, _processor, clip, max_tokens: int, _requirement=None):
        return accumulate(clip, [cells_of(np.arange(max_tokens))] * len(clip))

    monkeypatch.setattr(evaluation, "gaze_run", gaze)
    monkeypatch.setattr(evaluation, "_loaded", lambda _: (None, None))


@pytest.mark.usefixtures("fake_gaze")
def test_evaluate_completes_a_record_by_what_it_lacks_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = folder_of_pictures(tmp_path / "video", 3)
    words = ("evaluate", "--model", SHIPPED, "--video", video, "--frames", 3, "--out", tmp_path)
    record = tmp_path / "evaluation.json"
    run(monkeypatch, *words)
    whole = record.read_text("utf-8")
    earlier = json.loads(whole)
    for kind in earlier["kinds"].values():
        for row in (*kind["at"].values(), *(point for curve in kind["runs"] for point in curve)):
            del row[MOTION]
    record.write_text(json.dumps(earlier), "utf-8")

    measured: set[str] = set()
    rival = evaluation._of_rival

    def noted(method: str, *rest):
        measured.add(method)
        return rival(method, *rest)

    monkeypatch.setattr(evaluation, "_of_rival", noted)
    run(monkeypatch, *words, "--complete", record)
    assert json.loads(record.read_text("utf-8")) == json.loads(whole)
    assert measured == {MOTION}


def test_real_held_out_clips_of_the_corpus_are_measured_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = tmp_path / "corpus"
    for name in ("walk", "bikes"):
        folder_of_pictures(corpus / "held-out" / "clips" / name, 2)
    pan = [as_frame(np.zeros((64, 64, 3), np.uint8))] * 2
    monkeypatch.setattr(command, "rendered", lambda *_: [Named("pan", [pan])])
    monkeypatch.setattr(
        command, "calibrate", lambda _model, clips: {each.kind: len(each.clips) for each in clips}
    )
    video = folder_of_pictures(tmp_path / "video", 2)
    words = ("calibrate", "--model", SHIPPED, "--frames", 2, "--out", tmp_path / "out", "--corpus", corpus)
    run(monkeypatch, *words, "--video", video)
    record = json.loads((tmp_path / "out" / "calibration.json").read_text("utf-8"))
    assert list(record) == ["real: example_input", "real: bikes", "real: walk", "pan"]
    assert set(record.values()) == {1}


def test_the_samples_are_recorded_by_name_with_their_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compared = {"frames": 2, "tokens": 3.0, "ratio": 0.1, "AutoGaze": 30.0}
    rivals = {"patch-diff": 20.0, "random": 10.0, "block-motion": 31.0}
    taken = []

    def measure(_model: Path, samples: list[Path]):
        taken.extend(samples)
        return {"options": {}, "clips": {"a": {**compared, **rivals}}}

    monkeypatch.setattr(command, "compare_samples", measure)
    run(monkeypatch, "compare-samples", "--model", SHIPPED, "--out", tmp_path / "out", "a.webm", "b.webm")
    assert taken == [Path("a.webm"), Path("b.webm")]
    record = json.loads((tmp_path / "out" / "samples.json").read_text("utf-8"))
    table = (tmp_path / "out" / "samples.md").read_text("utf-8")
    assert table == samples_table(record)
    assert table in capsys.readouterr().out
    assert "| a | 3.0 | 10.0% | 30.0 | 20.0 | 10.0 | **31.0** |" in table
