"""A model that keeps up with the frames, and one that does not: which cells a frame is shown with."""

from __future__ import annotations

import numpy as np
import pytest
from in_page import in_page
from live_page import LOAD_TIMEOUT_MS, drawing_worker, open_live, pause, record, shown_at_rest
from model_page import ADDRESSES, replay, serve, wait_model
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

QUERY = "?source=synthetic-pan&width=128&mask-source=autogaze&backend=wasm" + ADDRESSES


def open_slow(live, checkpoint, slow, query=""):
    page = live(QUERY.replace("autogaze&", "patch-diff&") + query)
    serve(page, checkpoint)
    in_page(drawing_worker(page), "worker_hooks.slowDown", slow)
    page.select_option("#mask-source", "autogaze")
    wait_model(page, "WebAssembly")
    return page


def test_a_slow_model_holds_no_frame_up(live, checkpoint):
    page = open_slow(live, checkpoint, {"frames": 5}, "&mask-timing=newest")
    frames = record(page, 40)
    replay(frames, checkpoint)
    reports = [frame.report for frame in frames]
    assert 2 <= reports[-1]["gazes"] <= 8, "a gaze for every five frames"
    assert {report["gazes"] for report in reports[:5]} == {0}
    for report in reports:
        assert report["maskTiming"] == "newest"
        if report["gazes"]:
            assert report["maskAgeFrames"] >= 5
            assert report["maskAgeMs"] > 0
    expect(page.locator("#facts")).to_contain_text(" old")


def test_a_model_that_keeps_up_is_waited_for_and_one_that_stops_to_is_not(live, checkpoint):
    # Times are counted shorter than they are, so that a busy machine is no slow model.
    fast, slow = {"milliseconds": 0, "clockRate": 0.01}, {"milliseconds": 200, "clockRate": 1}
    page = open_slow(live, checkpoint, fast)
    in_page(drawing_worker(page), "worker_hooks.followClockRate")
    timing = (
        "(timing) => document.getElementById('facts').textContent.includes(' old') === (timing === 'newest')"
    )
    page.wait_for_function(timing, arg=False, timeout=LOAD_TIMEOUT_MS)
    in_page(drawing_worker(page), "worker_hooks.slowDown", slow)
    page.wait_for_function(timing, arg=True, timeout=LOAD_TIMEOUT_MS)
    in_page(drawing_worker(page), "worker_hooks.slowDown", fast)
    page.wait_for_function(timing, arg=False, timeout=LOAD_TIMEOUT_MS)


def test_own_cells_are_waited_for_however_slow_the_model_is(live, checkpoint):
    page = open_slow(live, checkpoint, {"milliseconds": 200}, "&mask-timing=own")
    frames = record(page, 4)
    replay(frames, checkpoint)
    for count, frame in enumerate(frames, start=1):
        assert (frame.report["gazes"], frame.report["maskAgeFrames"]) == (count, 0)


def test_a_picture_that_stands_still_gets_its_own_cells(live, checkpoint):
    page = open_slow(live, checkpoint, {"milliseconds": 400})
    record(page, 10)
    pause(page)
    page.wait_for_function("() => document.getElementById('facts').textContent.includes('mask 0 frames')")
    panels = shown_at_rest(page)
    covered = panels["mask"][..., 3] > 0
    assert covered.any()
    np.testing.assert_array_equal(panels["output"][covered], panels["input"][covered])


def test_with_threads_the_tokens_are_the_same(page, isolated_url, checkpoint):
    serve(page, checkpoint)
    open_live(page, isolated_url, QUERY + "&mask-timing=own")
    threads = page.evaluate("() => crossOriginIsolated && Math.min(navigator.hardwareConcurrency, 8)")
    assert threads, "the page is not isolated"
    wait_model(page, f"WebAssembly, {threads} thread")
    replay(record(page, 5), checkpoint)


def test_a_picture_that_stands_still_follows_slider_and_mask_source(live, checkpoint):
    page = live("?source=synthetic-pan&width=160&backend=wasm" + ADDRESSES)
    serve(page, checkpoint)
    in_page(drawing_worker(page), "worker_hooks.slowDown", {})
    record(page, 3)
    pause(page)
    page.fill("#quality", "100")
    page.wait_for_function("() => document.getElementById('facts').textContent.includes(' 196 cells')")
    assert (shown_at_rest(page)["mask"][..., 3] > 0).all()
    page.select_option("#mask-source", "autogaze")
    wait_model(page, "WebAssembly")
    page.wait_for_function("() => document.getElementById('facts').textContent.includes('mask 0 frames')")
    panels = shown_at_rest(page)
    covered = panels["mask"][..., 3] > 0
    assert covered.any()
    np.testing.assert_array_equal(panels["output"][covered], panels["input"][covered])
    page.select_option("#mask-source", "patch-diff")
    page.wait_for_function("() => document.getElementById('facts').textContent.includes(' 196 cells')")
