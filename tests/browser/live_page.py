"""The page under test: opening it, recording what it shows, and computing the same natively."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from in_page import in_page
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, Worker

from autogaze_web.live.settings import LiveSettings
from autogaze_web.live.view import LiveView

Pixels = NDArray[np.uint8]
T = TypeVar("T")

PANELS = ("input", "mask", "output")
LOAD_TIMEOUT_MS = 60_000

SCRIPTS = Path(__file__).parent / "scripts"
"""Scripts that take the place of parts of the browser, for `page.add_init_script`."""


@dataclass(frozen=True)
class Recorded:
    """One processed frame of the page: its numbers and its panels, (H, W, 4) uint8."""

    report: dict[str, Any]
    input: Pixels
    mask: Pixels
    output: Pixels


def open_live(page: Page, url: str, query: str = "") -> None:
    """Opens the page and waits until Python has shown a frame."""
    page.goto(url + query)
    wait_live(page)


def choose_files(page: Page, *paths: Path) -> None:
    """Chooses files as a user does: once the page has a button for it."""
    page.wait_for_function("() => globalThis.autogaze", timeout=LOAD_TIMEOUT_MS)
    page.set_input_files("#file", paths)


def reopen(page: Page, query: str = "") -> None:
    """Puts an open page into the state in which the query opens one: Python, which starts slowly, stays."""
    if page.is_visible("#notice"):
        page.click("#notice-close")
    in_page(page, "live_frames.reopen", query)


def open_feature(page: Page, name: str) -> None:
    """Opens one of the features under the controls, if it is not open."""
    if page.get_attribute(f"#feature-{name}", "open") is None:
        page.click(f"#feature-{name} > summary")


def drawing_worker(page: Page) -> Worker:
    """The worker that runs Python and draws."""
    return next(worker for worker in page.workers if worker.url.endswith("/live_worker.mjs"))


def wait_live(page: Page) -> None:
    """Waits until the panels show a processed frame."""
    page.wait_for_selector("#panels.live", timeout=LOAD_TIMEOUT_MS)


def record(page: Page, count: int, source: str = "") -> list[Recorded]:
    """The first `count` frames of the source, opened again for it, as the page processed them."""
    return decoded(in_page(page, "live_frames.record", count, source, LOAD_TIMEOUT_MS))


def decoded(frames: list[dict[str, Any]]) -> list[Recorded]:
    """Frames as `live_frames.encoded` hands them over."""
    return [
        Recorded(
            entry["report"],
            *(_pixels(entry[name], entry["report"]["height"], entry["report"]["width"]) for name in PANELS),
        )
        for entry in frames
    ]


def play(page: Page, source: str, count: int, width: int, height: int) -> list[dict[str, Any]]:
    """Sends exactly these frames of a synthetic source as a stream of their own; their reports."""
    reports: list[dict[str, Any]] = in_page(page, "live_frames.play", source, count, width, height)
    return reports


def _pixels(text: str, height: int, width: int) -> Pixels:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)


def shown(page: Page, panel: str) -> Pixels:
    """What a panel's canvas shows now, (H, W, 4).

    The worker draws it, and what it drew reaches the page some time after the frame's numbers: `assert_shown`
    and `shown_at_rest` wait for that.
    """
    text, height, width = in_page(page, "live_frames.shown", panel)
    return _pixels(text, height, width)


def eventually(page: Page, check: Callable[[], T]) -> T:
    """What `check` returns once none of its assertions fails; after a minute the last failure counts."""
    deadline = time.monotonic() + LOAD_TIMEOUT_MS / 1000
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        page.wait_for_timeout(30)


def assert_shown(page: Page, panel: str, expected: Pixels) -> None:
    """A panel comes to show these pixels, (H, W, 3) or (H, W, 4)."""
    channels = expected.shape[-1]
    eventually(
        page, lambda: np.testing.assert_array_equal(shown(page, panel)[..., :channels], expected, panel)
    )


def wait_shape(page: Page, height: int, width: int) -> None:
    """Waits until all panels have this size."""

    def check() -> None:
        assert {shown(page, name).shape[:2] for name in PANELS} == {(height, width)}

    eventually(page, check)


def shown_at_rest(page: Page) -> dict[str, Pixels]:
    """The panels of a source that was paused, by name: all of one frame, and as the page shows them."""

    def check() -> dict[str, Pixels]:
        pictures = [base64.b64decode(text) for text in in_page(page, "live_frames.drawn", PANELS)]
        drawn = [np.asarray(Image.open(io.BytesIO(picture)).convert("RGBA")) for picture in pictures]
        panels = {name: shown(page, name) for name in PANELS}
        for name, expected in zip(PANELS, drawn, strict=True):
            np.testing.assert_array_equal(panels[name], expected, name)
        return panels

    return eventually(page, check)


def pause(page: Page) -> dict[str, Pixels]:
    """Pauses the source; the panels as they then stay."""
    page.click("#run")
    page.wait_for_function("() => globalThis.autogaze.player.state === 'paused'")
    return shown_at_rest(page)


def wait_frames(page: Page, count: int) -> None:
    """Waits until so many frames more were shown; of two the second was captured after this call."""
    in_page(page, "live_frames.waitFrames", count)


def nearest(frame: Pixels, candidates: Pixels) -> tuple[int, float]:
    """The candidate, of (T, H, W, 3), most like a frame and their mean difference in grey levels."""
    distances = [np.abs(frame[..., :3].astype(int) - each).mean() for each in candidates]
    best = int(np.argmin(distances))
    return best, float(distances[best])


def take_stream_away(page: Page) -> None:
    """The camera is unplugged, or the screen no longer shared."""
    in_page(page, "live_frames.endTrack")


def assert_native(frames: list[Recorded], options: dict[str, object] | None = None) -> None:
    """The page's masks, outputs and numbers are those of the native package on the page's own input."""
    view = LiveView(LiveSettings.of(options or {}))
    for frame in frames:
        view.next_frame(*frame.input.shape[:2])[:] = frame.input
        report = view.process()
        assert (frame.report["index"], frame.report["cells"]) == (report.index, report.cells)
        np.testing.assert_array_equal(frame.mask, view.mask)
        np.testing.assert_array_equal(frame.output, view.output)
        assert frame.report["maskRatio"] == report.mask_ratio
        if not report.keyframe:
            assert frame.report["updateRatio"] == report.update_ratio
            assert float(frame.report["psnr"]) == pytest.approx(report.psnr, rel=1e-12)  # log10 differs
