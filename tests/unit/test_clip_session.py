"""The session behind the JavaScript API, without a browser."""

import asyncio
import json

import numpy as np
import pytest

from autogaze_web import __version__, options
from autogaze_web.frames.synthetic import draw_pan
from autogaze_web.live.view import LiveSettings, LiveView
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.choice import Choice
from autogaze_web.masks.fixations import Fixations
from autogaze_web.page.clip_session import ClipSession
from autogaze_web.page.points import frame_points


def step(session, index, height=45, width=81):
    frame = session.frame_memory(height, width).reshape(height, -1, 4)[:, :width]
    draw_pan(frame, index)
    return json.loads(asyncio.run(session.step(lambda *_: None)))


def test_a_session_without_a_model_is_the_live_view():
    session, view = ClipSession(), LiveView(LiveSettings.of({"patch-diff-grid": 5}))
    session.change('{"patchDiffGrid": 5}')
    for index in range(4):
        draw_pan(view.next_frame(45, 81), index)
        answer, report = step(session, index), view.process()
        assert (answer["index"], answer["cells"], answer["keyframe"]) == (index, report.cells, index == 0)
        assert (answer["maskPixels"], answer["updatedPixels"]) == (report.mask_pixels, report.updated_pixels)
        np.testing.assert_array_equal(session.mask_memory().reshape(45, 82, 4)[:, :81], view.mask)
        np.testing.assert_array_equal(session.output_memory().reshape(45, 82, 4)[:, :81], view.output)
    assert answer["scales"] == [{"grid": 5, "rows": 5, "columns": 5}]
    assert len(answer["points"]["token"]) == report.cells > 0
    session.restart()
    assert step(session, 4)["keyframe"]
    assert session.version() == __version__
    assert session.tile_count(720, 1280) == 1


def test_settings_are_options_under_their_names_in_javascript():
    session = ClipSession()
    before = session.settings()
    session.change(
        '{"keyframeDuration": "5", "mask_geometry": "union", "task-loss": "20dB", "mode": "tiled"}'
    )
    settings = json.loads(session.settings())
    assert settings["keyframeDuration"] == 5
    assert settings["maskGeometry"] == "deduplicated"
    assert settings["taskLossRequirement"] == 0.1
    tiled = options.defaults(tiled=True)
    assert settings["maxGazeTokensEachFrame"] == tiled["max-gaze-tokens-each-frame"]
    assert session.tile_count(720, 1280) == 24
    given = session.given()
    session.change('{"keyframeDuration": null, "maxGazeTokensEachFrame": 1, "topK": 3}')
    assert json.loads(session.settings())["keyframeDuration"] == 0
    assert session.token_limit() == 3
    session.restore(given)
    assert json.loads(session.settings()) == settings
    session.change(json.dumps(dict.fromkeys(settings)))
    assert session.settings() == before


def test_all_wrong_settings_are_named_and_nothing_changes():
    session = ClipSession()
    before = session.settings()
    with pytest.raises(
        ValueError, match="blendAlpha is a number from 0 to 1, got 2\nthere is no setting 'x'"
    ):
        session.change('{"keyframeDuration": 5, "blendAlpha": 2, "x": 1}')
    with pytest.raises(
        ValueError, match="there is no setting 'source'; the settings are taskLossRequirement, "
    ):
        session.change('{"source": "camera"}')
    assert session.settings() == before


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
