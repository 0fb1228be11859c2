import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import pixels_of, some_cells

from autogaze_web.masks.cells import Cells, cell_rectangles
from autogaze_web.masks.update_plan import plan_update


@given(some_cells(), st.integers(1, 100), st.integers(1, 100))
def test_the_plan_divides_the_union_into_disjoint_rectangles(cells, height, width):
    plan = plan_update(cells, height, width)
    union = pixels_of(cell_rectangles(cells, height, width), height, width) > 0
    covered = pixels_of(plan.rectangles, height, width)
    assert covered.max(initial=0) <= 1
    np.testing.assert_array_equal(covered == 1, union)
    assert plan.pixel_count == union.sum()
    assert plan.ratio == pytest.approx(union.mean())


def test_adjacent_cells_become_one_rectangle():
    plan = plan_update(Cells.of(14, [3, 3, 4, 4], [5, 6, 5, 6]), 360, 640)
    assert len(plan.rectangles) == 1


def test_all_cells_become_one_rectangle():
    row, col = np.divmod(np.arange(196), 14)
    plan = plan_update(Cells.of(14, row, col), 359, 641)
    assert plan.rectangles.tolist() == [[0, 0, 359, 641]]
    assert plan.ratio == 1


def test_no_cells_cover_nothing():
    plan = plan_update(Cells.none(), 10, 10)
    assert (len(plan.rectangles), plan.pixel_count, plan.ratio) == (0, 0, 0)
