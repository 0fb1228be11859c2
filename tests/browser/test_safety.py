"""What SECURITY.md promises: whom the page talks to, what it lets run, what a hostile file can do."""

from __future__ import annotations

import ast
import json
import re
import struct

import pytest
from live_page import LOAD_TIMEOUT_MS, choose_files, open_live, record, wait_live
from model_page import wait_model
from model_server import Served

import build_site
from autogaze_web.model.config import AutoGazeConfig

pytestmark = pytest.mark.browser


ATTACK = """
import js
from pyodide.ffi import to_js

tried = {}

def listen(name, target, reached):
    setattr(target, reached, lambda event: tried.update({name: "reached"}))
    target.onerror = lambda event: tried.update({name: "refused"})

def options(**names):
    return to_js(names, dict_converter=js.Object.fromEntries)

try:
    js.eval("1")
    tried["eval"] = "reached"
except Exception as error:
    tried["eval"] = "refused" if "EvalError" in str(error) else str(error)
request = js.fetch("%(host)s/fetch", options(mode="no-cors"))
request.then(lambda _: tried.update(fetch="reached"), lambda _: tried.update(fetch="refused"))
listen("socket", js.WebSocket.new("%(host)s/socket".replace("http", "ws")), "onopen")
listen("events", js.EventSource.new("%(host)s/events"), "onopen")
# A worker from the network would have no policy; one from a blob has this one's.
module = js.Worker.new("%(site)swasm_bridge/live/live_worker.mjs", options(type="module"))
listen("worker", module, "onmessage")
script = "const say = (text) => () => postMessage(text);"
script += "fetch('%(host)s/blob', { mode: 'no-cors' }).then(say('reached'), say('refused'))"
blob = js.Blob.new(to_js([script]), options(type="text/javascript"))
inherits = js.Worker.new(js.URL.createObjectURL(blob))
inherits.onmessage = lambda event: tried.update(blob=event.data)

def on_frame(frame, trace, output):
    print(tried)
"""


def test_a_whole_session_talks_to_its_own_server_alone(open_page, site_url, server):
    recorded = open_page(service_workers="allow")
    page, asked = recorded.page, []
    page.context.on("request", lambda request: asked.append(request.url))
    open_live(page, site_url, "?source=synthetic-pan&width=128")
    # A static host sends no policy: the worker has that of the page.
    assert "content-security-policy" not in page.request.get(site_url).headers
    recorded.expect_problem("Content Security Policy|Refused|ERR_BLOCKED|violates|csp")
    page.evaluate("document.getElementById('feature-python').open = true")
    page.fill("#hook-code", ATTACK % {"host": server.url.rstrip("/"), "site": site_url})
    page.click("#hook-run")
    page.wait_for_function(
        "(names) => names.every((name) => "
        "document.getElementById('hook-printed').value.includes(`'${name}'`))",
        arg=(ways := ["eval", "fetch", "socket", "events", "worker", "blob"]),
    )
    assert ast.literal_eval(page.input_value("#hook-printed").splitlines()[-1]) == dict.fromkeys(
        ways, "refused"
    )

    page.wait_for_function(
        "() => document.getElementById('offline-state').textContent.includes('The page works offline; ')",
        timeout=LOAD_TIMEOUT_MS,
    )
    page.evaluate("() => { for (const each of document.querySelectorAll('details')) each.open = true; }")
    page.select_option("#hook-module", "masks/cells.py")
    page.wait_for_selector("#hook-source:not([hidden])")
    with page.expect_download():
        page.click("#export-picture")
    recorded.expect_problem("ERR_ABORTED")  # what the parts that were just opened are still loading
    page.reload()  # now through the service worker
    wait_live(page)
    assert any("more_numpy" in url for url in asked)
    assert any(url.endswith("service_worker.mjs") for url in asked)
    own = (site_url, "blob:", server.url)  # the browser lists what the policy refused, too
    assert [url for url in {*asked, *recorded.requests} if not url.startswith(own)] == []
    assert server.asked == []

    # The service worker's answers carry the policy as a header.
    policy = page.evaluate("() => fetch('./').then(({ headers }) => headers.get('Content-Security-Policy'))")
    assert policy.endswith("; frame-ancestors 'self'")


def test_the_policy_lets_no_foreign_code_run(live, streaming_page):
    streaming_page.expect_problem("Content Security Policy|Refused|ERR_BLOCKED|violates")
    page = live("?source=synthetic-pan&width=128")
    policy = page.get_attribute("meta[http-equiv=Content-Security-Policy]", "content")
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}
    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == ["'self'", "'wasm-unsafe-eval'"]
    assert rules["worker-src"] == ["blob:"]
    assert "'unsafe-inline'" not in policy
    assert all(
        re.fullmatch(r"'self'|https://(\*\.)?(huggingface\.co|hf\.co)", each) for each in rules["connect-src"]
    )
    ran = page.evaluate("""async () => {
      const script = document.createElement("script");
      script.textContent = "globalThis.foreign = 1";
      document.head.append(script);
      const tries = { inline: "foreign" in globalThis };
      const answered = fetch("https://example.invalid/").then(() => true);
      tries.fetch = await answered.catch(() => false);
      return tries;
    }""")
    assert ran == {"inline": False, "fetch": False}


def test_a_link_contacts_another_host_only_after_a_click(live, streaming_page, server, checkpoint):
    # The preprocessor's config is optional; a graph's download can end when the model is replaced.
    streaming_page.expect_problem("ERR_ABORTED|404")
    server.files = {f"/model/{file.name}": Served(file.read_bytes()) for file in checkpoint.iterdir()}
    names = {"config-url": "config.json", "weights-url": "model.safetensors", "graphs-url": ""}
    link = "".join(f"&{option}={server.url}model/{name}" for option, name in names.items())
    page = live(f"?source=synthetic-pan&width=128&backend=wasm&mask-source=autogaze{link}")
    host = server.url.split("/")[2]
    allow = page.get_by_role("button", name=f"Load from {host}")
    allow.wait_for()
    page.click("#host-refuse")
    allow.wait_for(state="hidden")
    assert page.input_value("#mask-source") == "patch-diff"
    page.select_option("#mask-source", "autogaze")
    allow.wait_for()
    assert server.asked == []
    allow.click()
    wait_model(page, "WebAssembly", LOAD_TIMEOUT_MS)
    paths = {asked.path for asked in server.asked}
    assert paths >= {"/model/config.json", "/model/model.safetensors", "/model/graphs.json"}
    assert [asked for asked in server.asked if "referer" in asked.headers] == []
    assert page.is_hidden("#notice")


def header(text: bytes, claimed: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if claimed is None else claimed) + text


HUGE = {"shape": [2**31, 2**31, 4], "dtype": "F32", "data_offsets": [0, 2**66]}
HOSTILE = {
    "a header longer than the file": header(b"{}", 2**62),
    "a tensor larger than any memory": header(json.dumps({"w": HUGE}).encode()),
    "offsets behind the end": header(b'{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'),
    "a header nested without an end": header(b'{"a":' * 20_000 + b"1" + b"}" * 20_000),
    "a pickle": b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94",
}


def test_hostile_weights_end_in_a_sentence_and_the_page_goes_on(live, tmp_path):
    page = live("?source=synthetic-pan&width=128&backend=wasm")
    config = tmp_path / "config.json"
    config.write_text(json.dumps(released_config()))
    weights = tmp_path / "model.safetensors"
    page.evaluate("""() => {
      const { view } = globalThis.autogaze;
      globalThis.notes = [];
      view.on("model-note", ({ message }) => globalThis.notes.push(message));
    }""")
    for what, content in HOSTILE.items():
        weights.write_bytes(content)
        choose_files(page, config, weights)
        page.wait_for_selector("#notice:not([hidden])", timeout=LOAD_TIMEOUT_MS)
        assert 20 < len(page.inner_text("#notice-text")) < 500, what
        page.click("#notice-close")
        assert page.input_value("#mask-source") == "patch-diff"
        assert page.evaluate("globalThis.notes") == [], "told of a model that could not be had"
    weights.write_bytes(HOSTILE["a pickle"])
    for text in (
        '{"model_type": "autogaze", "scales": "%s"}' % ("9" * 400_000),
        "[" * 100_000,
        " " * 2_000_000,
    ):
        config.write_text(text)
        choose_files(page, config, weights)
        page.wait_for_selector("#notice:not([hidden])", timeout=LOAD_TIMEOUT_MS)
        page.click("#notice-close")
    assert len(record(page, 3)) == 3


def released_config() -> dict[str, object]:
    config: dict[str, object] = json.loads(
        (build_site.ROOT / "site/released_config.json").read_text(encoding="utf-8")
    )
    AutoGazeConfig.from_dict(config)
    return config
