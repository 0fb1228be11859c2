"""The session behind the JavaScript API, without a browser."""

import asyncio
import json

import numpy as np
import pytest

from autogaze_web import __version__, options
from autogaze_web.frames.synthetic import draw_pan
from autogaze_web.live.settings import LiveSettings
from autogaze_web.live.view import LiveView
from autogaze_web.page.clip_session import ClipSession


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
    given = session.overrides()
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
