"""The oracle's cases notice every broken rule, so they would notice a mistake of ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import oracle
import pytest
from broken_rules import BREAKAGES, Breakage, forget_layouts

from autogaze_web import AutoGaze
from autogaze_web.model.checkpoint import Checkpoint
from autogaze_web.model.run import NotFiniteError

CASES = ("generate_16", "many_pads_16", "batch_3", "per_frame_controls_4", "loss_only_3")


def noticing_cases(checkpoint: Checkpoint) -> list[str]:
    """The cases whose tokens differ; sessions are made anew, since a rule may be part of the graph."""
    model = AutoGaze(checkpoint)
    noticed = []
    for name in CASES:
        case = oracle.read("tiny", name)
        try:
            gaze = model.generate(oracle.video_of(case), **case["request"])
        except NotFiniteError:  # a chosen token that is not a cell
            noticed.append(name)
            continue
        slots = gaze.gazing_pos.tolist(), gaze.if_padded_gazing.astype(int).tolist()
        if slots != (case["expected"]["gazing_pos"], case["expected"]["if_padded_gazing"]):
            noticed.append(name)
    return noticed


@pytest.fixture(scope="module")
def checkpoint(folder: Callable[[str], Path]) -> Checkpoint:
    return Checkpoint.from_folder(folder("tiny"))


def test_nothing_broken_nothing_noticed(checkpoint: Checkpoint) -> None:
    assert noticing_cases(checkpoint) == []


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.__name__)
def test_a_broken_rule_is_noticed(
    breakage: Breakage, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    breakage(monkeypatch)
    forget_layouts()
    try:
        assert noticing_cases(checkpoint) != []
    finally:
        forget_layouts()


def test_a_requirement_that_is_met_exactly_stops(checkpoint: Checkpoint) -> None:
    """Rule 5 is inclusive; no recorded margin is zero, so the requirement is taken from a prediction."""
    model = AutoGaze(checkpoint)
    video = oracle.video_of(oracle.read("tiny", "generate_4"))[:, :1]
    free = model.generate(video, gazing_ratio=1)
    assert free.task_loss_prediction is not None
    requirement = float(free.task_loss_prediction[0, 1])
    assert (free.task_loss_prediction[0, :3] == np.float32(requirement)).sum() == 1
    gaze = model.generate(video, gazing_ratio=1, task_loss_requirement=requirement)
    assert gaze.if_padded_gazing[0, 1]
