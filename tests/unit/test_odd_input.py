"""Unusual input, from tokens through masks and panels to numbers.

Grids that do not divide the frame, frames of one pixel, tokens out of range, NaN as confidence, strides that
leave gaps, a million rectangles.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import some_cells

from autogaze_web.files.trace_store import Trace, traces_from_bytes, traces_to_bytes
from autogaze_web.live.settings import LiveSettings, MaskSettings
from autogaze_web.live.view import LiveView
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.fixations import Fixations
from autogaze_web.masks.footprint import GEOMETRIES, footprint
from autogaze_web.model.tokens import ScaleLayout
from autogaze_web.panels.mask_panel import PANEL_MODES
from autogaze_web.panels.output import Accumulation
from autogaze_web.readout.projection import frame_tokens
from autogaze_web.readout.token_grids import ImageGrid
from autogaze_web.tiles.inference_mode import InferenceMode
from autogaze_web.tiles.stitching import stitch
from autogaze_web.tiles.tiling import TiledFrames, Tiling

LAYOUT = ScaleLayout((2, 4, 7, 14))


def two_frames(height, width):
    return np.random.default_rng(height * 999 + width).integers(0, 256, (2, height, width, 3), np.uint8)


@settings(max_examples=150, deadline=None)
@given(
    some_cells(10, (1, 2, 3, 5, 7, 11, 14, 97)),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from(GEOMETRIES),
    st.sampled_from(PANEL_MODES),
    st.sampled_from(["interframe", "full-blend"]),
)
def test_any_grid_on_any_frame_updates_the_masked_pixels(cells, height, width, geometry, panel, output):
    """Including one pixel, one row, and more cells than pixels."""
    mask = MaskSettings(geometry=geometry, panel=panel)
    view = LiveView(LiveSettings(accumulation=Accumulation(mode=output, blend_alpha=1), mask=mask))
    first, second = two_frames(height, width)
    view.step(first, Cells.none())
    before = view.output.copy()
    report = view.step(second, cells)
    masked = footprint(cells, height, width, geometry).plan.pixels()
    assert report.mask_ratio == report.update_ratio == masked.mean()
    differs = (view.output != (before if output == "interframe" else view.frame)).any(axis=-1)
    # Masked pixels whose old and new values happen to be equal do not differ.
    new = second if output == "interframe" else np.full_like(second, 255)
    old = first if output == "interframe" else second
    np.testing.assert_array_equal(differs, masked & (new != old).any(axis=-1))
    if panel != "scale-rows":
        shown = view.mask[..., 3] > 0 if panel == "image-mask-only" else (view.mask[..., :3] > 0).any(axis=-1)
        if panel not in ("image-overlay", "outlines"):
            np.testing.assert_array_equal(shown, masked)


@given(st.lists(st.integers(-(2**40), 2**40), max_size=20))
def test_tokens_out_of_range_are_dropped(tokens):
    cells = LAYOUT.cells(tokens)
    assert len(cells) == sum(0 <= token < 265 for token in tokens)
    assert footprint(cells, 33, 17).plan.ratio <= 1


@given(st.lists(st.floats(width=32), min_size=1, max_size=8))
def test_only_cells_with_a_confidence_above_zero_count(values):
    count = len(values)
    cells = Cells.of(14, np.arange(count), np.arange(count), values)
    plan = footprint(cells, 28, 28).plan
    visible = sum(value > 0 for value in values)  # False for NaN
    assert plan.pixel_count == 4 * visible
    assert len(frame_tokens(cells, ImageGrid(14, 14))) == visible
    (loaded,) = traces_from_bytes(traces_to_bytes([Trace.of([cells])], ".safetensors"), ".safetensors")
    assert len(loaded.frames[0]) == visible


@pytest.mark.parametrize("stride", [0, -1, 225])
def test_a_stride_that_leaves_gaps_is_rejected(stride):
    with pytest.raises(ValueError, match=f"the stride is 1 to 224 pixels.*got {stride}"):
        Tiling.full_resolution(500, 500, 224, stride)


@pytest.mark.parametrize("field", ["stride", "batch_size", "frames"])
def test_errors_for_invalid_modes(field):
    with pytest.raises(ValueError, match="at least 1, got 0"):
        InferenceMode("tiled", **{field: 0})
    with pytest.raises(ValueError, match="realtime, tiled, full-resolution, got 'fast'"):
        InferenceMode("fast")
    with pytest.raises(ValueError, match="has no tiles"):
        InferenceMode().tiling(5, 5, 5)


def test_a_stride_above_the_tile_size_is_clamped():
    assert InferenceMode("full-resolution", stride=9999).tiling(100, 100, 64).stride == 64


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 40), st.data())
def test_tiles_cover_frames_of_any_size(height, width, tile, data):
    stride = data.draw(st.integers(1, tile))
    for tiling in (Tiling.anyres(height, width, tile), Tiling.full_resolution(height, width, tile, stride)):
        clip = np.ones((1, 3, height, width), np.float32)
        tiles = TiledFrames.of(clip, tiling).cut(range(len(tiling)))
        assert tiles.shape == (len(tiling), 1, 3, tile, tile)
        everything = stitch(tiling, [LAYOUT.cells(np.arange(265))] * len(tiling))
        assert footprint(everything, height, width).plan.ratio == 1


def test_a_million_cells():
    random = np.random.default_rng(0)
    grid = random.integers(1, 15, 1_000_000)
    cells = Cells.of(grid, random.integers(0, grid), random.integers(0, grid))
    mask = footprint(cells, 1080, 1920, "deduplicated")
    assert mask.plan.ratio == 1
    assert len(mask.rectangles) == 1  # the whole frame, to which finer cells add nothing


def test_no_cells_change_nothing():
    view = LiveView()
    first, second = two_frames(9, 7)
    view.step(first)
    report = view.step(second, Fixations.none())
    assert (report.cells, report.mask_ratio, report.update_ratio) == (0, 0, 0)
    assert math.isfinite(report.psnr)
    np.testing.assert_array_equal(view.output[..., :3], first)
    assert not view.mask.any()
