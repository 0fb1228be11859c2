import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogaze_web.model.coverage import CoverageStop
from autogaze_web.model.tokens import ScaleLayout

LAYOUT = ScaleLayout((2, 4, 7, 14))


@given(st.lists(st.integers(0, 270), max_size=40), st.floats(0.01, 1))
def test_it_is_met_when_the_union_of_the_cells_is_large_enough(tokens, ratio):
    covered = np.zeros((28, 28), bool)
    cells = LAYOUT.cells(tokens)
    for grid, row, col in zip(cells.grid, cells.row, cells.col, strict=True):
        side = 28 // grid
        covered[row * side : (row + 1) * side, col * side : (col + 1) * side] = True
    assert CoverageStop(LAYOUT, ratio).met(tokens) == (covered.sum() >= math.ceil(ratio * 784))


def test_grids_without_a_small_common_multiple():
    stop = CoverageStop(ScaleLayout((17, 19)), 1)
    assert stop.met(range(17 * 17))
    assert not stop.met(range(17 * 17 - 1))


def test_the_budget_is_what_the_finest_cells_need():
    # 45 % of 196 cells are 89, nine steps of ten tokens.
    assert CoverageStop(LAYOUT, 0.45).budget(198, 10) == 90
    assert CoverageStop(LAYOUT, 0.45).budget(16, 10) == 16
    assert CoverageStop(LAYOUT, 1).budget(198, 10) == 198


@pytest.mark.parametrize("ratio", [0, -0.1, 1.1, math.nan])
def test_other_shares_are_refused(ratio):
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        CoverageStop(LAYOUT, ratio)
