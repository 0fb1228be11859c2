"""The page's end of the worker, with a worker in which nothing happens but what the test says."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

# Takes the place of Worker: stores the calls, whose answers come from the test.
SILENT_WORKER = """
globalThis.Worker = class {
  calls = [];
  constructor() { globalThis.worker = this; }
  postMessage(message) { this.calls.push(message); }
  terminate() {}
  send(message) { this.onmessage({ data: message }); }
  ids(name) { return this.calls.filter((call) => call.name === name).map(({ id }) => id); }
};
"""

OPEN = """async () => {
  const { LiveView } = await import("./wasm_bridge/live/live_client.mjs");
  const canvas = () => document.createElement("canvas");
  const view = new LiveView({ input: canvas(), mask: canvas(), output: canvas() });
  globalThis.view = view;
  globalThis.heard = [];
  view.on("model-progress", ({ step, loaded, total }) => heard.push(["progress", step, loaded, total]));
  view.on("model-ready", ({ backend, superseded }) => heard.push(["ready", backend, superseded]));
  view.on("model-error", ({ message }) => heard.push(["error", message]));
  view.on("frame", ({ index }) => heard.push(["frame", index]));
  view.on("frame-error", ({ message }) => heard.push(["frame-error", message]));
  worker.send({ id: worker.ids("start")[0] });
  await view.ready;
}"""
SETTLED = "await new Promise((resolve) => setTimeout(resolve));"


@pytest.fixture
def silent_page(page, site_url):
    page.add_init_script(SILENT_WORKER)
    address = site_url + "empty.html"
    empty = '<!doctype html><title>empty</title><link rel="icon" href="data:,">'
    page.route(address, lambda route: route.fulfill(body=empty, content_type="text/html"))
    page.goto(address)
    page.evaluate(OPEN)
    return page


def test_what_becomes_of_a_superseded_load_is_not_taken_for_the_next_ones(silent_page) -> None:
    heard = silent_page.evaluate(
        """async () => {
          for (const weightsUrl of ["first", "second", "third"]) view.loadModel({ weightsUrl });
          const [first, second, third] = worker.ids("loadModel");
          worker.send({ id: first, progress: ["old", 1, 2] });
          worker.send({ id: first, error: "no such file" });
          worker.send({ id: second, value: { backend: "old", notes: [] } });
          SETTLED
          worker.send({ id: third, progress: ["new", 1, 2] });
          worker.send({ id: third, value: { backend: "new", notes: [] } });
          SETTLED
          return heard;
        }""".replace("SETTLED", SETTLED)
    )
    assert heard == [["ready", "old", True], ["progress", "new", 1, 2], ["ready", "new", False]]


def test_frames_of_an_old_stream_are_not_reported(silent_page) -> None:
    heard = silent_page.evaluate(
        """async () => {
          const frame = { synthetic: "synthetic-pan", index: 0, width: 8, height: 8 };
          view.newStream();
          for (let i = 0; i < 2; i++) view.send(frame);
          view.newStream();
          for (let i = 0; i < 2; i++) view.send(frame);
          const [a, b, c, d] = worker.ids("frame");
          worker.send({ id: a, value: { index: 5 } });
          worker.send({ id: b, error: "too large" });
          worker.send({ id: c, value: { index: 0 } });
          worker.send({ id: d, error: "too small" });
          SETTLED
          return heard;
        }""".replace("SETTLED", SETTLED)
    )
    assert heard == [["frame", 0], ["frame-error", "too small"]]


def test_pending_calls_fail_with_the_worker(silent_page) -> None:
    said = silent_page.evaluate(
        """async () => {
          const pending = ["ping", "modules"].map((name) => view[name]().catch(({ message }) => message));
          view.send({ synthetic: "synthetic-pan", index: 0, width: 8, height: 8 });
          view.close();
          const after = await view.ping().catch(({ message }) => message);
          return [...(await Promise.all(pending)), after, heard.length];
        }"""
    )
    closed = "This live view was closed."
    assert said == [closed, closed, closed, 0]
