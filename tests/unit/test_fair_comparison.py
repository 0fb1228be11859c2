"""A comparison gives the other mask source as much of each frame as the model chose, and no more."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from autogaze_web import Cells
from autogaze_web.frames.rgba import as_frame
from autogaze_web.frames.synthetic import draw_pan
from autogaze_web.live.comparison import RIVALS, Comparison, ComparisonSettings
from autogaze_web.live.settings import LiveSettings
from autogaze_web.live.view import LiveView
from autogaze_web.masks.block_motion import displacements, predicted
from autogaze_web.masks.patch_diff import PatchDiff, patch_difference
from autogaze_web.masks.update_plan import Lattice, plan_rectangles, plan_update
from autogaze_web.panels.metrics import psnr

HEIGHT, WIDTH = 90, 160
CHOSEN = Cells.of(grid=[4, 14, 14], row=[1, 0, 13], col=[2, 0, 13])


def frames(count: int) -> list[np.ndarray]:
    made = [np.zeros((HEIGHT, WIDTH, 4), np.uint8) for _ in range(count)]
    for index, frame in enumerate(made):
        draw_pan(frame, index)
    return made


@pytest.mark.parametrize("rival", RIVALS)
def test_equal_pixels_are_equal_to_within_a_cell(rival: str) -> None:
    model, comparison = LiveView(), Comparison(ComparisonSettings(rival), LiveSettings())
    cell = 7 * 12  # the largest of a grid of 14 on this frame
    for frame in frames(5):
        ours = model.step(frame, CHOSEN)
        theirs = comparison.step(frame, CHOSEN, ours.mask_pixels)
    assert abs(theirs.mask_pixels - ours.mask_pixels) <= cell
    assert theirs.cells > 3, "its cells are smaller than the model's coarse one"


@pytest.mark.parametrize("rival", RIVALS)
def test_equal_tokens_are_as_many_cells(rival: str) -> None:
    comparison = Comparison(ComparisonSettings(rival, "tokens"), LiveSettings())
    reports = [comparison.step(frame, CHOSEN, 0) for frame in frames(3)]
    assert [report.cells for report in reports[1:]] == [3, 3]


def test_the_cells_that_changed_most_come_first() -> None:
    comparison = Comparison(ComparisonSettings("patch-diff", "tokens"), LiveSettings())
    before = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    after = before.copy()
    after[:6, :11], after[-6:, -11:] = 50, 200
    comparison.step(before, CHOSEN, 0)
    comparison.step(after, Cells.of(14, 0, 0), 0)
    cells = comparison.view.cells
    assert (cells.row.tolist(), cells.col.tolist(), cells.confidence.tolist()) == ([13], [13], [1])
    assert comparison.step(after, CHOSEN, 1000).cells == 0, "nothing changed: nothing to choose"


def noise_in_motion(count: int) -> list[np.ndarray]:
    """A pan by 3 pixels per frame, in which a square is replaced by something new."""
    random = np.random.default_rng(1)
    wide = random.integers(0, 256, (HEIGHT, WIDTH + 3 * count, 4), dtype=np.uint8)
    made = [as_frame(wide[:, 3 * index : 3 * index + WIDTH].copy()) for index in range(count)]
    for frame in made:
        frame[..., 3] = 255
        frame[30:50, 60:90, :3] = random.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    return made


@pytest.mark.parametrize("budget", ["pixels", "tokens", "own"])
def test_block_motion_moves_its_own_output_and_then_takes_what_is_most_wrong(budget: str) -> None:
    comparison = Comparison(ComparisonSettings("block-motion", budget), LiveSettings())  # type: ignore[arg-type]
    output = None
    for frame in noise_in_motion(4):
        report = comparison.step(frame, CHOSEN, 1500)
        cells = comparison.view.cells
        if output is None:
            assert report.keyframe
        else:
            expected = predicted(output, displacements(output, frame))
            scores = patch_difference(expected, frame)
            order = np.argsort(-scores.reshape(-1), kind="stable")
            if budget == "own":
                assert len(cells) == len(PatchDiff()(expected, frame)) > 0
            else:
                assert 0 < len(cells) == {"tokens": 3}.get(budget, len(cells))
            np.testing.assert_array_equal(cells.row * 14 + cells.col, order[: len(cells)])
            inside = plan_update(cells, HEIGHT, WIDTH).pixels()
            np.testing.assert_array_equal(
                comparison.view.output, np.where(inside[..., None], frame, expected)
            )
            assert report.psnr == pytest.approx(psnr(frame, comparison.view.output))
            assert report.updated_pixels == inside.sum(), "what was moved costs nothing"
            assert report.output_box == (0, 0, HEIGHT, WIDTH), "all of the panel may have changed"
        output = comparison.view.output.copy()


def test_block_motion_beats_patch_diff_where_the_picture_only_moves() -> None:
    reports = {}
    for rival in RIVALS:
        comparison = Comparison(ComparisonSettings(rival), LiveSettings())  # type: ignore[arg-type]
        reports[rival] = [comparison.step(frame, CHOSEN, 1500) for frame in noise_in_motion(4)][-1]
    assert reports["block-motion"].psnr > reports["patch-diff"].psnr + 5


def test_what_is_moved_in_a_still_picture_is_measured() -> None:
    """A step of twelve pixels takes block motion two frames: the second of them shows nothing new."""
    x = np.arange(WIDTH + 12)
    ramp = np.broadcast_to((x**2 // 130).astype(np.uint8)[None, :, None], (HEIGHT, WIDTH + 12, 3))
    comparison = Comparison(ComparisonSettings("block-motion", "tokens"), LiveSettings())
    qualities = []
    for left in (0, 12, 12):
        frame = as_frame(np.ascontiguousarray(ramp[:, left : left + WIDTH]))
        report = comparison.step(frame, Cells.none(), 0)
        qualities.append(psnr(frame, comparison.view.output))
        assert report.keyframe or report.psnr == pytest.approx(qualities[-1])
    assert qualities[2] > qualities[1] + 0.1


def test_where_the_output_shows_whole_frames_block_motion_moves_the_frame_before() -> None:
    settings = LiveSettings.of({"visualization-mode": "full-blend"})
    comparison = Comparison(ComparisonSettings("block-motion", "tokens"), settings)
    before = None
    for frame in noise_in_motion(3):
        comparison.step(frame, CHOSEN, 0)
        if before is not None:
            scores = patch_difference(predicted(before, displacements(before, frame)), frame)
            best = np.argsort(-scores.reshape(-1), kind="stable")[:3]
            cells = comparison.view.cells
            np.testing.assert_array_equal(cells.row * 14 + cells.col, best)
            unmasked = ~plan_update(cells, HEIGHT, WIDTH).pixels()
            np.testing.assert_array_equal(comparison.view.output[unmasked], frame[unmasked])
        before = frame


def test_random_cells_are_the_same_every_time_and_others_in_each_frame() -> None:
    runs = []
    for _ in range(2):
        comparison = Comparison(ComparisonSettings("random", "tokens"), LiveSettings())
        chosen = []
        for frame in frames(3):
            comparison.step(frame, CHOSEN, 0)
            chosen.append(comparison.view.cells.row.tolist() + comparison.view.cells.col.tolist())
        runs.append(chosen)
    assert runs[0] == runs[1]
    assert runs[0][1] != runs[0][2]


def test_with_its_own_threshold_patch_diff_is_what_it_is_alone() -> None:
    alone, comparison = LiveView(), Comparison(ComparisonSettings(budget="own"), LiveSettings())
    for frame in frames(3):
        expected, report = alone.step(frame), comparison.step(frame, CHOSEN, 5)
        assert (report.cells, report.mask_ratio) == (expected.cells, expected.mask_ratio)
    np.testing.assert_array_equal(comparison.view.output, alone.output)


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize("skipped", [(), (2,), (2, 3), (2, 3, 4)])
def test_in_the_memory_of_the_models_view_it_is_what_it_is_in_its_own(
    rival: str, skipped: tuple[int, ...]
) -> None:
    """Frames on which the model did not work, because it was not there, are not compared."""
    settings = ComparisonSettings(rival)  # type: ignore[arg-type]
    model, own = LiveView(), Comparison(settings, LiveSettings())
    beside = Comparison(settings, LiveSettings())
    for index, frame in enumerate(frames(7)):
        pixels = model.step(frame, CHOSEN).mask_pixels
        if index in skipped:
            continue
        before = model.frame.copy()
        theirs = beside.step_beside(model, pixels)
        np.testing.assert_array_equal(model.frame, before)
        np.testing.assert_array_equal(beside.view.frame, frame)
        assert theirs.psnr == pytest.approx(psnr(as_frame(frame), beside.view.output)) or theirs.keyframe
        if not skipped:
            expected = own.step(frame, CHOSEN, pixels)
            assert replace(theirs, stage_ms={}) == replace(expected, stage_ms={})
            np.testing.assert_array_equal(beside.view.output, own.view.output)
            np.testing.assert_array_equal(beside.view.mask, own.view.mask)


def test_a_new_stream_of_the_model_or_another_size_is_a_new_one_beside_it() -> None:
    model, comparison = LiveView(), Comparison(ComparisonSettings(), LiveSettings())
    for height in (HEIGHT, HEIGHT, HEIGHT - 4):
        if height == HEIGHT:
            model.restart()
        reports = []
        for frame in frames(3):
            model.step(frame[:height], CHOSEN)
            reports.append(comparison.step_beside(model, 100))
        assert [report.index for report in reports] == [0, 1, 2]
        assert [report.keyframe for report in reports] == [True, False, False]


def test_other_names_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="compared with one of patch-diff, random, block-motion, got 'best'"):
        ComparisonSettings("best")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="budget is pixels, tokens, own, got 'time'"):
        ComparisonSettings(budget="time")  # type: ignore[arg-type]


def test_random_cells_without_a_budget_of_their_own_are_as_many_pixels() -> None:
    budgets = ("own", "pixels")
    own, pixels = (Comparison(ComparisonSettings("random", each), LiveSettings()) for each in budgets)
    for frame in frames(3):
        assert own.step(frame, CHOSEN, 2000).mask_pixels == pixels.step(frame, CHOSEN, 2000).mask_pixels > 0


def test_the_pixels_of_the_first_rectangles_are_those_of_their_plan() -> None:
    rectangles = np.array([[0, 0, 4, 4], [2, 2, 9, 6], [0, 0, 4, 4], [1, 5, 3, 12]], np.int32)
    covered = Lattice.of(rectangles, 10, 12).covered_up_to(rectangles)
    plans = [plan_rectangles(rectangles[:count], 10, 12).pixel_count for count in range(5)]
    assert covered.tolist() == plans


@pytest.mark.parametrize(("geometry", "grid"), [("native", 5), ("native", 30), ("effective", 14)])
def test_the_count_for_a_budget_is_that_of_whole_footprints(geometry: str, grid: int) -> None:
    settings = LiveSettings.of({"mask-geometry": geometry, "patch-diff-grid": grid, "mask-cell-scale": 1.5})
    for budget in (0, 1, 3000, HEIGHT * WIDTH):
        comparison = Comparison(ComparisonSettings("random"), settings)
        report = comparison.step(frames(1)[0], CHOSEN, budget)
        cells = comparison.view.cells
        mask = settings.mask.footprint(cells, HEIGHT, WIDTH)
        assert report.mask_pixels == mask.plan.pixel_count
        largest = math.ceil(HEIGHT * 1.5 / grid + 1) * math.ceil(WIDTH * 1.5 / grid + 1)
        assert abs(report.mask_pixels - budget) <= largest
