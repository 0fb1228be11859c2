"""What the browser tests share: the built site and its server, Chromium, pages that report their problems."""

from __future__ import annotations

import fcntl
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import model_client
import pytest
from api_page import ApiPage
from chromium import flags_for_tests, require
from in_page import in_page
from live_page import LOAD_TIMEOUT_MS, SCRIPTS, open_live, reopen
from model_page import QUICK_FRAME_STEPS, serve, write_checkpoint
from model_server import ModelServer, model_server
from plain_chromium import PlainChromium, plain_chromium
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from recorded_page import RecordedPage
from served import served

import build_site

ServeAt = Callable[..., str]
Launch = Callable[..., Browser]
OpenPage = Callable[..., RecordedPage]
OpenLive = Callable[[str], Page]
LaunchPlain = Callable[..., PlainChromium]

# Workers take whole files: with the longest first, what is left for the last worker is short.
_LONGEST_FIRST = (
    "test_soak.py",
    "test_gaze_parity.py",
    "test_encoder_parity.py",
    "test_model_in_page.py",
    "test_model_robustness.py",
    "test_for_everyone.py",
    "test_offline.py",
    "test_api_problems.py",
    "test_page_problems.py",
    "test_export.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files without a browser stay before all others; of those with one the longest come first."""

    def place(item: pytest.Item) -> int:
        if item.get_closest_marker("browser") is None:
            return 0
        name = item.path.name
        return 1 + (_LONGEST_FIRST.index(name) if name in _LONGEST_FIRST else len(_LONGEST_FIRST))

    items.sort(key=place)


@pytest.fixture(scope="session")
def site_dist(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """site/dist, freshly built; of several workers the first one builds it, the others wait for that."""
    if worker_id == "master":  # the only one
        build_site.build()
        return build_site.DIST
    # The folder that the workers of one run have in common.
    common = tmp_path_factory.getbasetemp().parent
    built = common / "site-is-built"
    with (common / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            build_site.build()
            built.touch()
    return build_site.DIST


@pytest.fixture(scope="session")
def serve_at() -> Iterator[ServeAt]:
    """`serve_at(folder, prefix="/", isolated=False)` serves a folder on a free port and returns its address.

    The address ends in the prefix; with `isolated` the answers carry the headers that allow threads.
    """
    with ExitStack() as servers:

        @cache
        def serve(folder: Path, prefix: str = "/", isolated: bool = False) -> str:
            return servers.enter_context(served(folder, prefix, isolated))

        yield serve


@pytest.fixture(scope="session")
def site_url(site_dist: Path, serve_at: ServeAt) -> str:
    """The address of the site, served as any static host serves it."""
    return serve_at(site_dist)


@pytest.fixture(scope="session")
def plain_url(site_dist: Path) -> Iterator[str]:
    """The address of the site as `python -m http.server -d site/dist` serves it."""
    command = [sys.executable, "-u", "-m", "http.server", "--bind=127.0.0.1", f"--directory={site_dist}", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())
        assert found, "http.server did not say where it listens"
        yield found[0]
        server.terminate()


@pytest.fixture(scope="session")
def subpath_url(site_dist: Path, serve_at: ServeAt) -> str:
    """The address of the same site below a path, as on GitHub Pages."""
    return serve_at(site_dist, prefix="/pages/autogaze/")


@pytest.fixture(scope="session")
def isolated_url(site_dist: Path, serve_at: ServeAt) -> str:
    """The address of the same site with the headers for threads in WebAssembly and for the policy."""
    return serve_at(site_dist, isolated=True)


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The Chromium to drive, found before Playwright runs, since finding it runs Playwright too."""
    return require()


@pytest.fixture(scope="session")
def launch(chromium_path: Path) -> Iterator[Launch]:
    """`launch(webgpu=False, camera=None, allow_camera=True)` is a Chromium; one for each set of options.

    One with a camera is closed when another camera is wanted: every test writes its own.
    """
    # What a slow machine needs; whatever fails at all does so at once or after this.
    expect.set_options(timeout=LOAD_TIMEOUT_MS)
    browsers: dict[tuple[tuple[str, object], ...], Browser] = {}
    with sync_playwright() as playwright:

        def launch(**options: Any) -> Browser:
            key = tuple(sorted(options.items()))
            if key not in browsers:
                if options.get("camera"):
                    for each in [each for each in browsers if dict(each).get("camera")]:
                        browsers.pop(each).close()
                browsers[key] = playwright.chromium.launch(
                    executable_path=chromium_path, args=flags_for_tests(**options)
                )
            return browsers[key]

        yield launch
        for browser in browsers.values():
            browser.close()


@pytest.fixture
def open_page(launch: Launch) -> Iterator[OpenPage]:
    """`open_page(**options)` is a new recorded page; the test fails on a problem it did not declare.

    Options: `webgpu`, `camera` and `allow_camera` as for `chromium.flags`; every other one goes to
    Playwright's new_context (viewport, ...). Service workers are blocked, because their requests pass by
    `page.route`, unless `service_workers="allow"` is given.
    """
    opened: list[RecordedPage] = []

    def open_page(
        webgpu: bool = False, camera: Path | None = None, allow_camera: bool = True, **context_options: Any
    ) -> RecordedPage:
        browser = launch(webgpu=webgpu, camera=camera, allow_camera=allow_camera)
        context_options.setdefault("service_workers", "block")
        context = _new_context(browser, **context_options)
        recorded = RecordedPage(context.new_page())
        opened.append(recorded)
        return recorded

    yield open_page
    for recorded in opened:
        recorded.page.context.close()
    _fail_on(line for recorded in opened for line in recorded.unexpected())


def _new_context(browser: Browser, **options: Any) -> BrowserContext:
    context = browser.new_context(**options)
    context.set_default_timeout(LOAD_TIMEOUT_MS)
    context.add_init_script(path=SCRIPTS / "slow_clock.mjs")
    return context


def _fail_on(problems: Iterable[str]) -> None:
    text = "\n".join(problems)
    if text:
        pytest.fail(f"the page had problems that the test did not declare:\n{text}", pytrace=False)


@pytest.fixture(scope="module")
def streaming_page(launch: Launch, site_url: str) -> Iterator[RecordedPage]:
    """A page of the site that streams, for all tests of a file; `live` hands it to one after the other."""
    browser = launch(webgpu=False, camera=None, allow_camera=True)
    context = _new_context(browser, service_workers="block")
    recorded = RecordedPage(context.new_page())
    open_live(recorded.page, site_url, "?source=synthetic-pan&width=160")
    yield recorded
    context.close()


@pytest.fixture
def live(streaming_page: RecordedPage) -> Iterator[OpenLive]:
    """`live(query)` is a page in the state in which the query opens one, without waiting for Python to start.

    The tests of a file share the page: each gets all settings, the source and the mask source anew, and no
    routes. What a page keeps beyond these, such as open features, is as the test before left it; a test of a
    page's start, storage or address opens a page of its own.
    """
    streaming_page.forget()

    def live(query: str = "") -> Page:
        reopen(streaming_page.page, query)
        return streaming_page.page

    yield live
    problems = streaming_page.unexpected()
    # While the next tests of the file use pages of their own, this one would take a processor core.
    in_page(streaming_page.page, "live_frames.stop")
    streaming_page.page.unroute_all(behavior="ignoreErrors")
    _fail_on(problems)


@pytest.fixture
def launch_plain(launch: Launch, chromium_path: Path) -> Iterator[LaunchPlain]:
    """`launch_plain(**options)` is a Chromium whose tabs can be hidden; options as for `chromium.flags`."""
    with ExitStack() as running:

        def launch_plain(**options: Any) -> PlainChromium:
            started = plain_chromium(launch().browser_type, chromium_path, flags_for_tests(**options))
            plain = running.enter_context(started)
            plain.context.set_default_timeout(LOAD_TIMEOUT_MS)
            return plain

        yield launch_plain


@pytest.fixture
def recorded(open_page: OpenPage) -> RecordedPage:
    """One recorded page in a plain Chromium."""
    return open_page()


@pytest.fixture
def page(recorded: RecordedPage) -> Page:
    """Playwright's page of `recorded`."""
    return recorded.page


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint with its graphs, as a folder."""
    return write_checkpoint(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def gpu_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with graphs of few steps, which a software adapter compiles and runs in much less time."""
    return write_checkpoint(tmp_path_factory.mktemp("gpu-model"), QUICK_FRAME_STEPS)


@pytest.fixture(scope="session")
def model_app(tmp_path_factory: pytest.TempPathFactory, serve_at: ServeAt) -> str:
    """The address of a page that loads models by the product's modules, and does nothing else."""
    folder = tmp_path_factory.mktemp("model-app")
    model_client.write_app(folder)
    return serve_at(folder)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    """A server of a small model, of another origin than the pages."""
    with model_server() as running:
        model_client.serve_model(running)
        yield running


@pytest.fixture
def client(recorded: RecordedPage, model_app: str, server: ModelServer) -> model_client.ModelClient:
    """The page of `model_app`, asked to load from `server`."""
    recorded.page.goto(model_app)
    return model_client.ModelClient(recorded, server)


@pytest.fixture
def api(recorded: RecordedPage, subpath_url: str, checkpoint: Path) -> ApiPage:
    """A page that is not the product's with the JavaScript API, and the small checkpoint at ./model/."""
    serve(recorded.page, checkpoint)
    return ApiPage(recorded, subpath_url, subpath_url + "wasm_bridge/autogaze.mjs")
