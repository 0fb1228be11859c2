"""The comparison on the page's sample clips: what it measures, and the record in docs/checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_model import SHIPPED

from autogaze_train.measure import accumulate
from autogaze_train.sample_comparison import (
    PAGE,
    PAGE_WIDTH,
    compared,
    mean_psnr,
    page_frames,
    samples_table,
)
from autogaze_web.files.video import read_frames
from autogaze_web.frames.rgba import Rgba, as_frame
from autogaze_web.live.comparison import RIVALS, Comparison, ComparisonSettings
from autogaze_web.live.settings import LiveSettings
from autogaze_web.masks.update_plan import plan_update
from autogaze_web.native.sources import GazeSettings, LoadedModel, gaze_source

ROOT = Path(__file__).parents[2]
CARD = ROOT / "docs" / "checkpoint"


@pytest.fixture(scope="module")
def loaded() -> LoadedModel:
    return LoadedModel.load(SHIPPED, threads=1)


def test_the_width_is_the_page_s() -> None:
    rule = (ROOT / "web" / "sources" / "working_size.mjs").read_text("utf-8")
    assert f"export const PROCESSOR_WIDTH = {PAGE_WIDTH};" in rule


def panning(count: int) -> list[Rgba]:
    image = next(iter(read_frames(ROOT / "tests" / "data" / "example_input.webm", 1)))
    return [as_frame(np.ascontiguousarray(image[100:228, 4 * t : 4 * t + 160])) for t in range(count)]


def test_a_clip_is_measured_as_the_page_shows_it(loaded: LoadedModel) -> None:
    frames = panning(4)
    row = compared(loaded, frames)
    source = gaze_source(loaded, GazeSettings.of({"max-tokens": 16, "task-loss-requirement": 0.7}))
    run = accumulate(frames, [source.choose(frame).cells for frame in frames])
    assert row["frames"] == 4
    assert row["tokens"] == pytest.approx(run.tokens, abs=0.01)
    assert row["ratio"] == pytest.approx(run.ratio, abs=1e-4)
    assert row["AutoGaze"] == pytest.approx(run.psnr, abs=0.01)
    for name in RIVALS:
        rival = Comparison(ComparisonSettings(name), LiveSettings())  # type: ignore[arg-type]
        source = gaze_source(loaded, GazeSettings.of(PAGE))
        decibels = []
        for frame in frames:
            cells = source.choose(frame).cells
            pixels = plan_update(cells, *frame.shape[:2]).pixels().sum()
            decibels.append(rival.step(frame, cells, int(pixels)).psnr)
        assert row[name] == pytest.approx(mean_psnr(decibels[1:]), abs=0.01), "at as many pixels"
    assert row["block-motion"] > row["random"], "a pan is what it moves"


def test_the_mean_is_that_of_the_errors() -> None:
    assert mean_psnr([30.0, 30.0]) == pytest.approx(30)
    assert mean_psnr([20.0, 80.0]) == pytest.approx(23.01, abs=0.01)


def test_frames_are_as_wide_as_the_pages() -> None:
    assert next(page_frames(ROOT / "site" / "samples" / "talk.webm")).shape == (477, 640, 4)
    assert next(page_frames(ROOT / "site" / "samples" / "screen.webm")).shape == (360, 640, 4)


def test_the_record_is_of_all_clips_with_todays_defaults_and_ahead_of_patch_diff_on_each() -> None:
    record = json.loads((CARD / "samples.json").read_text("utf-8"))
    assert record["options"] == PAGE
    clips = {path.stem for path in (ROOT / "site" / "samples").glob("*.webm")} | {"example_input"}
    assert record["clips"].keys() == clips
    for name, row in record["clips"].items():
        assert set(RIVALS) < row.keys()
        assert row["AutoGaze"] > max(row["patch-diff"], row["random"]), name
    assert (CARD / "samples.md").read_text("utf-8") == samples_table(record)
