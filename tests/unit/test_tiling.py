import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import pixels_of, some_cells

from autogaze_web.frames.resize import resize_bilinear
from autogaze_web.masks.cells import Cells, cell_rectangles
from autogaze_web.masks.fixations import Fixations
from autogaze_web.masks.footprint import GEOMETRIES, footprint
from autogaze_web.readout.projection import frame_tokens
from autogaze_web.readout.token_grids import ImageGrid
from autogaze_web.tiles.stitching import TileCells, TileStitcher, stitch
from autogaze_web.tiles.tiling import TiledFrames, Tiling

SIDES = st.integers(1, 70)


def all_cells(grids):
    grid = np.concatenate([np.full(g * g, g) for g in grids])
    row, col = (np.concatenate([np.divmod(np.arange(g * g), g)[i] for g in grids]) for i in (0, 1))
    return Cells.of(grid, row, col)


@pytest.mark.parametrize(
    ("size", "tiles", "canvas"),
    [
        ((1080, 1920), (5, 9), (1120, 2016)),
        ((720, 1280), (4, 6), (896, 1344)),
        ((224, 224), (1, 1), (224, 224)),
        ((1, 1), (1, 1), (224, 224)),
        ((225, 224), (2, 1), (448, 224)),
    ],
)
def test_anyres_is_the_least_complete_grid(size, tiles, canvas):
    tiling = Tiling.anyres(*size)
    assert (tiling.rows, tiling.columns) == tiles
    assert tiling.canvas == canvas


def test_full_resolution_begins_a_tile_every_stride():
    tiling = Tiling.full_resolution(1080, 1920)
    assert len(tiling) == 45
    assert tiling.origin(44) == (896, 1792)
    overlapping = Tiling.full_resolution(300, 224, stride=112)
    assert [overlapping.origin(i) for i in range(len(overlapping))] == [
        (0, 0), (0, 112), (112, 0), (112, 112), (224, 0), (224, 112)
    ]  # fmt: skip


@given(some_cells(), SIDES, SIDES, st.sampled_from(["anyres", "full-resolution"]))
def test_a_single_tile_is_resize_mode(cells, height, width, mode):
    if mode == "full-resolution":
        height = width = 70
    tiling = Tiling(mode, height, width, 70, 70)
    assert len(tiling) == 1
    stitched = pixels_of(stitch(tiling, [cells]).rectangles(height, width), height, width)
    resized = pixels_of(cell_rectangles(cells, height, width), height, width)
    np.testing.assert_array_equal(stitched > 0, resized > 0)


@given(st.integers(1, 3), st.integers(1, 3), st.sampled_from([14, 28]))
def test_anyres_of_exact_multiples_keeps_the_grid_and_the_pixels(rows, columns, tile):
    tiling = Tiling.anyres(rows * tile, columns * tile, tile)
    clip = np.random.default_rng(0).standard_normal((2, 3, rows * tile, columns * tile), dtype=np.float32)
    tiles = TiledFrames.of(clip, tiling).cut(range(len(tiling)))
    for index in range(len(tiling)):
        y, x = tiling.origin(index)
        np.testing.assert_array_equal(tiles[index], clip[..., y : y + tile, x : x + tile])
        stitched = stitch(
            tiling, [all_cells([7]) if i == index else Cells.none() for i in range(len(tiling))]
        )
        local = cell_rectangles(all_cells([7]), tile, tile)
        np.testing.assert_array_equal(stitched.rectangles(*clip.shape[-2:]), local + np.array([y, x, y, x]))


@settings(max_examples=50)
@given(SIDES, SIDES, st.integers(1, 40), st.data())
def test_full_resolution_tiles_reach_every_pixel(height, width, tile, data):
    tiling = Tiling.full_resolution(height, width, tile, data.draw(st.integers(1, tile)))
    if len(tiling) > 400:
        return
    stitched = stitch(tiling, [all_cells([2, 3])] * len(tiling))
    assert (pixels_of(stitched.rectangles(height, width), height, width) > 0).all()


def test_full_resolution_cells_are_exact_pixels_and_cut_at_the_edge():
    tiling = Tiling.full_resolution(1080, 1920)
    cells = [Cells.none()] * len(tiling)
    cells[36] = Cells.of(14, [0, 11, 12, 13], [0, 0, 0, 0])  # the last row of tiles begins at 896
    stitched = stitch(tiling, cells)
    # 1080 is 67.5 cells of 16 pixels: the half cell is kept as 8 pixels, what lies below is left out.
    assert stitched.rectangles(1080, 1920).tolist() == [[896, 0, 912, 16], [1072, 0, 1080, 16]]


def test_cells_of_overlapping_tiles_that_are_the_same_pixels_become_one():
    tiling = Tiling.full_resolution(336, 224, stride=112)
    cells = [Cells.none()] * len(tiling)
    cells[0] = Cells.of(14, [7, 0], [3, 3], [0.2, 0.9])  # pixels 112 .. 128
    cells[2] = Cells.of(14, 0, 3, 0.7)  # the same ones, in the tile that begins at 112
    stitched = stitch(tiling, cells)
    assert stitched.rectangles(336, 224).tolist() == [[0, 48, 16, 64], [112, 48, 128, 64]]
    np.testing.assert_allclose(stitched.confidence, [0.9, 0.7])


@settings(max_examples=50)
@given(st.integers(1, 3), st.integers(1, 3), st.data(), st.sampled_from(GEOMETRIES))
def test_tiles_work_with_every_geometry_and_the_readout(rows, columns, data, geometry):
    tiling = Tiling.anyres(rows * 20, columns * 20, 20)
    cells = [data.draw(some_cells(6)) for _ in range(len(tiling))]
    stitched = stitch(tiling, cells)
    mask = footprint(stitched, 40, 60, geometry)
    native = pixels_of(stitched.rectangles(40, 60), 40, 60) > 0
    drawn = pixels_of(mask.rectangles, 40, 60) > 0
    if geometry == "effective":
        assert len(mask.fixations) <= len(stitched)
    else:
        np.testing.assert_array_equal(drawn, native)
    tokens = set(frame_tokens(stitched, ImageGrid(14 * rows, 14 * columns)).tolist())
    expected = set()
    for index, chosen in enumerate(cells):
        row, column = divmod(index, columns)
        for token in frame_tokens(chosen, ImageGrid(14, 14)).tolist():
            expected.add((row * 14 + token // 14) * 14 * columns + column * 14 + token % 14)
    assert tokens == expected


def test_effective_geometry_of_tiles_has_the_tiles_finest_grid():
    tiling = Tiling.anyres(448, 672, 224)
    cells = [Cells.none()] * 6
    cells[4] = Cells.of([2, 14], [0, 13], [0, 13])
    mask = footprint(stitch(tiling, cells), 448, 672, "effective")
    y, x = 224, 224
    assert mask.rectangles.tolist() == [
        [y + 48, x + 48, y + 64, x + 64],
        [y + 208, x + 208, y + 224, x + 224],
    ]


def test_anyres_stretches_bilinearly():
    clip = np.random.default_rng(0).standard_normal((1, 3, 50, 30), dtype=np.float32)
    tiles = TiledFrames.of(clip, Tiling.anyres(50, 30, 32)).cut([0, 1])
    stretched = resize_bilinear(clip, 64, 32)
    np.testing.assert_array_equal(np.concatenate(list(tiles), axis=-2), stretched)


def test_padding_is_zero_in_normalised_space():
    clip = np.full((1, 3, 20, 30), 5, np.float32)
    tiles = TiledFrames.of(clip, Tiling.full_resolution(20, 30, 16)).cut([3])
    assert (tiles[0, ..., :4, :14] == 5).all()
    assert tiles.sum() == 5 * 3 * 4 * 14


def test_cells_without_confidence_are_left_out():
    stitched = stitch(Tiling.anyres(10, 10, 10), [Cells.of(2, [0, 1, 1], [0, 0, 1], [0, np.nan, 0.1])])
    assert len(stitched) == 1


TWO_TILES = Tiling.anyres(5, 9, 5)
TWO_CELLS = TileCells.of({tile: Cells.of(2, 1, 0, 0.5 + tile / 8) for tile in range(2)})


def test_tiles_of_the_frame_before_stand_in_for_those_that_were_not_added():
    before = TileStitcher(TWO_TILES)
    before.add(range(2), TWO_CELLS)
    after = TileStitcher(TWO_TILES, before)
    after.add([1], TileCells.of({1: Cells.of(7, [2, 3], [4, 4])}))
    assert (after.done, after.fixations().grid.tolist()) == (1, [7, 7])
    assert after.shown().grid.tolist() == [7, 7, 2]
    # The frame after that one shows the newest of every tile.
    assert TileStitcher(TWO_TILES, after).shown().grid.tolist() == [7, 7, 2]
    after.add([0], TileCells.of({0: Cells.none()}))
    assert after.shown().grid.tolist() == [7, 7]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Tiling.full_resolution(10, 10, 8, 0), "stride is 1 to 8 pixels.*got 0"),
        (lambda: Tiling.full_resolution(10, 10, 8, 9), "stride is 1 to 8 pixels.*got 9"),
        (lambda: Tiling.anyres(10, 10, 0), "a tile has at least 1 pixel"),
        (lambda: Tiling.anyres(0, 10), "a frame has at least 1 pixel"),
        (lambda: Tiling("resize", 10, 10), "anyres or full-resolution, got 'resize'"),
        (lambda: Tiling("anyres", 10, 10, 8, 4), "anyres has no stride"),
        (lambda: Tiling.anyres(10, 10).batches(0), "a batch has at least 1 tile"),
        (lambda: TiledFrames.of(np.zeros((1, 3, 5, 5)), Tiling.anyres(5, 6)), "5x6"),
        (lambda: stitch(Tiling.anyres(300, 10), [Cells.none()]), "has 2 tiles, got cells of 1"),
        (lambda: TileStitcher(TWO_TILES).add([1], TWO_CELLS), "of tiles that are not added"),
    ],
)
def test_bad_input_gets_one_sentence(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_stitching_nothing_is_nothing():
    assert len(stitch(Tiling.anyres(300, 300), [Cells.none()] * 4)) == 0
    assert len(TileStitcher(Tiling.anyres(5, 5)).shown()) == 0
    assert len(Fixations.concatenate([])) == 0
