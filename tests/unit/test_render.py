from strategies import noise_frame

from autogaze_web.files.render import side_by_side
from autogaze_web.live.pipeline import process_frames


def test_panels_side_by_side():
    (processed,) = process_frames([noise_frame(0, 60, 80)])
    assert side_by_side(processed, 30).shape == (30, 3 * 40 + 2 * 4, 3)
