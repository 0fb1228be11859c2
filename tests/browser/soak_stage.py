"""The page that the soak runs on: following its frames, and telling whether it is well."""

from __future__ import annotations

import re

import numpy as np
from clips import Frames
from in_page import in_page
from live_page import LOAD_TIMEOUT_MS, nearest, shown_at_rest
from playwright.sync_api import Page
from recorded_page import RecordedPage

from autogaze_web.frames.rgba import allocate
from autogaze_web.frames.synthetic import SYNTHETIC_SOURCES

_FRAMES_LIMIT_MS = 120_000
_CAMERA_GREYS = 4


class Stage:
    """A recorded page that streams.

    Attributes:
        recorded, page: the page.
        camera: the frames that play as its camera.
    """

    def __init__(self, recorded: RecordedPage, camera: Frames) -> None:
        self.recorded, self.page = recorded, recorded.page
        self._camera = camera
        in_page(self.page, "followed_stream.follow")

    def count(self, name: str) -> int:
        """How often something happened: frames `done`, those `withoutModel`, `models` that became ready."""
        return int(in_page(self.page, "followed_stream.count", name))

    def frames(self, count: int) -> None:
        """Waits until this many more frames are shown."""
        in_page(self.page, "followed_stream.waitFrames", count, _FRAMES_LIMIT_MS)

    def choose(self, source: str) -> None:
        """Chooses a source as a person does, or starts it again."""
        if self.page.input_value("#source") == source:
            self.page.evaluate("(source) => { globalThis.autogaze.player.open(source); }", source)
        else:
            self.page.select_option("#source", source)
            # The open source continues until a camera is allowed.
            self.page.wait_for_function("(source) => autogaze.player.name === source", arg=source)
        self.page.wait_for_selector("#panels.live", timeout=LOAD_TIMEOUT_MS)

    def give(self, **values: object) -> None:
        """Sets options, with underscores for their hyphens, as the panel of settings does."""
        given = {name.replace("_", "-"): value for name, value in values.items()}
        self.page.evaluate("(given) => globalThis.autogaze.settings.set(given)", given)

    def told(self, sentence: str) -> None:
        """Waits until the page says a sentence that begins so, and dismisses it."""
        self.page.wait_for_function(
            "(text) => !document.getElementById('notice').hidden"
            " && document.getElementById('notice-text').textContent.startsWith(text)",
            arg=sentence,
            timeout=LOAD_TIMEOUT_MS,
        )
        self.page.click("#notice-close")

    def expected(self, pattern: str) -> None:
        """Forgets the problems so far that belong to what was just done."""
        kept = [line for line in self.recorded.problems if not re.search(pattern, line)]
        self.recorded.problems[:] = kept

    def assert_well(self, width: int, height: int, model: bool) -> None:
        """The stream goes on without a complaint, and its newest frame is in the panels, all of this size."""
        self.frames(3)
        assert self.page.is_hidden("#notice"), self.page.inner_text("#notice-text")
        assert not self.recorded.problems, "\n".join(self.recorded.problems)
        facts = self.page.inner_text("#facts")
        assert f"{width}\u00d7{height} pixels" in facts, facts
        assert ("AutoGaze" in facts) is model, facts
        self.page.click("#run")
        self.assert_newest_shown(width, height)
        self.page.click("#run")
        self.frames(1)

    def assert_newest_shown(self, width: int, height: int) -> None:
        """The paused page shows the frame that its source gave last, and what was made of it."""
        assert self.page.inner_text("#run") == "Start", "the source is not paused"
        panels = shown_at_rest(self.page)
        sent = in_page(self.page, "followed_stream.newestSent")
        assert (sent["width"], sent["height"]) == (width, height)
        for name, pixels in panels.items():
            assert pixels.shape[:2] == (height, width), f"the {name} panel is of {pixels.shape[:2]}"
        picture = panels["input"]
        if sent["synthetic"]:
            expected = allocate(height, width)
            SYNTHETIC_SOURCES[sent["synthetic"]](expected, sent["index"])
            what = f"the input panel, frame {sent['index']} of {sent['synthetic']}"
            np.testing.assert_array_equal(picture, expected, what)
        else:
            assert nearest(picture, self._camera)[1] < _CAMERA_GREYS, "no frame of the camera is shown"
        covered = panels["mask"][..., 3] > 0
        np.testing.assert_array_equal(panels["output"][covered], picture[covered], "inside the cells")


def wait_gone(page: Page) -> None:
    """Waits until no model chooses the cells."""
    page.wait_for_function("() => !document.getElementById('facts').textContent.includes('AutoGaze')")
