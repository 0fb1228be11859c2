"""`autogaze-web check`: a checkpoint against what NVIDIA's QUICK_START prints."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import oracle
import pytest

from autogaze_web import AutoGaze, AutoGazeImageProcessor
from autogaze_web.cli import check as command
from autogaze_web.cli.main import main
from autogaze_web.native import sources
from autogaze_web.native.example_check import check_example, expected, expected_counts

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


def test_of_the_built_in_model_it_says_that_this_was_to_be_expected(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check", "--model", str(BUILT_IN)]) == command.DIFFERS
    head, wanted, found, verdict = capsys.readouterr().out.splitlines()
    assert head == "NVIDIA's example clip, 16 frames, gazing ratio 0.75, task loss requirement 0.7"
    assert wanted == f"expected: {expected_counts()}"
    assert found.startswith("model: ")
    assert verdict == (
        "It does not hold. Frame 1 has 10 slots instead of 198. "
        "That was to be expected unless these are NVIDIA's released weights."
    )


class Session:
    """A model that answers with these tokens of each frame: slots, and how many of them are real."""

    def __init__(self, frames: list[tuple[int, int]]) -> None:
        self.frames = frames

    def __call__(self, inputs: dict[str, Any], **options: float) -> SimpleNamespace:
        assert inputs["video"].shape[:2] == (1, 16)
        assert options == {"gazing_ratio": 0.75, "task_loss_requirement": 0.7}
        padded = [np.arange(slots) >= real for slots, real in self.frames]
        return SimpleNamespace(
            if_padded_gazing=np.concatenate(padded)[None],
            num_gazing_each_frame=np.array([slots for slots, _ in self.frames]),
        )


RELEASED = [(198, 198), *[(10, 1)] * 15]


@pytest.mark.parametrize(
    ("frames", "name", "status", "verdict"),
    [
        (RELEASED, "nvidia/AutoGaze", command.HOLDS, "It holds: this model chooses as many"),
        (
            [*RELEASED[:6], (11, 1), *RELEASED[7:]],
            "nvidia/AutoGaze",
            command.DIFFERS,
            "It does not hold. Frame 7 has 11 slots instead of 10. These are NVIDIA's weights, so it should",
        ),
        (
            [*RELEASED[:6], (10, 2), (9, 1), *RELEASED[8:15], (9, 1)],
            "somebody/else",
            command.DIFFERS,
            "It does not hold. Frame 8 has 9 slots instead of 10, and 1 more frame differs. That was to be",
        ),
        (
            [*RELEASED[:15], (10, 2)],
            "somebody/else",
            command.DIFFERS,
            "It does not hold. Every frame has its slots, but 214 are real instead of 213. That was to be",
        ),
    ],
)
def test_it_says_whether_it_holds_and_which_frame_differs(
    frames: list[tuple[int, int]],
    name: str,
    status: int,
    verdict: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    processor = AutoGazeImageProcessor.from_pretrained(BUILT_IN)
    loaded = SimpleNamespace(model=Session(frames), processor=processor)
    monkeypatch.setattr(sources.LoadedModel, "load", lambda *_: loaded)
    assert main(["check", "--model", name]) == status
    assert capsys.readouterr().out.splitlines()[-1].startswith(verdict)


def test_patch_diff_has_nothing_to_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--model", "patch-diff"]) == 2
    assert "patch-diff has no model to check" in capsys.readouterr().err
