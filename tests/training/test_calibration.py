"""How near the predicted task losses are: two ways to measure it agree, and the record is complete."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_model import SHIPPED

pytest.importorskip("torch", reason="the tests of training need torch: pip install --group dev")

import torch

from autogaze_train.__main__ import main
from autogaze_train.calibration import calibrate, relative_errors
from autogaze_train.diagnosis import diagnose
from autogaze_train.evaluation import Named
from autogaze_train.export import load_network
from autogaze_web.files.video import read_frames
from autogaze_web.frames.rgba import as_frame
from autogaze_web.model.processor import AutoGazeImageProcessor
from autogaze_web.native.autogaze import AutoGaze

ROOT = Path(__file__).parents[2]


def test_the_shipped_model_is_measured_as_the_network_that_is_trained() -> None:
    image = next(iter(read_frames(ROOT / "tests" / "data" / "example_input.webm", 1)))
    pixels = [np.ascontiguousarray(image[100:324, 6 * t : 6 * t + 224]) for t in range(3)]
    clip = [as_frame(frame) for frame in pixels]
    model, processor = AutoGaze.from_pretrained(SHIPPED), AutoGazeImageProcessor.from_pretrained(SHIPPED)
    errors = relative_errors(model, processor, clip)
    torch.set_num_threads(1)
    batch = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2)[None]
    trained = diagnose(load_network(SHIPPED, "cpu"), batch)["all"]
    assert len(errors) == 2 * 80
    assert np.median(errors) == pytest.approx(trained["calibration"], abs=2e-3)
    said: list[str] = []
    found = calibrate(SHIPPED, [Named("pan", [clip]), Named("still", [clip[:1] * 3])], said.append)
    assert found["pan"] == {"median": pytest.approx(np.median(errors), abs=1e-3), "compared": 160}
    assert found["still"] == {"median": None, "compared": 0}, (
        "where nothing is wrong there is nothing to predict"
    )
    assert len(said) == 2


def test_the_record_is_of_the_kinds_of_the_evaluation() -> None:
    folder = ROOT / "docs" / "checkpoint"
    record = json.loads((folder / "calibration.json").read_text("utf-8"))
    evaluation = json.loads((folder / "evaluation.json").read_text("utf-8"))
    assert record.keys() == evaluation["kinds"].keys()
    for kind in ("pan", "zoom", "rotation", "handheld", "objects-and-camera", "real: bikes"):
        assert record[kind]["median"] < 0.15, kind


@pytest.mark.parametrize("command", ["calibrate", "diagnose"])
def test_without_clips_nothing_is_measured_and_an_earlier_record_stays(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "calibration.json"
    record.write_text("measured before")
    out = ["--out", str(tmp_path)] if command == "calibrate" else []
    monkeypatch.setattr(sys, "argv", ["autogaze_train", command, "--model", str(SHIPPED), *out])
    with pytest.raises(SystemExit, match="give --corpus, --video or both"):
        main()
    assert record.read_text() == "measured before"
