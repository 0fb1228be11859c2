"""docs/architecture.md: its tables name files that exist, and its picture is drawn from them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))

import draw_architecture as drawing  # noqa: E402

FLOWS = drawing.flows_of(drawing.DOCUMENT.read_text(encoding="utf-8"))


def test_it_follows_a_frame_and_a_models_bytes() -> None:
    assert len(FLOWS) == 2
    for flow in FLOWS:
        assert [step.number for step in flow.steps] == list(range(1, len(flow.steps) + 1))
        assert len(flow.steps) >= 6


@pytest.mark.parametrize("step", [step for flow in FLOWS for step in flow.steps], ids=lambda step: step.name)
def test_every_step_names_files_that_exist(step: drawing.Step) -> None:
    assert step.files
    for path in step.files:
        assert (ROOT / path).exists(), f"{step.name} names {path}"


def test_the_picture_is_the_one_of_the_tables() -> None:
    assert drawing.PICTURE.read_text(encoding="utf-8") == drawing.svg_of(FLOWS), (
        "docs/architecture.md has changed: run python docs/draw_architecture.py"
    )
