import json

import numpy as np
from strategies import noise_frame

from autogaze_web.frames.rgba import as_words
from autogaze_web.live.gazer import HeldFrame
from autogaze_web.model.processor import AutoGazeImageProcessor
from autogaze_web.page import bridge
from autogaze_web.page.bridge import FrameUploader, ModelClock
from autogaze_web.page.gpu_resize import frame_plan


class Bridge:
    def __init__(self):
        self.frames = []

    def upload_frame(self, passes, rows, tables):
        self.frames.append((json.loads(passes), rows.copy(), tables))

    def take_kept(self, passes, tables):
        self.frames.append((json.loads(passes), None, tables))


def test_a_plan_is_uploaded_once_for_each_size():
    bridge, processor = Bridge(), AutoGazeImageProcessor()
    uploader = FrameUploader(bridge, lambda *size: frame_plan(processor, *size, 224))
    frames = [noise_frame(0, 45, 81), noise_frame(1, 45, 81), noise_frame(2, 30, 40), noise_frame(3, 45, 81)]
    for frame in frames:
        uploader.upload(frame)
    assert [tables is None for *_, tables in bridge.frames] == [False, True, False, False]
    for frame, (passes, rows, tables) in zip(frames, bridge.frames, strict=True):
        np.testing.assert_array_equal(rows, as_words(frame).view(np.uint8))
        height, width = frame.shape[:2]
        plan = frame_plan(processor, height, width, rows.shape[1] // 4, 224)
        assert [each["width"] for each in passes] == [each.width for each in plan.passes]
        if tables is not None:
            np.testing.assert_array_equal(tables, plan.tables)


def test_a_frame_that_the_bridge_keeps_has_a_plan_for_its_own_rows():
    bridge, processor = Bridge(), AutoGazeImageProcessor()
    uploader = FrameUploader(bridge, lambda *size: frame_plan(processor, *size, 224))
    held = HeldFrame((45, 81, 4), 128)
    for frame in (noise_frame(0, 45, 81), held, held, noise_frame(1, 45, 81), HeldFrame((45, 81, 4), 82)):
        uploader.upload(frame)
    assert [(rows is None, tables is None) for _, rows, tables in bridge.frames] == [
        (False, False),
        (True, False),
        (True, True),
        (False, False),
        (True, True),  # its rows lie as Python's
    ]
    assert [passes[0]["stride"] for passes, *_ in bridge.frames] == [82, 128, 128, 82, 82]


def test_a_clock_measures_the_runs_and_what_is_between_them_without_what_is_left_out(monkeypatch):
    now = iter([10, 14])
    monkeypatch.setattr(bridge.time, "perf_counter", lambda: next(now))
    clock = ModelClock()
    clock.model_s += 1.5
    clock.leave_out(2)
    assert clock.stages(3) == {"preprocess": 3, "model": 1500, "decode": 500}
