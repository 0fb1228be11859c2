"""The page's end of the worker, with a worker in which nothing happens but what the test says."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

# In place of Worker: keeps what it is told; `tell` is what it says.
SILENT_WORKER = """
globalThis.Worker = class {
  asked = [];
  constructor() { globalThis.worker = this; }
  postMessage(message) { this.asked.push(message); }
  terminate() {}
  tell(message) { this.onmessage({ data: message }); }
  get loads() { return this.asked.filter(({ type }) => type === "model-load").map(({ load }) => load); }
};
"""

OPEN = """async () => {
  const { LiveView } = await import("./wasm_bridge/live/live_client.mjs");
  const canvas = () => document.createElement("canvas");
  const view = new LiveView({ input: canvas(), mask: canvas(), output: canvas() });
  globalThis.heard = [];
  view.on("model-progress", ({ step, loaded, total }) => heard.push(["progress", step, loaded, total]));
  view.on("model-ready", ({ backend, superseded }) => heard.push(["ready", backend, superseded]));
  view.on("model-error", ({ message }) => heard.push(["error", message]));
  worker.tell({ type: "ready" });
  await view.ready;
  for (const weightsUrl of ["first", "second"])
    view.loadModel({ weightsUrl, files: [], backend: "wasm", maxTokens: 16 });
  await Promise.resolve();
}"""


def test_what_becomes_of_a_model_that_was_replaced_is_not_taken_for_the_next_ones(page, site_url) -> None:
    page.add_init_script(SILENT_WORKER)
    address = site_url + "empty.html"
    empty = '<!doctype html><title>empty</title><link rel="icon" href="data:,">'
    page.route(address, lambda route: route.fulfill(body=empty, content_type="text/html"))
    page.goto(address)
    page.evaluate(OPEN)
    first, second = page.evaluate("worker.loads")
    heard = page.evaluate(
        """([first, second]) => {
          worker.tell({ type: "model-progress", load: first, step: "old", loaded: 1, total: 2 });
          worker.tell({ type: "model-fault", load: first, message: "no such file" });
          worker.tell({ type: "model-ready", load: first, backend: "old" });
          worker.tell({ type: "model-progress", load: second, step: "new", loaded: 1, total: 2 });
          worker.tell({ type: "model-ready", load: second, backend: "new" });
          return heard;
        }""",
        [first, second],
    )
    assert heard == [["ready", "old", True], ["progress", "new", 1, 2], ["ready", "new", False]]
