"""The JavaScript API in a page that is not the product's, called from tests."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from in_page import in_page
from numpy.typing import NDArray
from playwright.sync_api import Page
from recorded_page import RecordedPage

from autogaze_web.frames.rgba import allocate, as_frame
from autogaze_web.frames.synthetic import draw_pan
from autogaze_web.live.settings import LiveSettings
from autogaze_web.live.view import LiveView
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.fixations import Fixations

Pixels = NDArray[np.uint8]

MODEL = '{ config: "./model/config.json", weights: "./model/model.safetensors", graphs: "./model" }'
"""The files that `model_page.serve` serves, as `AutoGaze.create` takes them, with the backend to be added."""


class ApiPage:
    """A page with the API's module, its names global. `run` runs an async function's body with arguments."""

    def __init__(self, recorded: RecordedPage, page_url: str, module: str) -> None:
        recorded.expect_problem("favicon")
        self.page: Page = recorded.page
        # A document without a script of its own. One made up by the test would be of no known network, which
        # keeps a page from asking this machine.
        self.page.goto(page_url + "build.json")
        in_page(self.page, "api_helpers.provide", module)

    def run(self, body: str, **given: Any) -> Any:
        """What `body` returns; ``given`` are its variables."""
        names = ", ".join(given)
        return self.page.evaluate(f"async ({{ {names} }}) => {{ {body} }}", given)


def text_of(frames: Pixels) -> str:
    """Pixels for `bytesOf` in the page."""
    return base64.b64encode(np.ascontiguousarray(frames).tobytes()).decode()


def panel(frame: dict[str, Any], name: str) -> Pixels:
    """A panel of a frame that `plain` returned in the page, (H, W, 4)."""
    pixels = np.frombuffer(base64.b64decode(frame[name]), np.uint8)
    return pixels.reshape(frame["height"], frame["width"], 4)


def pan_frames(count: int, height: int, width: int) -> Pixels:
    """The first frames of a synthetic pan, (count, H, W, 4)."""
    frames = np.zeros((count, height, width, 4), np.uint8)
    for index, out in enumerate(frames):
        frame = allocate(height, width)
        draw_pan(frame, index)
        out[:] = frame
    return frames


def assert_panels(
    told: Sequence[dict[str, Any]],
    frames: Pixels,
    cells: Sequence[Cells | Fixations | None],
    settings: Mapping[str, object] | None = None,
) -> None:
    """Panels and numbers that `plain` returned are the native ones for these cells; None is patch-diff's."""
    view = LiveView(LiveSettings.of(settings or {}))
    for frame, pixels, chosen in zip(told, frames, cells, strict=True):
        report = view.step(as_frame(pixels), chosen)
        np.testing.assert_array_equal(panel(frame, "input"), pixels)
        np.testing.assert_array_equal(panel(frame, "mask"), view.mask)
        np.testing.assert_array_equal(panel(frame, "output"), view.output)
        assert frame["maskPixels"] == report.mask_pixels
        assert frame["updatedPixels"] == report.updated_pixels
        assert frame["maskRatio"] == report.mask_ratio
        assert frame["keyframe"] == report.keyframe
        assert frame["cells"] == report.cells
