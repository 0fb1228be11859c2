import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogaze_web.frames.rectangles import bounding_box
from autogaze_web.masks.cells import Cells, cell_rectangles
from autogaze_web.masks.update_plan import plan_update


@st.composite
def some_cells(draw):
    count = draw(st.integers(0, 30))
    grid = np.array(
        draw(st.lists(st.sampled_from([1, 2, 4, 7, 14]), min_size=count, max_size=count)), np.int32
    )
    place = [(draw(st.integers(0, g - 1)), draw(st.integers(0, g - 1))) for g in grid.tolist()]
    return Cells.of(grid, [r for r, _ in place], [c for _, c in place]) if count else Cells.none()


def painted(rectangles, height, width):
    mask = np.zeros((height, width), int)
    for y0, x0, y1, x1 in rectangles.tolist():
        mask[y0:y1, x0:x1] += 1
    return mask


@given(some_cells(), st.integers(1, 100), st.integers(1, 100))
def test_the_plan_is_the_union_cut_into_disjoint_rectangles(cells, height, width):
    plan = plan_update(cells, height, width)
    union = painted(cell_rectangles(cells, height, width), height, width) > 0
    covered = painted(plan.rectangles, height, width)
    assert covered.max(initial=0) <= 1
    np.testing.assert_array_equal(covered == 1, union)
    assert plan.pixel_count == union.sum()
    assert plan.ratio == pytest.approx(union.mean())


def test_neighbours_become_one_rectangle():
    plan = plan_update(Cells.of(14, [3, 3, 4, 4], [5, 6, 5, 6]), 360, 640)
    assert len(plan.rectangles) == 1


def test_all_cells_are_one_rectangle_of_the_whole_frame():
    row, col = np.divmod(np.arange(196), 14)
    plan = plan_update(Cells.of(14, row, col), 359, 641)
    assert plan.rectangles.tolist() == [[0, 0, 359, 641]]
    assert plan.ratio == 1


def test_no_cells_cover_nothing():
    plan = plan_update(Cells.none(), 10, 10)
    assert (len(plan.rectangles), plan.pixel_count, plan.ratio) == (0, 0, 0)
    assert bounding_box(plan.rectangles) == (0, 0, 0, 0)


def test_bounding_box():
    assert bounding_box(np.array([[3, 4, 5, 6], [1, 5, 2, 9]], np.int32)) == (1, 4, 5, 9)
