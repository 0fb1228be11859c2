"""An MP4 that the command line renders has the same colours in a browser at any height."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from recorded_page import RecordedPage

from autogaze_web.files.mp4_writer import write_mp4

pytestmark = pytest.mark.browser

RED = (189, 29, 61)

SHOWN_COLOUR = """async (address) => {
    const video = document.createElement("video");
    video.muted = true;
    video.src = address;
    const shown = new Promise((done) => video.requestVideoFrameCallback(done));
    await video.play();
    await shown;
    const context = new OffscreenCanvas(video.videoWidth, video.videoHeight).getContext("2d");
    context.drawImage(video, 0, 0);
    return [...context.getImageData(50, 50, 1, 1).data].slice(0, 3);
}"""


@pytest.mark.parametrize("height", [240, 720])
def test_red_is_the_same_red_at_any_height(
    recorded: RecordedPage, plain_url: str, tmp_path: Path, height: int
) -> None:
    """Untagged, players take a video of 720 rows for BT.709 and one of 240 for BT.601."""
    path = tmp_path / "red.mp4"
    write_mp4(path, [np.full((height, 320, 3), RED, np.uint8)] * 5, 10)
    recorded.page.goto(plain_url + "build.json")  # a document of the site without a script of its own
    recorded.expect_problem(r"/favicon\.ico")
    address = "data:video/mp4;base64," + base64.b64encode(path.read_bytes()).decode()
    colour = recorded.page.evaluate(SHOWN_COLOUR, address)
    assert np.abs(np.array(colour) - RED).max() <= 2
