import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import some_cells

from autogaze_web.masks.cells import Cells, cell_rectangles
from autogaze_web.masks.fixations import Fixations


@given(some_cells(), st.integers(1, 300), st.integers(1, 300))
def test_cells_keep_their_pixels(cells, height, width):
    rectangles = Fixations.of(cells).rectangles(height, width)
    np.testing.assert_array_equal(rectangles, cell_rectangles(cells, height, width))


@given(some_cells(), st.floats(0.01, 64), st.integers(1, 200), st.integers(1, 200))
def test_scaled_cells_stay_inside_and_keep_their_centre(cells, scale, height, width):
    fixations = Fixations.of(cells).scaled(scale)
    y0, x0, y1, x1 = fixations.rectangles(height, width).T
    assert ((y0 >= 0) & (x0 >= 0) & (y0 < y1) & (x0 < x1) & (y1 <= height) & (x1 <= width)).all()
    unit = fixations.unit_rectangles()
    centre = (unit[:, :2] + unit[:, 2:]) / 2
    original = (np.stack([cells.row, cells.col], axis=-1) + 0.5) / cells.grid[:, None]
    inside = (unit[:, :2] > 0).all(axis=1) & (unit[:, 2:] < 1).all(axis=1)
    np.testing.assert_allclose(centre[inside], original[inside], atol=1e-9)


def test_scale_is_a_factor_of_the_sides():
    cell = Fixations.of(Cells.of(4, 1, 2))
    assert cell.scaled(0.5).unit_rectangles().tolist() == [[0.3125, 0.5625, 0.4375, 0.6875]]
    assert cell.scaled(2).unit_rectangles().tolist() == [[0.125, 0.375, 0.625, 0.875]]
    assert cell.scaled(64).unit_rectangles().tolist() == [[0, 0.125, 0.875, 1]]


@pytest.mark.parametrize("scale", [0, -1, 65, float("nan"), float("inf")])
def test_scales_out_of_range_are_rejected(scale):
    with pytest.raises(ValueError, match="cell scale is above 0"):
        Fixations.none().scaled(scale)


def test_only_positive_confidence_is_visible():
    cells = Cells.of(2, [0, 0, 1, 1], [0, 1, 0, 1], [0.0, np.nan, -1.0, 0.25])
    assert Fixations.of(cells).visible().start.tolist() == [[1, 1]]


def test_concatenation_keeps_the_order():
    a, b = Fixations.of(Cells.of(2, 0, 1)), Fixations.of(Cells.of(7, [1, 2], [3, 4]))
    assert Fixations.concatenate([a, b]).grid.tolist() == [2, 7, 7]
    assert len(Fixations.concatenate([])) == 0


def test_frames_without_pixels_are_rejected():
    with pytest.raises(ValueError, match="at least 1 pixel"):
        Fixations.none().rectangles(0, 5)
