import math
from dataclasses import fields
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import noise_frame, some_cells

from autogaze_web.frames.synthetic import SYNTHETIC_SOURCES, draw_pan
from autogaze_web.live.settings import LiveSettings
from autogaze_web.live.view import LiveView
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.footprint import GEOMETRIES
from autogaze_web.panels.mask_panel import PANEL_MODES
from autogaze_web.panels.metrics import psnr
from autogaze_web.panels.output import OUTPUT_MODES, Accumulation
from autogaze_web.tiles.stitching import stitch
from autogaze_web.tiles.tiling import Tiling


def play(view, frames, size=(90, 160), draw=draw_pan):
    for index in frames:
        draw(view.next_frame(*size), index)
        yield view.process()


def test_the_first_frame_is_a_keyframe_that_counts_in_no_average():
    view = LiveView()
    (report,) = play(view, [0])
    assert report.keyframe
    assert report.cells == 0
    assert all(
        math.isnan(x) for x in (report.update_ratio, report.update_ratio_ema, report.psnr, report.psnr_ema)
    )
    np.testing.assert_array_equal(view.output, view.frame)


@pytest.mark.parametrize("source", SYNTHETIC_SOURCES)
@pytest.mark.parametrize("mode", ["interframe", "full-blend"])
@pytest.mark.parametrize("size", [(90, 160), (91, 161)])
def test_the_numbers_are_those_of_the_panels(source, mode, size):
    view = LiveView(LiveSettings(accumulation=Accumulation(mode=mode)))
    previous = None
    for report in play(view, range(1, 60, 3), size, SYNTHETIC_SOURCES[source]):
        covered = view.mask[..., 3] > 0
        assert report.mask_ratio == pytest.approx(covered.mean())
        assert report.mask_pixels == covered.sum()
        assert report.updated_pixels == (covered.size if report.keyframe else covered.sum())
        if report.keyframe:
            previous = view.output.copy()
            continue
        assert report.update_ratio == pytest.approx(covered.mean())
        assert report.psnr == pytest.approx(psnr(view.frame, view.output))
        if mode == "interframe":
            np.testing.assert_array_equal(
                view.output, np.where(covered[..., None], view.frame, previous), "only masked pixels are new"
            )
        else:
            np.testing.assert_array_equal(view.output[~covered], view.frame[~covered])
        previous = view.output.copy()


def test_averages_follow_their_samples():
    view = LiveView()
    reports = list(play(view, range(4)))
    assert reports[1].update_ratio_ema == reports[1].update_ratio
    expected = 0.85 * reports[1].update_ratio + 0.15 * reports[2].update_ratio
    assert reports[2].update_ratio_ema == pytest.approx(expected)


def test_accumulated_updates_survive_frames_without_motion():
    # The reference overwrote its visual state with an older copy; here nothing that was updated is lost.
    view = LiveView()
    list(play(view, [0, 1, 2]))
    output = view.output.copy()
    (report,) = play(view, [2])
    assert report.cells == 0
    assert report.update_ratio == 0
    np.testing.assert_array_equal(view.output, output)


def test_a_change_of_size_in_mid_stream_starts_over():
    view = LiveView()
    list(play(view, [0, 1]))
    (report,) = play(view, [2], (91, 121))
    assert report.keyframe
    assert (report.width, report.height, report.index) == (121, 91, 0)
    assert not next(iter(play(view, [3], (91, 121)))).keyframe


def test_restart_forgets_the_stream():
    view = LiveView()
    list(play(view, [0, 1]))
    view.restart()
    (report,) = play(view, [5])
    assert report.keyframe
    assert report.cells == 0


def test_settings_from_options():
    settings = LiveSettings.of({"viz-mode": "full", "patch-diff-threshold": "0.4", "keyframe-interval": 12})
    assert settings.accumulation == Accumulation("full-blend", 12)
    assert settings.patch_diff.threshold == 0.4


def test_a_higher_threshold_masks_less():
    counts = []
    for threshold in (0, 0.15, 0.5, 2):
        view = LiveView(LiveSettings.of({"patch-diff-threshold": threshold}))
        counts.append([report.cells for report in play(view, [0, 1])][-1])
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def test_new_settings_apply_from_the_next_frame():
    view = LiveView()
    list(play(view, [0, 1]))
    view.configure(LiveSettings.of({"patch-diff-threshold": 0, "blend-alpha": 1}))
    (report,) = play(view, [2])
    assert not report.keyframe
    assert report.cells == 196
    violet, fill = (230, 110, 255), (97, 46, 107)
    assert {tuple(p) for p in view.mask[..., :3].reshape(-1, 3).tolist()} == {violet, fill}


def test_a_one_pixel_frame():
    view = LiveView()
    for value in (0, 255):
        view.next_frame(1, 1)[:] = value
        report = view.process()
    assert report.update_ratio == 1
    assert view.output[0, 0].tolist() == [255] * 4


def test_step_takes_rgb_and_rgba():
    rgb = np.random.default_rng(0).integers(0, 256, (20, 31, 3), dtype=np.uint8)
    view = LiveView()
    assert view.step(rgb).keyframe
    np.testing.assert_array_equal(view.output[..., :3], rgb)
    rgba = np.dstack([rgb, np.full((20, 31), 255, np.uint8)])
    assert view.step(rgba).cells == 0
    with pytest.raises(ValueError, match="8-bit RGB"):
        view.step(rgb.astype(np.float32))


def test_psnr_that_nobody_wants_is_not_measured_and_right_again_afterwards():
    views = [LiveView(), LiveView()]
    frames = np.random.default_rng(1).integers(0, 256, (5, 60, 90, 3), np.uint8)
    frames[3] = frames[2]  # a still picture: nothing would be renewed
    cells = Cells.of(7, [0, 3], [1, 6])
    for index, frame in enumerate(frames):
        hidden = index in (1, 2)
        views[1].configure(LiveSettings.of({"show-psnr": not hidden}))
        expected, report = (view.step(frame, cells) for view in views)
        if hidden:
            assert math.isnan(report.psnr)
        elif index:
            assert report.psnr == expected.psnr
        assert report.update_ratio == expected.update_ratio or index == 0
        np.testing.assert_array_equal(*(view.output for view in views))


@settings(max_examples=20)
@given(st.data(), st.sampled_from(PANEL_MODES), st.sampled_from(OUTPUT_MODES))
def test_who_shows_the_parts_of_each_frame_shows_the_panels(data, mode, output):
    height, width = 540, 960  # large enough for several parts
    view = LiveView(LiveSettings.of({"mask-visualization": mode, "visualization-mode": output}))
    shown = {name: np.zeros((height, width, 4), np.uint8) for name in ("mask", "output")}
    for seed in range(4):
        report = view.step(noise_frame(seed, height, width), data.draw(some_cells(6, (4, 14, 28))))
        for name, picture in shown.items():
            parts, panel = getattr(view, f"{name}_parts"), getattr(view, name)
            for y0, x0, y1, x1 in parts:
                picture[y0:y1, x0:x1] = panel[y0:y1, x0:x1]
            np.testing.assert_array_equal(picture, panel)
            top, left, bottom, right = getattr(report, f"{name}_box")
            assert all(top <= y0 and left <= x0 and y1 <= bottom and x1 <= right for y0, x0, y1, x1 in parts)


def test_few_small_cells_are_shown_without_what_is_between_them():
    view = LiveView()
    frames = np.random.default_rng(0).integers(0, 256, (2, 1080, 1920, 3), np.uint8)
    view.step(frames[0])
    view.step(frames[1], Cells.of(14, [0, 13], [0, 13]))
    corners = [(0, 0, 78, 138), (1002, 1782, 1080, 1920)]
    assert view.output_parts == corners
    assert view.mask_parts == corners


def test_a_mask_panel_that_nobody_looks_at_changes_nothing_else():
    seen, unseen = LiveView(), LiveView(draw_mask=False)
    for drawn, plain in zip(play(seen, range(4)), play(unseen, range(4)), strict=True):
        for field in fields(drawn):
            if field.name not in ("mask_box", "stage_ms"):
                np.testing.assert_equal(getattr(plain, field.name), getattr(drawn, field.name))
        np.testing.assert_array_equal(unseen.output, seen.output)
    assert not unseen.mask.any()
    assert seen.mask.any()


def test_a_hidden_scale_is_in_no_panel_and_no_number_but_counted():
    cells = Cells.of([2, 14, 14, 7], [0, 13, 12, 3], [0, 13, 13, 3])
    frames = np.random.default_rng(0).integers(0, 256, (2, 120, 160, 3), np.uint8)
    hiding, without = LiveView(LiveSettings.of({"hidden-scales": "14+2"})), LiveView()
    reports = []
    for view, chosen in ((hiding, cells), (without, Cells.of([7], [3], [3]))):
        view.step(frames[0], Cells.none())
        reports.append(view.step(frames[1], chosen))
    assert reports[0].cells_by_scale == {2: 1, 7: 1, 14: 2}
    assert [report.cells for report in reports] == [4, 1]
    assert reports[0].mask_ratio == reports[1].mask_ratio > 0
    assert reports[0].psnr == reports[1].psnr
    np.testing.assert_array_equal(hiding.mask, without.mask)
    np.testing.assert_array_equal(hiding.output, without.output)


def test_another_palette_colours_the_panel():
    cells = Cells.of(2, [0], [1])
    colours = []
    for palette in ("standard", "colour-blind-safe"):
        view = LiveView(LiveSettings.of({"palette": palette, "mask-visualization": "overlay"}))
        view.step(np.zeros((40, 40, 3), np.uint8), cells)
        colours.append(tuple(view.mask[0, 30, :3].tolist()))
    assert colours == [(255, 180, 0), (213, 94, 0)]


@pytest.mark.parametrize("mode", ["interframe", "full-blend"])
def test_a_frame_worked_on_again_follows_the_settings_and_counts_once(mode):
    view = LiveView(LiveSettings.of({"visualization-mode": mode, "patch-diff-threshold": 0.5}))
    *_, before = play(view, range(0, 12, 3))
    averages = before.update_ratio_ema, before.psnr_ema
    view.configure(LiveSettings.of({"visualization-mode": mode, "patch-diff-threshold": 0.0}))
    again = view.redraw()
    assert again.cells > before.cells
    assert again.index == before.index
    assert (again.update_ratio_ema, again.psnr_ema) == averages
    covered = view.mask[..., 3] > 0
    assert covered.mean() == pytest.approx(again.mask_ratio)
    assert again.psnr == pytest.approx(psnr(view.frame, view.output))

    view.configure(LiveSettings.of({"visualization-mode": mode, "patch-diff-threshold": 0.5}))
    assert view.redraw().cells == before.cells
    (after,) = play(view, [12])
    assert after.index == before.index + 1
    assert after.psnr == pytest.approx(psnr(view.frame, view.output))


def test_the_first_frame_stays_a_keyframe_when_worked_on_again():
    view = LiveView(LiveSettings(accumulation=Accumulation(keyframe_interval=2)))
    with pytest.raises(RuntimeError, match="no frame to redraw"):
        view.redraw()
    (first,) = play(view, [0])
    again = view.redraw(Cells.of([2], [0], [1]))
    assert again.keyframe
    assert again.updated_pixels == first.updated_pixels
    assert [report.keyframe for report in play(view, [1, 2, 3])] == [False, True, False]


def random_cells(generator):
    grid = generator.choice([2, 4, 7, 14], generator.integers(0, 9))
    return Cells.of(grid, generator.integers(0, grid), generator.integers(0, grid))


def cells_of(source, size, generator):
    """Cells as a mask source chooses them; None for patch-diff."""
    if source == "patch-diff":
        return None
    if source == "realtime":
        return random_cells(generator)
    tiling = Tiling.anyres(*size, 64) if source == "tiled" else Tiling.full_resolution(*size, 64, 48)
    return stitch(tiling, [random_cells(generator) for _ in range(len(tiling))])


def test_every_panel_follows_every_other_with_every_mask_source_geometry_and_output():
    """One view takes them all, one after the other; each panel is that of a view which had no other."""
    generator = np.random.default_rng(15)
    sources = ("patch-diff", "realtime", "tiled", "full-resolution")
    combinations = list(product(PANEL_MODES, sources, GEOMETRIES, OUTPUT_MODES))
    generator.shuffle(combinations)
    view = LiveView()
    for index, (panel, source, geometry, output) in enumerate(combinations):
        size = ((64, 100), (1, 1), (37, 65))[index % 3]
        settings = LiveSettings.of(
            {"mask-visualization": panel, "mask-geometry": geometry, "visualization-mode": output}
        )
        frames = generator.integers(0, 256, (2, *size, 3), np.uint8)
        fresh = LiveView(settings)
        for frame in frames:
            cells = cells_of(source, size, generator)
            view.step(frame, cells)
            fresh.step(frame, cells)
        view.configure(settings)
        report, expected = view.redraw(cells), fresh.redraw(cells)
        assert (report.mask_ratio, report.cells) == (expected.mask_ratio, expected.cells)
        np.testing.assert_array_equal(view.mask, fresh.mask, str((panel, source, geometry)))
        assert view.output.shape == (*size, 4)
