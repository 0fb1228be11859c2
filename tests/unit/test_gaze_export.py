"""Files of the gaze that a page asks for."""

from __future__ import annotations

import asyncio
import io
import json

import numpy as np
import pytest

from autogaze_web import Cells, Choice
from autogaze_web.files.gaze_export import gaze_file
from autogaze_web.files.gaze_store import gaze_from_bytes, gaze_to_bytes
from autogaze_web.files.stored_gaze import StoredGaze
from autogaze_web.live.record import FrameRecord, FrameRecords
from autogaze_web.page.clip_session import ClipSession
from autogaze_web.page.live_session import PageSession

PATCH_DIFF = {"name": "patch-diff", "grids": [14]}
AUTOGAZE = {"name": "autogaze", "grids": [2, 4, 7, 14]}


def records_of(*sources):
    records = FrameRecords()
    for index, source in enumerate(sources):
        choice = Choice.of(Cells.of(14, [index], [2]))
        record = FrameRecord(index, index == 0, choice, 1.0, 1.0, 1.0, time=index / 10)
        records.add(record, source)
    return records


def test_it_has_the_last_frames_since_the_grids_changed():
    """In the page patch-diff begins, and the model takes over once it is loaded."""
    records = records_of(
        PATCH_DIFF, PATCH_DIFF, AUTOGAZE, {**AUTOGAZE, "task_loss_requirement": 0.5}, AUTOGAZE
    )
    gaze = gaze_from_bytes(gaze_file(records, 90, 160, {}), ".npz")
    assert gaze.times.tolist() == [0.2, 0.3, 0.4]
    assert [gaze.cells(frame).row.tolist() for frame in range(3)] == [[2], [3], [4]]
    assert gaze.settings == AUTOGAZE
    for frames in (2, 3, 100):
        gaze = gaze_from_bytes(gaze_file(records, 90, 160, {"frames": frames, "format": "json"}), ".json")
        assert gaze.times.tolist() == [0.2, 0.3, 0.4][-frames:]
    for source in (AUTOGAZE, PATCH_DIFF):
        gaze = StoredGaze.of_records(records_of(source, source), 90, 160)
        assert gaze_file(records_of(source, source), 90, 160, {}) == gaze_to_bytes(gaze, ".npz")


def test_masks_and_times():
    request = {"keepGrids": ["14x14", "27x3"], "times": [5, 6.5], "frames": 2}
    with np.load(io.BytesIO(gaze_file(records_of(*[PATCH_DIFF] * 3), 90, 160, request))) as arrays:
        assert sorted(arrays) == ["keep_14x14", "keep_27x3", "times"]
        assert arrays["times"].tolist() == [5, 6.5]
        assert np.argwhere(arrays["keep_14x14"][0]).tolist() == [[0, 1, 2], [1, 2, 2]]
        assert arrays["keep_27x3"].shape == (1, 2, 27, 3)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"format": "npy"}, 'the format is "npz" or "json", got'),
        ({"frames": 0}, "how many of the last frames, 1 to"),
        ({"frames": 2.5}, "how many of the last frames, 1 to"),
        ({"frames": True}, "how many of the last frames, 1 to"),
        ({"keepGrids": "14x14"}, "keepGrids is a list of grids"),
        ({"keepGrids": ["14"]}, "expected height x width such as 14x14, got '14'"),
        ({"keepGrids": [14]}, "expected height x width such as 14x14, got 14"),
        ({"keepGrids": ["14x99999999999999999999"]}, "whole number of 1 to 1024"),
        ({"times": [1]}, "times are 2 numbers"),
        ({"times": "soon"}, "times are 2 numbers"),
        ({"times": [None, "a"]}, "times are 2 numbers"),
        ({"grids": ["14x14"]}, "has the options format, frames, keepGrids, times; got 'grids'"),
    ],
)
def test_error_for_a_request(request_, message):
    with pytest.raises(ValueError, match=message):
        gaze_file(records_of(PATCH_DIFF, PATCH_DIFF), 90, 160, request_)


def test_the_page_saves_what_its_stream_recorded():
    session = PageSession()
    with pytest.raises(ValueError, match="nothing to save"):
        session.gaze_file("{}")
    for index in range(3):
        session.draw_synthetic("synthetic-pan", index, 90, 160)
        session.process(index / 5)
    gaze = gaze_from_bytes(bytes(session.gaze_file('{"format": "json", "frames": 2}')), ".json")
    assert gaze.times.tolist() == [0.2, 0.4]
    assert gaze.settings["name"] == "patch-diff"
    session.draw_synthetic("synthetic-pan", 3, 90, 160)
    cells = json.loads(session.process())["cells"]
    gaze = gaze_from_bytes(bytes(session.gaze_file('{"frames": 1}')), ".npz")
    assert len(gaze.cells(0)) == cells


def test_a_clip_of_the_javascript_api_is_saved_by_itself():
    session = ClipSession()

    def step(brightness):
        session.frame_memory(28, 28)[:] = brightness
        return json.loads(asyncio.run(session.step(lambda *_: None)))["cells"]

    def frames():
        gaze = gaze_from_bytes(bytes(session.gaze_file("{}")), ".npz")
        return [len(gaze.cells(frame)) for frame in range(gaze.times.size)]

    with pytest.raises(ValueError, match="nothing to save"):
        session.gaze_file("{}")
    chosen = [step(brightness) for brightness in (0, 255, 255)]
    assert frames() == chosen
    assert chosen[1] > 0
    # The next clip's output goes on, its gaze does not.
    session.continue_output()
    with pytest.raises(ValueError, match="nothing to save"):
        session.gaze_file("{}")
    assert [step(0)] == frames()
    session.restart()
    with pytest.raises(ValueError, match="nothing to save"):
        session.gaze_file("{}")
