import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import some_cells

from autogaze_web.masks.cells import Cells
from autogaze_web.readout.projection import (
    Projection,
    ReadoutOptions,
    VideoReadoutOptions,
    batch_video_coordinates,
    batch_video_tokens,
    clip_video_tokens,
    frame_rectangles,
    frame_tokens,
    rectangle_tokens,
    rectangles_to_video_tokens,
    token_rectangles,
    tokens_to_video_tokens,
)
from autogaze_web.readout.token_grids import ImageGrid, PatchGeometry, VideoGrid, video_coordinates

GRID = ImageGrid(14, 14)


@given(some_cells(), st.integers(1, 20), st.integers(1, 20))
def test_tokens_are_those_whose_area_overlaps_a_cell(cells, height, width):
    """Against a painting: cells and tokens both drawn on a grid that all of them divide."""
    side = 14 * 4 * height * width  # 1, 2, 4, 7, 14 and the grid's sides divide it
    expected = set()
    for grid, row, col in zip(cells.grid.tolist(), cells.row.tolist(), cells.col.tolist(), strict=True):
        y0, y1 = row * side // grid, (row + 1) * side // grid
        x0, x1 = col * side // grid, (col + 1) * side // grid
        for y in range(height):
            for x in range(width):
                overlaps_y = y * side // height < y1 and (y + 1) * side // height > y0
                overlaps_x = x * side // width < x1 and (x + 1) * side // width > x0
                if overlaps_y and overlaps_x:
                    expected.add(y * width + x)
    tokens = frame_tokens(cells, ImageGrid(height, width)).tolist()
    assert set(tokens) == expected
    assert len(tokens) == len(expected)


def test_tokens_are_in_the_order_of_selection():
    cells = Cells.of([14, 2, 14], [13, 0, 0], [13, 1, 13])
    tokens = frame_tokens(cells, GRID).tolist()
    assert tokens[0] == 195
    assert tokens[1:8] == [7, 8, 9, 10, 11, 12, 13]
    assert len(tokens) == 1 + 49


def test_cells_of_the_token_grid_are_its_tokens():
    row, col = np.divmod(np.arange(196), 14)
    assert frame_tokens(Cells.of(14, row, col), GRID).tolist() == list(range(196))


def test_frame_options():
    cells = Cells.of(14, [5, 5, 9], [5, 6, 9], [0.9, 0.3, 0.6])
    assert frame_tokens(cells, GRID, ReadoutOptions(confidence_threshold=0.3)).tolist() == [75, 135]
    assert frame_tokens(cells, GRID, ReadoutOptions(max_fixations=1)).tolist() == [75]
    assert frame_tokens(cells, GRID, ReadoutOptions(max_fixations=0)).size == 0
    assert frame_tokens(cells, GRID, ReadoutOptions(max_tokens=2)).tolist() == [75, 76]
    dilated = frame_tokens(Cells.of(14, 0, 0), GRID, ReadoutOptions(dilation=1))
    assert dilated.tolist() == [0, 1, 14, 15]
    wide = frame_rectangles(Cells.of(2, 0, 0), ReadoutOptions(fixation_scale=2))
    assert wide.tolist() == [[0, 0, 0.75, 0.75]]


def test_empty_and_invalid_rectangles_touch_nothing():
    rectangles = np.array([[0.5, 0.5, 0.5, 0.9], [0.9, 0, 0.1, 1], [np.nan, 0, 1, 1]])
    assert rectangle_tokens(rectangles, GRID).size == 0


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_the_rectangle_of_a_token_touches_only_that_token(height, width, data):
    grid = ImageGrid(height, width)
    tokens = np.array(data.draw(st.lists(st.integers(0, len(grid) - 1), unique=True)), np.int64)
    assert rectangle_tokens(token_rectangles(tokens, grid), grid).tolist() == tokens.tolist()


def test_video_tokens_of_tubelets():
    video = VideoGrid(2, 7, 7)
    frames = [np.array([0]), np.array([0, 195]), np.array([28]), np.array([], np.int64), np.array([1])]
    tokens = tokens_to_video_tokens(frames, GRID, video, VideoReadoutOptions(tubelet=2))
    # The fifth frame is beyond the second bin; two tokens of a row of 14 are one of 7.
    assert tokens.tolist() == [0, 48, 49 + 7]
    dilated = tokens_to_video_tokens(frames[:1], GRID, video, VideoReadoutOptions(tubelet=2, dilation=1))
    assert dilated.tolist() == [0, 1, 7, 8]


def test_minimum_maximum_and_exact_counts():
    video = VideoGrid(1, 4, 4)
    frames = [np.array([[0, 0, 1, 0.25]])]  # the left column: 0, 4, 8, 12
    assert rectangles_to_video_tokens(frames, video).tolist() == [0, 4, 8, 12]
    few = VideoReadoutOptions(max_tokens=3)
    assert rectangles_to_video_tokens(frames, video, few).tolist() == [0, 4, 8]
    # (i * 15 + 3) // 6 is 0, 3, 5, 8, 10, 13
    exactly = VideoReadoutOptions().exactly(6)
    assert rectangles_to_video_tokens(frames, video, exactly).tolist() == [0, 4, 8, 12, 3, 5]
    assert rectangles_to_video_tokens(frames, video, exactly.exactly(99)).size == 16
    assert rectangles_to_video_tokens([], video, exactly).tolist() == [0, 3, 5, 8, 10, 13]
    assert rectangles_to_video_tokens([], video, exactly.exactly(16)).tolist() == list(range(16))


@given(st.lists(some_cells(6), min_size=1, max_size=5), st.integers(0, 70), st.integers(1, 3))
def test_exact_counts_are_exact(frames, count, tubelet):
    projection = Projection(
        GRID, VideoGrid(2, 4, 6), video_options=VideoReadoutOptions(tubelet=tubelet).exactly(count)
    )
    tokens = clip_video_tokens(frames, projection).tolist()
    assert len(tokens) == len(set(tokens)) == min(count, 48)
    assert all(0 <= token < 48 for token in tokens)


def test_batches():
    projection = Projection(GRID, VideoGrid(1, 14, 14))
    clips = [[Cells.of(14, 0, 3)], [Cells.none()], [Cells.of(14, [13, 13], [1, 2])]]
    assert [tokens.tolist() for tokens in batch_video_tokens(clips, projection)] == [[3], [], [183, 184]]
    coordinates = batch_video_coordinates(clips, projection)
    assert coordinates.tolist() == [[0, 0, 0, 3], [2, 0, 13, 1], [2, 0, 13, 2]]
    assert batch_video_coordinates([], projection).shape == (0, 4)


def test_grids():
    assert len(ImageGrid.square(196)) == 196
    assert PatchGeometry(16, 224, 256).grid() == VideoGrid(8, 14, 16)
    assert video_coordinates([0, 49, 97], VideoGrid(2, 7, 7)).tolist() == [[0, 0, 0], [1, 0, 0], [1, 6, 6]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ImageGrid.square(200), "200 tokens do not make a square"),
        (lambda: ImageGrid(0, 3), "at least 1x1"),
        (lambda: VideoGrid(0, 3, 3), "at least 1x1x1"),
        (lambda: PatchGeometry(15, 224, 224).grid(), "frames of 15 cannot be cut into patches of 2"),
        (lambda: PatchGeometry(16, 224, 224, patch_width=0).grid(), "width of 224"),
        (lambda: video_coordinates([5], VideoGrid(1, 2, 2)), "token 5 is outside the 1x2x2 grid"),
        (lambda: token_rectangles(np.array([4]), ImageGrid(2, 2)), "not all in the 2x2 grid"),
        (lambda: ReadoutOptions(dilation=-1), "dilation is a number of at least 0"),
        (lambda: ReadoutOptions(confidence_threshold=float("nan")), "threshold is a number"),
        (lambda: ReadoutOptions(fixation_scale=0), "cell scale is above 0"),
        (lambda: VideoReadoutOptions(tubelet=0), "at least 1 frame"),
        (lambda: VideoReadoutOptions(min_tokens=3, max_tokens=2), "less than min_tokens"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
