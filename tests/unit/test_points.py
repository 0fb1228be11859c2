import numpy as np
import pytest

from autogaze_web.masks.cells import Cells
from autogaze_web.masks.choice import Choice
from autogaze_web.masks.fixations import Fixations
from autogaze_web.page.points import frame_points


def test_points_of_cells_and_pads():
    cells = Cells.of(np.array([2, 7]), np.array([1, 6]), np.array([0, 3]), np.array([0.5, 0.25]))
    choice = Choice(
        cells,
        np.array([2, 65]),
        padded=1,
        slots=np.array([False, True, False]),
        task_loss=np.array([0.9, 0.8, 0.7], np.float32),
    )
    points = frame_points(choice, {"grids": [2, 7]}, 70, 140)["points"]
    assert points["token"] == [2, -1, 65]
    assert points["padded"] == [False, True, False]
    assert points["confidence"] == [0.5, 0, 0.25]
    assert [points[side] for side in ("left", "top", "right", "bottom")] == [
        [0, 0, 60],
        [35, 0, 60],
        [70, 0, 80],
        [70, 0, 70],
    ]
    assert (points["x"][:2], points["y"][:2], points["width"][:2]) == ([0.25, 0.5], [0.75, 0.5], [0.5, 0.25])
    assert (points["row"], points["column"]) == ([1, -1, 6], [0, -1, 3])
    assert points["taskLoss"] == pytest.approx([0.9, 0.8, 0.7])


def test_cells_of_overlapping_tiles_share_no_grid():
    edges = np.array([[0, 0]]), np.array([[224, 224]]), np.array([[1000, 2000]])
    cells = Fixations(*edges, np.array([2], np.int32), np.array([1], np.float32))
    source = {"mode": "full-resolution", "tile": 224, "grids": [2]}
    result = frame_points(Choice.of(cells), source, 100, 200)
    assert result["scales"] == [{"grid": 2, "rows": None, "columns": None}]
    assert (result["points"]["row"], result["points"]["right"]) == ([-1], [23])


def test_scales_of_tiles_side_by_side_cover_the_frame():
    source = {"mode": "tiled", "tile": 64, "grids": [1, 4]}
    result = frame_points(Choice.none(), source, 100, 150)
    assert result["scales"] == [
        {"grid": 1, "rows": 2, "columns": 3},
        {"grid": 4, "rows": 8, "columns": 12},
    ]
