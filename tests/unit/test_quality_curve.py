"""Quality over tokens: what each further cell adds, against the output that a view makes of so many cells."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from autogaze_web import Cells, LiveSettings, LiveView
from autogaze_web.live.quality_curve import INTERVAL_S, MAX_POINTS, QualityCurves, quality_curve
from autogaze_web.masks.footprint import footprint
from autogaze_web.panels.metrics import psnr

HEIGHT, WIDTH = 90, 160
CELLS = Cells.of(grid=[4, 2, 14, 14], row=[1, 0, 7, 0], col=[2, 1, 3, 0])


def noise(seed: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    frame = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    frame[..., 3] = 255
    return frame


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def step(curves: QualityCurves, view: LiveView, frame: np.ndarray, cells: Cells = CELLS):
    curves.prepare(view)
    return curves.measure(view, view.step(frame, cells))


@pytest.mark.parametrize("settings", [LiveSettings(), LiveSettings(psnr=False)])
def test_a_point_is_the_psnr_of_an_output_of_so_many_cells(settings: LiveSettings) -> None:
    curves, view = QualityCurves(Clock()), LiveView(settings)
    assert step(curves, view, noise(0)) is None, "the first frame is a keyframe"
    curve = step(curves, view, noise(1))
    assert curve is not None
    assert [cells for cells, _ in curve] == [0, 1, 2, 3, 4]
    for count, decibels in curve:
        fresh = LiveView()
        fresh.step(noise(0))
        first = Cells.of(*(each[:count] for each in (CELLS.grid, CELLS.row, CELLS.col)))
        fresh.step(noise(1), first)
        assert decibels == pytest.approx(psnr(fresh.frame, fresh.output))


def test_large_frames_are_sampled_and_end_at_the_measured_psnr() -> None:
    curves, view = QualityCurves(Clock()), LiveView()
    step(curves, view, noise(0, 720, 1280))
    curves.prepare(view)
    before = view.output.copy()
    report = view.step(noise(1, 720, 1280), CELLS)
    curve = curves.measure(view, report)
    assert curve is not None
    values = [decibels for _, decibels in curve]
    assert values == sorted(values)
    exact = quality_curve(before, view.frame, footprint(CELLS, 720, 1280).rectangles)
    assert values == pytest.approx(exact.tolist(), abs=0.02)
    assert values[-1] == pytest.approx(report.psnr, abs=1e-6)


def test_a_long_curve_has_its_ends_and_few_points() -> None:
    curves, view = QualityCurves(Clock()), LiveView()
    step(curves, view, noise(0))
    ids = np.arange(60)
    curve = step(curves, view, noise(1), Cells.of(np.full(60, 14), ids // 14, ids % 14))
    assert curve is not None
    assert (curve[0][0], curve[-1][0]) == (0, 60)
    assert len(curve) <= MAX_POINTS


def test_a_frame_that_is_covered_completely_is_a_perfect_copy() -> None:
    curves, view = QualityCurves(Clock()), LiveView()
    step(curves, view, noise(0))
    curve = step(curves, view, noise(1), Cells.of(grid=[1], row=[0], col=[0]))
    assert curve is not None
    assert curve[-1] == (1, math.inf)


def test_a_curve_is_measured_once_a_second() -> None:
    clock, view = Clock(), LiveView()
    curves = QualityCurves(clock)
    step(curves, view, noise(0))
    measured = []
    for seed in range(1, 6):
        measured.append(step(curves, view, noise(seed)) is not None)
        clock.now += INTERVAL_S / 2
    assert measured == [True, False, True, False, True]


@pytest.mark.parametrize(
    "options",
    [{"visualization-mode": "full-blend"}, {"hidden-scales": "2"}, {"mask-geometry": "effective"}],
)
def test_where_cells_do_not_stand_for_what_was_chosen_there_is_no_curve(options: dict[str, str]) -> None:
    curves, view = QualityCurves(Clock()), LiveView(LiveSettings.of(options))
    step(curves, view, noise(0))
    assert step(curves, view, noise(1)) is None


def test_frames_without_cells_and_frames_of_another_size_have_no_curve() -> None:
    curves, view = QualityCurves(Clock()), LiveView()
    step(curves, view, noise(0))
    assert step(curves, view, noise(1), Cells.none()) is None
    curves, view = QualityCurves(Clock()), LiveView()
    step(curves, view, noise(0))
    assert step(curves, view, noise(1, 60, 100)) is None


def test_stale_blocks_are_those_that_differ_visibly() -> None:
    view = LiveView()
    frame = np.full((40, 70, 4), 100, np.uint8)
    view.step(frame)
    changed = frame.copy()
    changed[:16, :32, :3] += 9  # 29.0 dB
    changed[32:, 64:, :3] += 9  # a block of 8 x 6 pixels at the lower right corner
    changed[16:32, :32, :3] += 7  # 31.2 dB
    view.step(changed, Cells.none())
    expected = np.zeros((3, 3), bool)
    expected[0, 0] = expected[2, 2] = True
    assert (view.stale_blocks == expected).all()
    view.configure(replace(view.settings, psnr=False))
    view.step(changed, Cells.none())
    assert not view.stale_blocks.any(), "they are not measured"


def test_a_refreshed_view_copies_the_whole_frame_once() -> None:
    view = LiveView()
    view.step(noise(0))
    view.step(noise(1), Cells.none())
    view.refresh()
    assert view.redraw(Cells.none()).keyframe
    assert (view.output == view.frame).all()
    view.refresh()
    assert view.step(noise(2), Cells.none()).keyframe
    assert not view.step(noise(3), Cells.none()).keyframe
