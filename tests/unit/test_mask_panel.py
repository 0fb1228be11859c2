import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import noise_frame

from autogaze_web.frames import rectangles
from autogaze_web.masks.cells import Cells, cell_rectangles
from autogaze_web.masks.footprint import footprint
from autogaze_web.panels import cell_drawing
from autogaze_web.panels.mask_panel import MaskPanel
from autogaze_web.panels.outlines import line_width
from autogaze_web.panels.palette import Palette

PALETTE = Palette.named()
SIZES = [(56, 56), (37, 53), (90, 141), (11, 9)]


def expected_panel(frame, cells, per_cent):
    """Cell by cell: fill, then frame, the coarsest grid first and frames of a grid above its fills."""
    height, width = frame.shape[:2]
    colours, covered = np.zeros((height, width, 3), int), np.zeros((height, width), bool)
    for grid in sorted(set(cells.grid.tolist())):
        boxes = cell_rectangles(cells, height, width)[cells.grid == grid].tolist()
        for y0, x0, y1, x1 in boxes:
            colours[y0:y1, x0:x1] = PALETTE.fill_of(PALETTE.colour_of(grid))
            covered[y0:y1, x0:x1] = True
        for y0, x0, y1, x1 in boxes:
            for line in np.s_[y0, x0:x1], np.s_[y1 - 1, x0:x1], np.s_[y0:y1, x0], np.s_[y0:y1, x1 - 1]:
                colours[line] = PALETTE.colour_of(grid)
    mixed = (frame[..., :3].astype(int) * (100 - per_cent) + colours * per_cent + 50) // 100
    panel = np.zeros_like(frame)
    panel[covered] = np.concatenate([mixed, np.full((height, width, 1), 255)], axis=-1)[covered]
    return panel


def random_cells(seed, count):
    generator = np.random.default_rng(seed)
    grid = generator.choice([2, 4, 7, 14], count)
    return Cells.of(grid, generator.integers(0, grid), generator.integers(0, grid))


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 60), st.sampled_from(SIZES))
def test_the_panel_equals_all_cells_painted_one_after_the_other(seed, count, size):
    frame, cells = noise_frame(seed, *size), random_cells(seed, count)
    panel = MaskPanel()
    panel.draw(frame, footprint(cells, *size))
    np.testing.assert_array_equal(panel.image, expected_panel(frame, cells, 38))


@pytest.mark.parametrize("count", [0, 5, 60, 200])
@pytest.mark.parametrize("words_at_once", [1, 50, 400])
def test_batch_sizes_do_not_change_the_panel(monkeypatch, words_at_once, count):
    for module in (rectangles, cell_drawing):
        monkeypatch.setattr(module, "WORDS_AT_ONCE", words_at_once)
    for size in SIZES:
        frame, cells = noise_frame(count, *size), random_cells(count, count)
        panel = MaskPanel()
        panel.draw(frame, footprint(cells, *size))
        np.testing.assert_array_equal(panel.image, expected_panel(frame, cells, 38))


@pytest.mark.parametrize("size", SIZES)
def test_nothing_of_the_previous_frame_remains(size):
    panel = MaskPanel()
    for seed in range(6):
        frame, cells = noise_frame(seed, *size), random_cells(seed, 3 * (seed % 3))
        before = panel.image.copy()
        y0, x0, y1, x1 = panel.draw(frame, footprint(cells, *size))
        np.testing.assert_array_equal(panel.image, expected_panel(frame, cells, 38))
        if before.shape == panel.image.shape:
            outside = np.ones(size, bool)
            outside[y0:y1, x0:x1] = False
            np.testing.assert_array_equal(panel.image[outside], before[outside])


def test_another_alpha():
    frame, cells = noise_frame(0, 40, 60), random_cells(1, 9)
    panel = MaskPanel()
    panel.configure(0.55, "image-mask-only")
    panel.draw(frame, footprint(cells, 40, 60))
    np.testing.assert_array_equal(panel.image, expected_panel(frame, cells, 55))


def test_the_panel_covers_as_many_pixels_as_the_plan():
    cells = random_cells(3, 20)
    mask = footprint(cells, 90, 141)
    panel = MaskPanel()
    panel.draw(noise_frame(0, 90, 141), mask)
    assert (panel.image[..., 3] > 0).sum() == mask.plan.pixel_count


@pytest.mark.parametrize("size", [*SIZES, (720, 1281)])
def test_outlines_light_the_masked_pixels_and_dim_the_rest(size):
    frame = noise_frame(3, *size)
    cells = random_cells(5, 12)
    mask = footprint(cells, *size)
    panel = MaskPanel(0.38, "outlines")
    panel.draw(frame, mask)
    expected = frame.copy()
    expected[..., :3] = (frame[..., :3] >> 2) + (frame[..., :3] >> 3)
    lit = mask.plan.pixels()
    expected[lit] = frame[lit]
    grids = mask.fixations.grid
    for grid in np.unique(grids).tolist():
        thickness = line_width(grid, *size)
        for y0, x0, y1, x1 in mask.rectangles[grids == grid].tolist():
            inside = np.s_[y0 + thickness : y1 - thickness, x0 + thickness : x1 - thickness]
            line = np.zeros(size, bool)
            line[y0:y1, x0:x1] = True
            if y1 - y0 > 2 * thickness and x1 - x0 > 2 * thickness:
                line[inside] = False
            expected[line] = (*PALETTE.colour_of(grid), 255)
    np.testing.assert_array_equal(panel.image, expected)


def test_coarser_scales_have_thicker_outlines():
    widths = [line_width(grid, 640, 360) for grid in (2, 4, 7, 14, 28)]
    assert widths == sorted(widths, reverse=True)
    assert len(set(widths[:4])) == 4
