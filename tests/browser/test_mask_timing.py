"""A model that keeps up with the frames, and one that does not: which cells a frame is shown with."""

from __future__ import annotations

import numpy as np
import pytest
from live_page import LOAD_TIMEOUT_MS, open_live, record, shown
from model_page import ADDRESSES, serve, wait_model

from autogaze_web import AutoGaze, AutoGazeImageProcessor
from autogaze_web.cells import Cells
from autogaze_web.frames import as_frame
from autogaze_web.live import LiveSettings, LiveView

pytestmark = pytest.mark.browser

QUERY = "?source=synthetic-pan&width=128&mask-source=autogaze&backend=wasm" + ADDRESSES

# Every run of the model takes so much longer: until so many frames more were shown, or so many milliseconds.
SLOW_DOWN = """(slow) => {
  const [ask, answer] = [Worker.prototype.postMessage, globalThis.postMessage];
  const held = [];
  Object.assign(globalThis, slow);
  Worker.prototype.postMessage = function (message, ...more) {
    const go = () => ask.call(this, message, ...more);
    if (message?.type !== "execute") go();
    else if (globalThis.frames) held.push({ go, frames: globalThis.frames });
    else if (globalThis.milliseconds) setTimeout(go, globalThis.milliseconds);
    else go();
  };
  globalThis.postMessage = (message, ...more) => {
    answer(message, ...more);
    if (message.type === "done" && held.length > 0 && --held[0].frames <= 0) held.shift().go();
  };
}"""


def open_slow(page, url, checkpoint, slow, query=""):
    serve(page, checkpoint)
    open_live(page, url, QUERY.replace("autogaze&", "patch-diff&") + query)
    page.workers[0].evaluate(SLOW_DOWN, slow)
    page.select_option("#mask-source", "autogaze")
    wait_model(page, "WebAssembly")


def replay(frames, checkpoint):
    """The native package, gazing at those frames of the page's input that the page's model gazed at."""
    model = AutoGaze.from_pretrained(checkpoint)
    processor = AutoGazeImageProcessor.from_pretrained(checkpoint)
    stream = model.stream(model.config.gazing_ratio, 0.7, max_tokens=16)
    view = LiveView(LiveSettings.of({}))
    cells, gazed = Cells.none(), -1
    for index, frame in enumerate(frames):
        report = frame.report
        if report["gazes"]:
            looked_at = index - report["mask_age_frames"]
            if looked_at != gazed:
                gaze = stream.step(processor(frames[looked_at].input[None, ..., :3])[0])
                cells, gazed = gaze.cells(), looked_at
        expected = view.step(as_frame(frame.input), cells)
        assert report["cells"] == expected.cells
        np.testing.assert_array_equal(frame.mask, view.mask)
        np.testing.assert_array_equal(frame.output, view.output)


def test_a_slow_model_holds_no_frame_up(page, site_url, checkpoint):
    open_slow(page, site_url, checkpoint, {"frames": 5}, "&mask-timing=newest")
    frames = record(page, 40)
    replay(frames, checkpoint)
    reports = [frame.report for frame in frames]
    assert 2 <= reports[-1]["gazes"] <= 8, "a gaze for every five frames"
    assert {report["gazes"] for report in reports[:5]} == {0}
    for report in reports:
        assert report["mask_timing"] == "newest"
        if report["gazes"]:
            assert report["mask_age_frames"] >= 5
            assert report["mask_age_ms"] > 0
    assert " old" in page.inner_text("#facts")


def test_a_model_that_keeps_up_is_waited_for_and_one_that_stops_to_is_not(page, site_url, checkpoint):
    open_slow(page, site_url, checkpoint, {"milliseconds": 0})
    timing = (
        "(timing) => document.getElementById('facts').textContent.includes(' old') === (timing === 'newest')"
    )
    page.wait_for_function(timing, arg=False, timeout=LOAD_TIMEOUT_MS)
    page.workers[0].evaluate("() => { globalThis.milliseconds = 200; }")
    page.wait_for_function(timing, arg=True, timeout=LOAD_TIMEOUT_MS)
    page.workers[0].evaluate("() => { globalThis.milliseconds = 0; }")
    page.wait_for_function(timing, arg=False, timeout=LOAD_TIMEOUT_MS)


def test_own_cells_are_waited_for_however_slow_the_model_is(page, site_url, checkpoint):
    open_slow(page, site_url, checkpoint, {"milliseconds": 200}, "&mask-timing=own")
    frames = record(page, 4)
    replay(frames, checkpoint)
    for count, frame in enumerate(frames, start=1):
        assert (frame.report["gazes"], frame.report["mask_age_frames"]) == (count, 0)


def test_a_picture_that_stands_still_gets_its_own_cells(page, site_url, checkpoint):
    open_slow(page, site_url, checkpoint, {"milliseconds": 400})
    record(page, 10)
    page.click("#run")
    page.wait_for_function("() => document.getElementById('run').textContent === 'Start'")
    page.wait_for_function("() => document.getElementById('facts').textContent.includes('mask 0 frames')")
    mask, output, source = (shown(page, name) for name in ("mask", "output", "input"))
    covered = mask[..., 3] > 0
    assert covered.any()
    np.testing.assert_array_equal(output[covered], source[covered])


def test_with_threads_the_tokens_are_the_same(page, isolated_url, checkpoint):
    serve(page, checkpoint)
    open_live(page, isolated_url, QUERY + "&mask-timing=own")
    threads = page.evaluate("() => crossOriginIsolated && Math.min(navigator.hardwareConcurrency, 8)")
    assert threads, "the page is not isolated"
    wait_model(page, f"WebAssembly, {threads} thread")
    replay(record(page, 5), checkpoint)
