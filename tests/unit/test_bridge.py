import json

import numpy as np
from strategies import noise_frame

from autogaze_web.frames.rgba import as_words
from autogaze_web.model.processor import AutoGazeImageProcessor
from autogaze_web.page.bridge import FrameUploader
from autogaze_web.page.gpu_resize import frame_plan


class Bridge:
    def __init__(self):
        self.frames = []

    def upload_frame(self, passes, rows, tables):
        self.frames.append((json.loads(passes), rows.copy(), tables))


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
