"""What the evaluation reads off its runs, and how it shows them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autogaze_train import evaluation
from autogaze_train.evaluation import (
    METHODS,
    REQUIREMENTS,
    Named,
    at_ratios,
    averages,
    complete,
    evaluate,
    real,
)
from autogaze_train.measure import BASELINES, accumulate, baseline_run
from autogaze_train.motion_baseline import MOTION
from autogaze_train.policies import GRID, cells_of
from autogaze_train.report import plot, table
from autogaze_train.requirement import choose
from autogaze_web.frames.rgba import as_frame


def curve(ratios: list[float]) -> list[dict[str, float]]:
    return [
        {"ratio": ratio, **{method: 20 + 10 * ratio + i for i, method in enumerate(METHODS)}}
        for ratio in ratios
    ]


def test_values_are_read_between_runs_and_only_where_runs_reach() -> None:
    at = at_ratios([curve([0.05, 0.15, 0.45]), curve([0.3, 0.9])])
    assert at["0.1"]["AutoGaze"] == pytest.approx(21)  # the second clip begins beyond it
    assert at["0.4"]["patch-diff"] == pytest.approx(25)
    assert at_ratios([curve([0.9, 1.0])])["0.2"] == dict.fromkeys(METHODS)


def test_a_clip_that_any_choice_shows_without_a_visible_fault_says_nothing() -> None:
    still = [{"ratio": 0.2, **dict.fromkeys(METHODS, 61.0)}]
    assert at_ratios([still])["0.2"] == dict.fromkeys(METHODS)
    assert at_ratios([still, curve([0.2])]) == at_ratios([curve([0.2])])
    worth = [{**still[0], "random": 49.0}]
    assert at_ratios([worth])["0.2"]["AutoGaze"] == 61


def test_the_clips_of_each_kind_are_measured_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = [[np.full((1, 1, 4), value, np.uint8)] for value in (1, 2, 6)]

    def measure(job: tuple[Path, list[np.ndarray]]):
        value = int(job[1][0][0, 0, 0])
        means = {"tokens": float(value), "ratio": 0.1, "psnr": 30.0}
        return curve([0.1 * value, 0.5]), dict.fromkeys(REQUIREMENTS, means)

    monkeypatch.setattr(evaluation, "_measure", measure)
    said: list[str] = []
    results = evaluate(Path("model"), [Named("pan", clips[:2]), Named("cut", clips[2:])], said.append)
    assert [kind["clips"] for kind in results["kinds"].values()] == [2, 1]
    assert results["kinds"]["pan"]["requirements"]["0.7"]["tokens"] == 1.5
    assert results["kinds"]["cut"]["requirements"]["0.7"]["tokens"] == 6
    assert results["requirements"]["0.7"]["tokens"] == 3.75, "kinds count alike"
    assert [row[0]["ratio"] for row in results["kinds"]["pan"]["runs"]] == [0.1, 0.2]
    assert said[0].startswith("pan: 10% 21.0 dB")


def test_a_record_is_completed_only_by_the_same_model_on_the_same_clips(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A record made before block motion was there gets what a new evaluation would say of it."""
    random = np.random.default_rng(0)
    clips = [
        [as_frame(random.integers(0, 256, (56, 56, 3), dtype=np.uint8)) for _ in range(3)] for _ in range(2)
    ]
    named = [Named("pan", clips[:1]), Named("cut", clips[1:])]
    first_cell = 0

    def gaze(_model, _processor, clip, max_tokens: int, _requirement=None):
        return accumulate(clip, [cells_of(np.arange(first_cell, first_cell + max_tokens))] * len(clip))

    monkeypatch.setattr(evaluation, "gaze_run", gaze)
    monkeypatch.setattr(evaluation, "_loaded", lambda _: (None, None))
    whole = evaluate(Path("model"), named, lambda _: None)
    earlier = json.loads(json.dumps(whole))
    for kind in earlier["kinds"].values():
        for row in (*kind["at"].values(), *kind["runs"][0]):
            del row[MOTION]
    assert complete(earlier, Path("model"), named, lambda _: None) == whole
    assert complete(whole, Path("model"), named, lambda _: None) == whole, "nothing is missing"
    with pytest.raises(ValueError, match=r"of other clips, \{'pan': 1, 'cut': 1\}, not \{'pan': 1\}"):
        complete(earlier, Path("model"), named[:1])
    with pytest.raises(ValueError, match=r"another checkpoint or other clips: .* a clip of pan"):
        complete(earlier, Path("model"), [Named("pan", clips[1:]), Named("cut", clips[:1])])
    first_cell = 100
    with pytest.raises(ValueError, match="another checkpoint or other clips: with 6 tokens"):
        complete(earlier, Path("model"), named)


@pytest.mark.parametrize(("length", "starts"), [(10, [0, 4]), (8, [0, 4]), (3, [0])])
def test_a_real_video_is_cut_into_clips_in_a_row(tmp_path: Path, length: int, starts: list[int]) -> None:
    for t in range(length):
        Image.new("RGB", (16, 16), (20 * t,) * 3).save(tmp_path / f"{t:04}.jpg")
    clips = real("trial", tmp_path, 4).clips
    shown = [[round(float(frame[0, 0, 0]) / 20) for frame in clip] for clip in clips]
    assert shown == [list(range(start, min(start + 4, length))) for start in starts]


def test_table_and_plot_show_what_was_reached() -> None:
    kinds = {"pan": at_ratios([curve([0.05, 0.5])]), "noise": at_ratios([curve([1.0])])}
    results = {
        "ratios": [0.1, 0.2, 0.4],
        "kinds": {kind: {"at": at} for kind, at in kinds.items()},
        "requirements": {"0.7": {"tokens": 3.0, "ratio": 0.25, "psnr": 31.0}},
    }
    assert averages(results)["0.2"]["AutoGaze"] == pytest.approx(22)
    text = table(results)
    assert "| pan | 10% | 21.0 | 22.0 | 23.0 | 24.0 | 25.0 | **26.0** |" in text
    assert "| noise | not reached |" in text
    assert "| 0.7 | 3.0 | 25.0% | 31.0 |" in text
    drawn = ElementTree.fromstring(plot(results))
    titles = [node.text for node in drawn.iter() if node.get("font-weight") == "bold"]
    assert titles == ["pan"]


def test_baselines_write_at_least_as_many_pixels_and_not_a_cell_more() -> None:
    stream = np.random.default_rng(0)
    clip = [as_frame(stream.integers(0, 256, (70, 98, 3), dtype=np.uint8)) for _ in range(4)]
    own = accumulate(clip, [cells_of(np.arange(count)) for count in (0, 10, 40, 3)])
    cell = 70 * 98 // GRID**2
    for name in BASELINES:
        other = baseline_run(name, clip, own.pixels)
        for wanted, written in zip(own.pixels[1:], other.pixels[1:], strict=True):
            assert wanted <= written < wanted + cell + 1


def test_the_requirement_with_the_fewest_tokens_is_chosen_that_is_good_enough() -> None:
    measured = {value: {"psnr": psnr} for value, psnr in ((0.5, 34.0), (0.7, 30.0), (0.8, 29.9), (0.9, 28.0))}
    assert choose(measured, 30.0) == 0.7
    assert choose(measured, 20.0) == 0.7
    assert choose(measured, 20.0, at_most=1.0) == 0.9
    with pytest.raises(ValueError, match=r"at 40.0 dB: the best has 34.0 dB"):
        choose(measured, 40.0)
