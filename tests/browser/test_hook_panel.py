"""The feature "Python": a user's function with every frame, its errors at the line, and its end."""

from __future__ import annotations

import pytest
from live_page import assert_native, eventually, open_live, record, shown
from playwright.sync_api import Page

from autogaze_web.page.hook_panel import SHOWN

pytestmark = pytest.mark.browser


def run(page: Page, code: str) -> None:
    page.fill("#hook-code", code)
    page.click("#hook-run")


def wait_status(page: Page, words: str) -> None:
    page.wait_for_function(
        "(words) => document.getElementById('hook-status').textContent.includes(words)", arg=words
    )


def test_a_hook_runs_fails_at_its_line_and_ends(page, site_url):
    open_live(page, site_url, "?source=synthetic-pan&width=128")
    page.click("#feature-python summary")
    options = page.locator("#hook-example option").all_inner_texts()
    for name in options:
        page.select_option("#hook-example", name)
        page.click("#hook-run")
        wait_status(page, "runs on every frame")
        assert record(page, 3)[-1].report["hook"]["problem"] == "", name

    run(
        page,
        "import numpy as np\nnp.fft, np.random\n"
        "def on_frame(frame, trace, output):\n    print('hello')\n    return 255 - frame",
    )
    page.wait_for_function("() => document.getElementById('hook-printed').value.includes('hello')")
    frame = record(page, 3)[-1]
    assert (frame.output == 255 - frame.input).all()

    run(page, "def on_frame(frame, trace, output):\n    a = 1\n    return nothing")
    wait_status(page, "Line 3: NameError")
    assert page.inner_text("#hook-lines .wrong") == "3"
    assert "problem" in page.get_attribute("#hook-status", "class")

    # Code that does not compile stays marked while the function before it runs on.
    run(page, "def on_frame(frame, trace, output):\n    return 255 - frame")
    wait_status(page, "runs on every frame")
    assert "problem" not in page.get_attribute("#hook-status", "class")
    run(page, "def on_frame(frame, trace, output)\n    return frame")
    wait_status(page, "Line 1: ")
    frame = record(page, 3)[-1]
    assert (frame.output == 255 - frame.input).all()
    assert page.inner_text("#hook-status").endswith("Your previous function runs on.")
    assert page.inner_text("#hook-lines .wrong") == "1"
    assert page.inner_text("#hook-hint") == "has an error"
    assert "problem" in page.get_attribute("#hook-status", "class")

    run(page, "def on_frame(frame, trace, output):\n    while True: pass")
    wait_status(page, "one call may take 1 s")
    assert page.is_disabled("#hook-stop")
    assert "hook" not in record(page, 3)[-1].report

    page.reload()
    page.wait_for_selector("#panels.live")
    page.click("#feature-python summary")
    assert "while True: pass" in page.input_value("#hook-code")
    page.click("#hook-clear")
    assert page.evaluate("() => localStorage.getItem('autogaze-hook')") is None

    page.wait_for_function("() => document.getElementById('hook-module').length > 1")
    modules = page.locator("#hook-module option").all_inner_texts()[1:]
    assert tuple(modules) == SHOWN
    page.select_option("#hook-module", "live/numpy_plane.py")
    page.wait_for_function("() => document.getElementById('hook-source').value.includes('class NumpyPlane')")
    page.select_option("#hook-module", "panels/output.py")
    page.wait_for_function("() => document.getElementById('hook-source').value.includes('class Accumulator')")


def test_a_hook_stuck_in_one_call_costs_the_worker_and_not_the_page(recorded, site_url):
    recorded.expect_problem("[Ee]xit|Python|Pyodide|fatal")
    page = recorded.page
    open_live(page, site_url, "?source=synthetic-pan&width=128&patch-diff-threshold=0.3")
    page.click("#feature-python summary")
    run(page, "def on_frame(frame, trace, output):\n    sum(range(10 ** 14))")
    wait_status(page, "cannot be interrupted")
    frames = page.evaluate("() => globalThis.__autogazeFrameStats.count")
    page.click("#python-restart")
    wait_status(page, "Python was restarted")
    run(page, "import os\n\ndef on_frame(frame, trace, output):\n    os._exit(3)")
    wait_status(page, "Python has ended")
    page.click("#python-restart")
    wait_status(page, "Python was restarted")
    assert page.is_hidden("#python-restart")
    page.wait_for_function("(before) => globalThis.__autogazeFrameStats.count > before + 3", arg=frames)
    recorded = record(page, 3)
    assert_native(recorded, {"patch-diff-threshold": 0.3})

    def new_canvases_are_shown():
        assert (shown(page, "output")[..., 3] == 255).all()

    eventually(page, new_canvases_are_shown)
    assert "on_frame" in page.input_value("#hook-code")
    run(page, "def on_frame(frame, trace, output):\n    return 255 - frame")
    wait_status(page, "runs on every frame")
    frame = record(page, 2)[-1]
    assert (frame.output == 255 - frame.input).all()
