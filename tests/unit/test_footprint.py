from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import noise_frame, pixels_of, some_cells

from autogaze_web.masks.cells import Cells, cell_rectangles
from autogaze_web.masks.fixations import Fixations
from autogaze_web.masks.footprint import GEOMETRIES, footprint, uncovered_by_coarser
from autogaze_web.masks.update_plan import plan_rectangles, plan_update
from autogaze_web.panels import mask_panel as panels
from autogaze_web.panels.mask_panel import PANEL_MODES, MaskPanel
from autogaze_web.panels.output import Accumulation, Accumulator, covered_blocks
from autogaze_web.tiles.stitching import stitch
from autogaze_web.tiles.tiling import Tiling

SIDES = st.integers(1, 90)


@given(some_cells(), SIDES, SIDES)
def test_deduplicated_cells_cover_the_same_pixels_and_each_adds_some(cells, height, width):
    native = footprint(cells, height, width, "native")
    fewer = footprint(cells, height, width, "deduplicated")
    union = pixels_of(native.rectangles, height, width) > 0
    np.testing.assert_array_equal(pixels_of(fewer.rectangles, height, width) > 0, union)
    covered = np.zeros((height, width), bool)
    for grid in np.unique(fewer.fixations.grid):
        mine = fewer.rectangles[fewer.fixations.grid == grid]
        assert all(not covered[y0:y1, x0:x1].all() for y0, x0, y1, x1 in mine.tolist())
        assert len(np.unique(mine, axis=0)) == len(mine)
        covered |= pixels_of(mine, height, width) > 0


def test_deduplication_drops_cells_inside_a_coarser_one():
    cells = Cells.of([14, 2, 7, 14, 14], [0, 0, 6, 13, 3], [0, 0, 6, 13, 7])
    kept = footprint(cells, 224, 224, "deduplicated").fixations
    assert kept.grid.tolist() == [2, 7, 14]
    assert kept.start.tolist() == [[0, 0], [6, 6], [3, 7]]


@settings(max_examples=200)
@given(some_cells(), st.sampled_from(GEOMETRIES), st.sampled_from([0.4, 1.0, 1.7]), SIDES, SIDES)
def test_cells_have_the_mask_that_the_same_fixations_have(cells, geometry, scale, height, width):
    hidden = np.arange(len(cells)) % 5 == 3
    cells = replace(cells, confidence=np.where(hidden, np.float32(0), cells.confidence))
    mask = footprint(cells, height, width, geometry, scale)
    general = footprint(Fixations.of(cells), height, width, geometry, scale)
    for name in ("start", "end", "parts", "grid", "confidence"):
        mine, theirs = getattr(mask.fixations, name), getattr(general.fixations, name)
        np.testing.assert_array_equal(mine, theirs)
        assert mine.dtype == theirs.dtype
    for mine, theirs in (
        (mask.rectangles, general.rectangles),
        (mask.plan.rectangles, general.plan.rectangles),
        (mask.plan.pixels(), general.plan.pixels()),
        *zip(covered_blocks(mask.plan), covered_blocks(general.plan), strict=True),
    ):
        np.testing.assert_array_equal(mine, theirs)
        assert mine.dtype == theirs.dtype
    assert (mask.plan.pixel_count, mask.plan.ratio) == (general.plan.pixel_count, general.plan.ratio)
    assert mask.one_grid_per_scale == general.one_grid_per_scale


def test_cells_of_grids_too_fine_for_a_table_have_their_pixels_too():
    mask = footprint(Cells.of([64, 2], [63, 0], [0, 1], [1, 1]), 640, 640, "deduplicated")
    assert mask.rectangles.tolist() == [[630, 0, 640, 10], [0, 320, 320, 640]]
    assert mask.plan.pixel_count == 100 + 320 * 320


@given(some_cells(), SIDES, SIDES)
def test_effective_cells_are_the_finest_ones_at_each_centre(cells, height, width):
    mask = footprint(cells, height, width, "effective")
    row = ((2 * cells.row + 1) * 14) // (2 * cells.grid)
    col = ((2 * cells.col + 1) * 14) // (2 * cells.grid)
    expected = cell_rectangles(Cells.of(14, row, col), height, width)
    np.testing.assert_array_equal(
        pixels_of(mask.rectangles, height, width) > 0, pixels_of(expected, height, width) > 0
    )


def test_effective_geometry_turns_four_coarse_cells_into_four_fine_ones():
    mask = footprint(Cells.of(2, [0, 0, 1, 1], [0, 1, 0, 1]), 224, 224, "effective")
    assert plan_rectangles(mask.rectangles, 224, 224).ratio == 4 / 196


def test_effective_geometry_uses_a_grid_finer_than_14_if_there_is_one():
    mask = footprint(Cells.of([2, 28], [0, 27], [0, 27]), 280, 280, "effective")
    assert mask.rectangles.tolist() == [[70, 70, 80, 80], [270, 270, 280, 280]]


@settings(max_examples=60)
@given(
    some_cells(12),
    st.sampled_from(GEOMETRIES),
    st.sampled_from(PANEL_MODES[:3]),
    st.sampled_from([0.4, 1.0, 1.7]),
    SIDES,
    SIDES,
)
def test_panel_output_and_pixel_count_agree(cells, geometry, mode, scale, height, width):
    before, frame = noise_frame(0, height, width), noise_frame(1, height, width)
    mask = footprint(cells, height, width, geometry, scale)
    output = Accumulator(Accumulation())
    output.update(before, mask.plan)
    update = output.update(frame, mask.plan)
    copied = (output.image != before).any(axis=-1)
    differs = (frame != before).any(axis=-1)
    covered = pixels_of(mask.rectangles, height, width) > 0
    np.testing.assert_array_equal(copied, covered & differs)
    assert update.updated_pixels == covered.sum() == mask.plan.pixel_count

    panel = MaskPanel(1.0, mode)
    panel.draw(frame, mask)
    drawn = {
        "image-mask-only": panel.image[..., 3] > 0,
        "image-overlay": (panel.image != frame).any(axis=-1),
        "overlay": (panel.image[..., :3] > 0).any(axis=-1),
    }[mode]
    wrong = drawn != covered
    # In an overlay a cell's colour can be the picture's own.
    assert not wrong[(panel.image != frame).any(axis=-1)].any()


@settings(max_examples=60)
@given(st.data(), st.sampled_from(PANEL_MODES), SIDES, SIDES)
def test_a_redrawn_panel_equals_a_new_one(data, mode, height, width):
    panel = MaskPanel(0.38, mode)
    for seed in range(3):
        frame = noise_frame(seed, height, width)
        mask = footprint(data.draw(some_cells(8)), height, width)
        before = panel.image.copy()
        y0, x0, y1, x1 = panel.draw(frame, mask)
        fresh = MaskPanel(0.38, mode)
        fresh.draw(frame, mask)
        np.testing.assert_array_equal(panel.image, fresh.image)
        if seed:
            outside = np.ones((height, width), bool)
            outside[y0:y1, x0:x1] = False
            np.testing.assert_array_equal(panel.image[outside], before[outside])


def test_scale_rows_have_a_band_for_each_grid_with_cells():
    mask = footprint(Cells.of([2, 14], [0, 13], [0, 13]), 100, 200)
    panel = MaskPanel(0.38, "scale-rows")
    panel.draw(noise_frame(0, 100, 200), mask)
    lit = (panel.image[..., :3] > 0).any(axis=-1)
    assert (panel.image[..., 3] == 255).all()
    expected = np.zeros((100, 200), bool)
    expected[0:25, 50:100] = True  # the 2x2 cell in a 50 x 100 view, the upper band
    expected[96:100, 142:150] = True  # the last 14x14 cell in the lower one
    np.testing.assert_array_equal(lit, expected)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_a_frame_of_one_pixel_without_cells(geometry):
    assert len(footprint(Cells.none(), 5, 5, geometry).rectangles) == 0
    everything = Cells.of([2, 14, 7], [1, 3, 0], [0, 9, 6])
    mask = footprint(everything, 1, 1, geometry)
    assert {tuple(r) for r in mask.rectangles.tolist()} == {(0, 0, 1, 1)}
    assert plan_update(everything, 1, 1).pixel_count == 1


def test_cells_with_a_confidence_of_nan_or_zero_are_left_out():
    cells = Cells.of(2, [0, 0, 1], [0, 1, 0], [np.nan, 0.0, 0.5])
    for geometry in GEOMETRIES:
        assert len(footprint(cells, 10, 10, geometry).fixations) == 1


def test_errors_list_the_valid_names():
    with pytest.raises(ValueError, match="native, deduplicated, effective, got 'raw'"):
        footprint(Cells.none(), 5, 5, "raw")
    with pytest.raises(ValueError, match="image-mask-only, image-overlay, overlay, scale-rows"):
        MaskPanel(0.5, "rows")


def test_a_million_rectangles():
    generator = np.random.default_rng(0)
    start = generator.integers(0, 1000, (1_000_000, 2))
    size = generator.integers(1, 60, (1_000_000, 2))
    rectangles = np.concatenate([start, np.minimum(start + size, (1080, 1920))], axis=1).astype(np.int32)
    plan = plan_rectangles(rectangles, 1080, 1920)
    kept, _ = uncovered_by_coarser(rectangles, np.full(1_000_000, 14, np.int32), 1080, 1920)
    assert plan.pixel_count == plan_rectangles(rectangles[kept], 1080, 1920).pixel_count
    assert 0.4 < plan.ratio < 0.6


def test_effective_geometry_without_fixations():
    assert len(footprint(Fixations.none(), 4, 4, "effective").fixations) == 0


@settings(max_examples=80)
@given(
    st.data(),
    st.sampled_from(PANEL_MODES),
    st.sampled_from(GEOMETRIES),
    st.sampled_from([1.0, 0.6, 1.5]),
    SIDES,
    SIDES,
)
def test_cells_drawn_one_by_one_or_on_a_lattice_look_the_same(data, mode, geometry, scale, height, width):
    cells = data.draw(some_cells(12))
    if data.draw(st.booleans()):
        cells = stitch(Tiling.anyres(40, 30, 20), [cells] * 4)
    mask, frame = footprint(cells, height, width, geometry, scale), noise_frame(0, height, width)
    images = []
    for limit in (0, 1000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(panels, "MAX_SINGLE_CELLS", limit)
            panel = MaskPanel(0.38, mode)
            panel.draw(frame, mask)
            images.append(panel.image)
    np.testing.assert_array_equal(*images)
