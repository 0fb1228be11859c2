import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogaze_web.masks.cells import Cells, cell_edges, cell_rectangles

grids = st.integers(1, 64)
extents = st.integers(1, 2200)


@given(grids, extents)
def test_edges_equal_the_exact_rational_formula(grid, extent):
    start, end = cell_edges(grid, extent)
    assert start.tolist() == [math.floor(Fraction(i * extent, grid)) for i in range(grid)]
    assert end.tolist() == [math.ceil(Fraction((i + 1) * extent, grid)) for i in range(grid)]


@given(grids, extents)
def test_cells_cover_the_axis_and_share_at_most_one_pixel(grid, extent):
    start, end = cell_edges(grid, extent)
    assert start[0] == 0
    assert end[-1] == extent
    assert (end > start).all()
    overlap = end[:-1] - start[1:]
    assert (overlap >= 0).all()
    if grid <= extent:
        assert (overlap <= 1).all()
    if extent % grid == 0:
        assert (overlap == 0).all()


def test_exactly_aligned_cells_do_not_bleed():
    # The reference's float rule starts cells 1, 4, 5 and 6 of 7 on 224 pixels one pixel early.
    start, end = cell_edges(7, 224)
    assert start.tolist() == list(range(0, 224, 32))
    assert end.tolist() == list(range(32, 225, 32))
    assert cell_edges(14, 640)[0][7] == 320


@given(st.data(), st.integers(1, 300), st.integers(1, 300))
def test_rectangles_combine_the_edges_of_both_axes(data, height, width):
    grid = data.draw(grids)
    row, col = data.draw(st.integers(0, grid - 1)), data.draw(st.integers(0, grid - 1))
    (y0, x0, y1, x1), *_ = cell_rectangles(Cells.of(grid, [row], [col]), height, width).tolist()
    assert (y0, y1) == tuple(int(edge[row]) for edge in cell_edges(grid, height))
    assert (x0, x1) == tuple(int(edge[col]) for edge in cell_edges(grid, width))


def test_scalars_apply_to_every_cell():
    cells = Cells.of(14, [0, 3], [1, 13])
    assert len(cells) == 2
    assert cells.grid.tolist() == [14, 14]
    assert cells.confidence.tolist() == [1, 1]
    assert len(Cells.none()) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((14, [14], [0]), "row 14, column 0: outside its 14x14 grid"),
        ((14, [-1], [0]), "outside its 14x14 grid"),
        ((0, [0], [0]), "at least 1 cell per side, got 0"),
        ((14, [0, 1], [0]), "row has 2 entries and col 1"),
        (([14, 14, 14], [0, 1], [0, 1]), "an entry for each of 2 cells"),
    ],
)
def test_errors_for_invalid_cells(arguments, message):
    with pytest.raises(ValueError, match=message):
        Cells.of(*arguments)


@pytest.mark.parametrize(("grid", "extent"), [(0, 10), (10, 0), (-1, 5)])
def test_errors_for_invalid_grids_and_extents(grid, extent):
    with pytest.raises(ValueError, match="at least 1"):
        cell_edges(grid, extent)
