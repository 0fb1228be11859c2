"""What a visit costs: bytes over the wire, a start of Python without compiling, an idle main thread."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from in_page import in_page
from live_page import LOAD_TIMEOUT_MS, open_live, wait_frames
from model_page import wait_model
from playwright.sync_api import Browser, Page, expect
from recorded_page import RecordedPage

pytestmark = pytest.mark.browser

BUDGET = 9_000_000
LONG_TASK_MS = 50
# Files that AutoGaze needs, and files that the first frame needs.
MODEL_FILES = ("built-in/", "runtime/onnxruntime/")
FRAME_FILES = ("python/", "runtime/pyodide/", "sample/")
# What a static host does not compress, because it is compressed already.
COMPRESSED = (".whl", ".zip", ".png", ".webp", ".webm", ".mp4", ".woff2")


def test_python_starts_without_compiling_and_numpy_works(
    recorded: RecordedPage, site_url: str, site_dist: Path
) -> None:
    build = json.loads((site_dist / "build.json").read_text(encoding="utf-8"))
    recorded.page.goto(site_url + "build.json")  # a document of the site without a script of its own
    recorded.expect_problem(r"/favicon\.ico")
    sources = in_page(recorded.page, "python_start.startPython", build)
    assert [name for name in sources if "/autogaze_web/" not in name] == []


def test_a_first_visit_fetches_no_more_than_it_may(
    recorded: RecordedPage, site_url: str, site_dist: Path
) -> None:
    """A visit without a query plays the sample; what AutoGaze needs is fetched after the first frame."""
    page = recorded.page
    open_live(page, site_url)
    wait_model(page, "WebAssembly")
    expect(page.locator("#headline-now")).to_have_text(re.compile(r"^\d+ of 265 tokens · \d+ % skipped$"))
    expect(page.locator("#headline-total")).to_have_text(
        re.compile(r"^[\d,]+ instead of [\d,]+ tokens so far$")
    )
    start = set(json.loads((site_dist / "build.json").read_text(encoding="utf-8"))["start"])
    fetched = [url for url in recorded.requests if not url.startswith("blob:")]
    requests = [urlsplit(url).path.removeprefix("/") or "index.html" for url in fetched]
    (after_frame, *_) = [index for index, path in enumerate(requests) if path.startswith(MODEL_FILES)]
    assert not any(path.startswith(FRAME_FILES) for path in requests[after_frame:])
    first = {path for path in requests if not path.startswith(MODEL_FILES)}
    assert {path for path in first - start if not path.startswith("web/")} == {"build.json"}
    sizes = {path: over_the_wire(site_dist / path) for path in first}
    assert sum(sizes.values()) <= BUDGET, sorted(sizes.items(), key=lambda item: -item[1])[:12]


def over_the_wire(file: Path) -> int:
    content = file.read_bytes()
    return len(content) if file.suffix in COMPRESSED else len(gzip.compress(content, 6))


def test_the_main_thread_has_no_long_task_while_streaming(page: Page, site_url: str) -> None:
    open_live(page, site_url, "?source=synthetic-pan")
    page.wait_for_timeout(500)
    with no_long_task(page):
        wait_frames(page, 40)


def test_nor_with_everything_open_comparing_and_recording(page: Page, site_url: str) -> None:
    open_live(page, site_url, "?source=sample&width=320&backend=wasm&max-gaze-tokens-each-frame=16")
    for feature in ("insight", "export", "python"):
        page.click(f"#feature-{feature} > summary")
    page.click("#compare")
    page.wait_for_selector("#compared.live", timeout=LOAD_TIMEOUT_MS)
    page.click("#hook-run")
    with no_long_task(page):
        page.click("#export-record")
        wait_frames(page, 20)
        with page.expect_download(timeout=LOAD_TIMEOUT_MS):
            page.click("#export-record")
        for button in ("#export-picture", "[data-file=trace]"):
            with page.expect_download():
                page.click(button)
    assert page.is_visible("#timeline")


@contextmanager
def no_long_task(page: Page) -> Iterator[None]:
    """Whatever the page does meanwhile, none of its main thread's tasks is long."""
    browser: Browser | None = page.context.browser
    assert browser is not None
    browser.start_tracing(
        page=page, categories=["toplevel", "disabled-by-default-devtools.timeline", "blink.user_timing"]
    )
    page.evaluate("() => performance.mark('streaming')")
    yield
    events = json.loads(browser.stop_tracing())["traceEvents"]
    (mark,) = [event for event in events if event["name"] == "streaming"]
    thread = (mark["pid"], mark["tid"])
    tasks = [
        event for event in events if (event["pid"], event["tid"]) == thread and "RunTask" in event["name"]
    ]
    # The thread's own time in microseconds: a machine that is busy with something else does not count.
    times = [task["tdur"] for task in tasks if "tdur" in task]
    assert len(times) > 100
    assert max(times) <= LONG_TASK_MS * 1000
