"""`autogaze-web check`: a checkpoint against what NVIDIA's QUICK_START prints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import oracle
import pytest

from autogaze_web import AutoGaze, AutoGazeImageProcessor
from autogaze_web.cli import check as command
from autogaze_web.cli.main import main
from autogaze_web.native import example_check
from autogaze_web.native.example_check import GazeCounts, check_example, expected, expected_counts

BUILT_IN = Path(__file__).parents[2] / "site" / "model"


def test_what_is_expected_is_what_quick_start_prints() -> None:
    wanted = expected_counts()
    assert (wanted.slots, wanted.real, wanted.slots_each_frame) == (348, 213, (198, *[10] * 15))
    assert sum(wanted.slots_each_frame) == wanted.slots
    assert (expected()["gazing_ratio"], expected()["task_loss_requirement"]) == (0.75, 0.7)
    assert str(wanted) == "348 slots, 213 of them real; slots of each frame: 198, then 15 times 10"


def test_it_counts_what_the_model_chooses_in_the_clip() -> None:
    processor = AutoGazeImageProcessor.from_pretrained(BUILT_IN)
    model = AutoGaze.from_pretrained(BUILT_IN)
    gaze = model.generate(processor(oracle.frames_224())[None], 0.75, 0.7)
    counts = check_example(model, processor)
    np.testing.assert_array_equal(counts.slots_each_frame, gaze.num_gazing_each_frame)
    assert counts.slots == gaze.gazing_pos.shape[1]
    assert counts.real == sum(len(gaze.cells(frame)) for frame in range(16))


def test_it_says_whether_it_holds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--model", str(BUILT_IN)]) == command.DIFFERS
    head, wanted, found, verdict = capsys.readouterr().out.splitlines()
    assert head == "NVIDIA's example clip, 16 frames, gazing ratio 0.75, task loss requirement 0.7"
    assert wanted == f"expected: {expected_counts()}"
    assert found.startswith("model: ")
    assert verdict.startswith("It does not hold: only NVIDIA's released weights")
    monkeypatch.setattr(example_check, "check_example", lambda *_: GazeCounts(348, 213, (198, *[10] * 15)))
    assert main(["check", "--model", str(BUILT_IN)]) == command.HOLDS
    assert capsys.readouterr().out.splitlines()[-1].startswith("It holds: ")


def test_patch_diff_has_nothing_to_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--model", "patch-diff"]) == 2
    assert "patch-diff has no model to check" in capsys.readouterr().err
