"""The page stored for offline use: what works offline, its updates, and browsers that store nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import oracle
import pytest
import synthetic_formula as formula
from in_page import in_page
from live_page import LOAD_TIMEOUT_MS, SCRIPTS, open_live, wait_live
from playwright.sync_api import Page

import build_site
from autogaze_web.graph.export import export
from autogaze_web.model.config import AutoGazeConfig

pytestmark = pytest.mark.browser

SMALL = "?source=synthetic-pan&width=128"
MODEL = SMALL + "&backend=wasm&config-url=./model/config.json&weights-url=./model/model.safetensors"

# As a visit does; the page's own policy allows no service workers.
LOOK_FOR_UPDATE = """async () => {
  const frame = document.createElement("iframe");
  frame.src = "web/offline/registration.html";
  const loaded = new Promise((resolve) => frame.addEventListener("load", resolve));
  document.body.append(frame);
  await loaded;
  await (await frame.contentWindow.navigator.serviceWorker.getRegistration("/")).update();
  frame.remove();
}"""
NEW_VERSION = "() => getComputedStyle(document.documentElement).getPropertyValue('--new-version')"


def describe_again(site: Path) -> None:
    """Makes build.json and the service worker anew, as a build of those files would."""
    old = json.loads((site / "build.json").read_text(encoding="utf-8"))
    for name in ("build.json", "service_worker.mjs"):
        (site / name).unlink()
    description = build_site.describe(build_site.ROOT, site, old["wheel"])
    build_site.write_service_worker(build_site.ROOT, site, description["id"])
    build_site.write_json(site / "build.json", description)


@pytest.fixture
def own_site(site_dist, tmp_path):
    """A copy of the site, with a small model beside it and the graphs of that."""
    site = tmp_path / "site"
    shutil.copytree(site_dist, site)
    folder = formula.write_folder(oracle.recipe("tiny"), site / "model")
    shutil.rmtree(site / "graphs")
    (site / "graphs").mkdir()
    for _ in export(AutoGazeConfig.from_file(folder / "config.json"), site / "graphs"):
        pass
    describe_again(site)
    return site


def wait_stored(page: Page, words: str = "offline; ") -> None:
    page.wait_for_function(
        "(words) => document.getElementById('offline-state').textContent.includes(words)",
        arg=words,
        timeout=LOAD_TIMEOUT_MS,
    )


def wait_model(page: Page, words: str) -> None:
    page.wait_for_function(
        "(words) => document.getElementById('facts').textContent.includes(words)",
        arg=words,
        timeout=LOAD_TIMEOUT_MS,
    )


def test_after_one_visit_everything_works_offline(open_page, serve_at, own_site, server):
    recorded = open_page(service_workers="allow", bypass_csp=True)
    page = recorded.page
    open_live(page, serve_at(own_site, prefix="/below/a/path/"), MODEL)
    wait_stored(page)
    assert not page.evaluate("() => crossOriginIsolated")

    page.select_option("#mask-source", "autogaze")
    wait_model(page, "AutoGaze, WebAssembly, 1 thread")
    page.wait_for_selector("#version:not([hidden])")
    assert "one thread" in page.inner_text("#version-text")
    wait_stored(page, "AutoGaze work offline")

    page.click("#version-reload")
    page.wait_for_function("() => globalThis.crossOriginIsolated")
    wait_live(page)
    page.select_option("#mask-source", "autogaze")
    wait_model(page, " threads")
    # What the page loads from other machines are downloads with CORS, which isolation allows.
    elsewhere = server.url + "model/config.json"
    assert page.evaluate("(url) => fetch(url).then(({ status }) => status)", elsewhere) == 200

    recorded.expect_problem("ERR_ABORTED|ERR_FAILED|ERR_INTERNET|Failed to fetch|not be reached")
    page.context.set_offline(True)
    page.reload()
    wait_live(page)
    page.select_option("#mask-source", "autogaze")
    wait_model(page, " threads")
    assert page.is_hidden("#version")


def test_a_new_version_waits_until_it_is_asked_for_and_never_mixes(open_page, serve_at, own_site):
    recorded = open_page(service_workers="allow")
    page, url = recorded.page, serve_at(own_site)
    open_live(page, url, SMALL)
    wait_stored(page)
    in_page(page, "live_frames.stop")
    other = page.context.new_page()
    open_live(other, url, SMALL)
    in_page(other, "live_frames.stop")
    old = page.evaluate("() => caches.keys()")

    style = own_site / "web/style.css"
    style.write_text(style.read_text() + "\n:root { --new-version: 1; }\n")
    graph = next((own_site / "graphs").glob("*.onnx"))
    graph.write_bytes(graph.read_bytes() + b"\0")
    describe_again(own_site)

    # The server has another build already, this page does not: what it would fetch now is refused.
    recorded.expect_problem("409")
    status = "(path) => fetch(path).then(({ status }) => status)"
    assert page.evaluate(status, f"graphs/{graph.name}") == 409
    assert page.evaluate(status, "options.json") == 200

    page.evaluate(LOOK_FOR_UPDATE)
    page.wait_for_selector("#version:not([hidden])", timeout=LOAD_TIMEOUT_MS)
    assert page.inner_text("#version-text") == "A new version of this page is ready."
    page.reload()
    wait_live(page)
    assert new_version(page) == ""
    page.wait_for_selector("#version:not([hidden])", timeout=LOAD_TIMEOUT_MS)
    page.click("#version-reload")
    page.wait_for_function(NEW_VERSION)
    wait_live(page)
    assert page.evaluate("() => caches.keys()") != old
    assert page.evaluate(status, f"graphs/{graph.name}") == 200

    other.wait_for_selector("#version:not([hidden])")
    assert "Another tab" in other.inner_text("#version-text")
    assert other.evaluate(status, f"graphs/{graph.name}") == 409
    other.click("#version-reload")
    other.wait_for_function(f"() => ({NEW_VERSION})() === '1'")
    wait_live(other)
    page.wait_for_function("async () => (await caches.keys()).length === 1")

    page.click("#feature-offline summary")
    page.click("#offline-clear")
    page.wait_for_function("async () => (await caches.keys()).length === 0")
    wait_stored(page, "Nothing of the page is stored")


def new_version(page: Page) -> str:
    answer: str = page.evaluate(NEW_VERSION)
    return answer


def test_autogaze_can_be_stored_before_it_is_used(open_page, serve_at, own_site):
    recorded = open_page(service_workers="allow")
    recorded.expect_problem("No available adapters")
    page = recorded.page
    open_live(page, serve_at(own_site), SMALL)
    wait_stored(page)
    page.click("#feature-offline summary")
    page.click("#offline-store")
    wait_stored(page, "AutoGaze work offline")
    assert page.is_hidden("#offline-store")
    urls = page.evaluate(
        "async () => (await (await caches.open((await caches.keys())[0])).keys()).map(({ url }) => url)"
    )
    assert [url for url in urls if url.endswith(".wasm") and "/onnxruntime/" in url]
    assert [url for url in urls if url.endswith("/graphs/graphs.json")]

    recorded.expect_problem("ERR_INTERNET|Failed to fetch|not be reached")
    page.context.set_offline(True)
    page.reload()
    wait_live(page)
    page.select_option("#mask-source", "autogaze")
    wait_model(page, "AutoGaze, Web")
    assert "built-in model" in page.inner_text("#model-choice-text")


def test_a_model_that_is_ready_before_the_page_is_stored_is_stored_too(open_page, site_url):
    page = open_page(service_workers="allow").page
    page.add_init_script(path=SCRIPTS / "delayed_registration.mjs")
    open_live(page, site_url, SMALL + "&backend=wasm&mask-source=autogaze")
    wait_model(page, "AutoGaze, WebAssembly, 1 thread")
    page.wait_for_function("() => globalThis.letRegister")
    page.evaluate("() => letRegister()")
    wait_stored(page, "AutoGaze work offline")
    assert "one thread" in page.inner_text("#version-text")


def test_a_first_visit_is_not_asked_to_reload(open_page, site_url):
    recorded = open_page(service_workers="allow")
    recorded.expect_problem("No available adapters")
    page = recorded.page
    page.goto(site_url)
    wait_model(page, "AutoGaze, WebAssembly, 1 thread")
    wait_stored(page, "AutoGaze work offline")
    assert page.is_hidden("#version")


def test_a_browser_that_stores_nothing_runs_the_page_nevertheless(open_page, site_url):
    page = open_page().page
    page.add_init_script("delete Navigator.prototype.serviceWorker")
    open_live(page, site_url, SMALL)
    wait_stored(page, "does not store pages")
    assert page.inner_text("#offline-hint") == "unavailable"
    assert page.is_hidden("#offline-store")
    assert page.is_hidden("#offline-clear")
