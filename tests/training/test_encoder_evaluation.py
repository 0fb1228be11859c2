"""What the encoder's evaluation measures, and how it shows it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the tests of training need torch: pip install --group dev")

from autogaze_train.encoder_evaluation import (
    METHODS,
    SHARES,
    Models,
    as_bytes,
    chooser,
    evaluate_encoder,
    rebuild,
)
from autogaze_train.encoder_report import encoder_averages, encoder_table
from autogaze_train.evaluation import Named
from autogaze_train.report import COLOURS, plot
from autogaze_web.files.video import read_frames
from autogaze_web.frames.rgba import Rgba, as_frame

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT / "site" / "encoder", ROOT / "site" / "model")


@pytest.fixture(scope="module")
def models() -> Models:
    return Models.of(*FOLDERS, threads=1)


@pytest.fixture(scope="module")
def clip() -> list[Rgba]:
    return [as_frame(frame) for frame in read_frames(ROOT / "tests" / "data" / "example_input.webm", 3)]


def test_the_shipped_encoder_is_small_and_rebuilds_a_real_frame(models: Models, clip: list[Rgba]) -> None:
    files = list((ROOT / "site" / "encoder").iterdir())
    assert sum(path.stat().st_size for path in files) <= 6_000_000
    whole = rebuild(models, clip, chooser("all", models, clip, 0))
    assert whole.tokens == 265
    assert whole.psnr > 30
    gazed = rebuild(models, clip, chooser("AutoGaze", models, clip, 26))
    assert gazed.tokens == 26
    assert 15 < gazed.psnr < whole.psnr
    # The error is that of the bytes that are returned.
    given = np.stack([as_bytes(frame) for frame in models.pixels(np.stack(clip)[..., :3])])
    error = np.square(whole.frames.astype(float) - given).mean()
    assert whole.psnr == pytest.approx(10 * np.log10(255**2 / error))


@pytest.mark.parametrize("method", METHODS)
def test_every_way_of_choosing_gets_the_same_number_of_different_tokens(
    models: Models, clip: list[Rgba], method: str
) -> None:
    choose = chooser(method, models, clip, 53)
    for t in range(3):
        ids = choose(t)
        assert len(set(ids.tolist())) == ids.size == 53
        assert 0 <= ids.min() <= ids.max() < 265
    if method == "patch-diff":
        assert ids.min() >= 69, "of the finest scale alone"


def test_results_are_averaged_shown_and_drawn(clip: list[Rgba]) -> None:
    said: list[str] = []
    results = evaluate_encoder(FOLDERS, [Named("real: one", [clip[:2]])], said.append)
    assert results["tokens"] == {"0.05": 13, "0.1": 26, "0.2": 53, "0.4": 106}
    assert said[0].startswith("real: one: all ")
    kind = results["kinds"]["real: one"]
    assert kind["page"]["tokens"] <= 16
    assert kind["page"]["with keyframe"] > kind["page"]["psnr"]
    assert kind["at"]["0.4"]["random"] > kind["at"]["0.05"]["random"]
    other = {**kind, "at": {share: {m: v + 2 for m, v in row.items()} for share, row in kind["at"].items()}}
    both = {**results, "kinds": {"one": kind, "two": other}}
    mean = encoder_averages(both)["0.1"]["AutoGaze"]
    assert mean == pytest.approx(kind["at"]["0.1"]["AutoGaze"] + 1, abs=0.01)
    text = encoder_table(both)
    assert f"| one | {kind['all tokens']:.1f} | 13 (5%) |" in text
    assert len([line for line in text.splitlines() if line.startswith("|")]) == 2 + 3 * len(SHARES) + 2 + 2
    svg = plot(both, {method: COLOURS[method] for method in METHODS})
    root = ElementTree.fromstring(svg)
    assert len([each for each in root.iter() if each.get("stroke-width") == "2.5"]) == 3 + 2 * 3
