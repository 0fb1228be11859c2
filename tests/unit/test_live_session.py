import asyncio
import json

import numpy as np
import pytest

from autogaze_web.frames.synthetic import draw_pan
from autogaze_web.live.view import LiveView
from autogaze_web.page.live_session import PageSession
from autogaze_web.panels.mask_panel import PANEL_MODES


@pytest.mark.parametrize(("height", "width"), [(36, 64), (37, 65)])
def test_memory_is_contiguous_rows_of_whole_words(height, width):
    session = PageSession()
    memory = session.frame_memory(height, width)
    assert memory.shape == (height, 8 * -(-width // 2))
    assert memory.flags.c_contiguous
    for name in ("input_memory", "mask_memory", "output_memory"):
        session.process()
        assert getattr(session, name)().shape == memory.shape


def test_a_session_is_the_live_view():
    session, view = PageSession(), LiveView()
    for index in range(4):
        session.draw_synthetic("synthetic-pan", index, 45, 81)
        draw_pan(view.next_frame(45, 81), index)
        report, expected = json.loads(session.process()), view.process()
        assert report["cells"] == expected.cells
        for memory, frame in (
            (session.input_memory(), view.frame),
            (session.mask_memory(), view.mask),
            (session.output_memory(), view.output),
        ):
            np.testing.assert_array_equal(memory.reshape(45, 82, 4)[:, :81], frame)


def test_stale_areas_are_reported_on_demand_and_end_with_a_refresh():
    def report(session, index):
        session.draw_synthetic("synthetic-pan", index, 45, 81)
        return json.loads(session.process())

    session = PageSession()
    wanted = {"tint-stale": True, "show-psnr": False, "patch-diff-threshold": 1}
    session.configure(json.dumps(wanted))
    report(session, 0)
    moved = report(session, 1)
    assert (moved["keyframe"], moved["stale"]["columns"], len(moved["stale"]["blocks"])) == (False, 3, 9)
    assert set(moved["stale"]["blocks"]) >= {"1"}
    session.refresh()
    fresh = report(session, 2)
    assert (fresh["keyframe"], fresh["stale"]["blocks"]) == (True, "0" * 9)
    session.configure(json.dumps({**wanted, "visualization-mode": "full-blend"}))
    assert "stale" not in report(session, 3)


def test_reports_are_json_without_nan():
    session = PageSession()
    session.draw_synthetic("synthetic-pulse", 0, 20, 30)
    assert json.loads(session.process())["psnr"] is None
    session.draw_synthetic("synthetic-pulse", 1, 20, 30)
    text = session.process()
    assert json.loads(text)["psnr"] == "Infinity"
    assert "NaN" not in text


def test_the_cells_of_a_frame_are_listed_in_the_order_of_choice():
    session = PageSession()
    session.configure('{"patch-diff-grid": 2, "patch-diff-threshold": 0.01}')
    frame = np.zeros((20, 41, 4), np.uint8)
    for bright, dim in ((0, 0), (255, 100)):
        frame[:10, 21:], frame[10:, :20] = bright, dim
        session.frame_memory(20, 41).reshape(20, 42, 4)[:, :41] = frame
        session.process()
    listed = json.loads(session.cells())
    assert (listed["width"], listed["height"]) == (41, 20)
    assert (listed["source"], listed["rebuilt"]) == ("patch-diff", True)
    assert listed["cells"] == [[2, 0, 20, 10, 41, 1.0], [2, 10, 0, 20, 21, 1.0]], "most changed first"
    session.configure('{"visualization-mode": "full-blend"}')
    assert json.loads(session.cells())["rebuilt"] is False


def test_options_come_as_json():
    session = PageSession()
    session.configure('{"patch-diff-grid": 3, "patch-diff-threshold": 0}')
    for value in (0, 1):
        session.frame_memory(28, 28)[:] = value
        report = json.loads(session.process())
    assert report["cells"] == 9
    with pytest.raises(ValueError, match="patch-diff-grid is a whole number"):
        session.configure('{"patch-diff-grid": 0}')


def test_traces_have_the_time_and_the_loop_of_each_frame():
    session = PageSession()
    for place in ((0.0,), (1 / 3,), (0.0, 1), ()):
        session.draw_synthetic("synthetic-pan", 0, 28, 28)
        session.process(*place)
    frames = json.loads(bytes(session.file("trace", "{}")))["frames"]
    assert [(frame.get("time"), frame.get("loop")) for frame in frames] == [
        (0, None),
        (0.333333, None),
        (0, 1),
        (None, None),
    ]
    rows = bytes(session.file("metrics", "{}")).decode().splitlines()
    assert [row.split(",")[1] for row in rows] == ["time", "0.000000", "0.333333", "0.000000", ""]


def test_restart_and_unknown_sources():
    session = PageSession()
    session.draw_synthetic("synthetic-pan", 0, 28, 28)
    session.process()
    session.restart()
    session.draw_synthetic("synthetic-pan", 1, 28, 28)
    assert json.loads(session.process())["keyframe"]
    with pytest.raises(ValueError, match="synthetic sources are synthetic-pan"):
        session.draw_synthetic("snow", 0, 28, 28)
    with pytest.raises(ValueError, match="pixels per side"):
        session.frame_memory(0, 28)


def test_other_settings_leave_the_panels_at_the_frames_size_until_the_next_frame():
    """Options may arrive between the processing of a frame and its drawing."""
    session = PageSession()
    session.draw_synthetic("synthetic-pan", 0, 36, 65)
    session.process()
    for panel in PANEL_MODES:
        for output in ("interframe", "full-blend"):
            session.configure(json.dumps({"mask-visualization": panel, "visualization-mode": output}))
            for memory in (session.input_memory(), session.mask_memory(), session.output_memory()):
                assert memory.shape == (36, 8 * 33)


def test_a_picture_that_stands_still_follows_the_settings():
    session = PageSession()
    assert asyncio.run(session.redraw(True)) is None
    for index in range(3):
        session.draw_synthetic("synthetic-pan", 4 * index, 90, 160)
        before = json.loads(session.process())
    assert asyncio.run(session.redraw(False)) is None
    session.configure('{"patch-diff-threshold": 0}')
    text = asyncio.run(session.redraw(True))
    assert text
    again = json.loads(text)
    assert again["cells"] > before["cells"]
    assert (again["index"], again["recorded"]) == (before["index"], before["recorded"])
