"""A small model on a server, and a page that loads it through the product's modules in a worker."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from model_server import SECONDS, ModelServer, Served
from playwright.sync_api import Page
from recorded_page import RecordedPage
from safetensors.numpy import save

import build_site

CONFIG = json.dumps({"model_type": "autogaze", "max_num_frames": 16}).encode()
PREPROCESSOR = json.dumps({"image_mean": [0.5, 0.5, 0.5], "do_resize": True}).encode()
WEIGHTS = save({"w": np.random.default_rng(1).standard_normal(400_000).astype(np.float32)})
OTHER_WEIGHTS = save({"w": np.random.default_rng(2).standard_normal(400_000).astype(np.float32)})
PATH = "/model/model.safetensors"
# Longer than any test waits for an answer that should come.
TIMEOUTS = {"download": 20_000, "check": 20_000}

_PAGE = """<!doctype html><title>model files</title>%s<link rel="icon" href="icon.svg" type="image/svg+xml">
<input type="file" multiple><script type="module" src="model_files_page.mjs"></script>"""


def serve_model(server: ModelServer) -> None:
    """Puts the model below /model/."""
    server.files = {
        "/model/config.json": Served(CONFIG, content_type="application/json", etag='"c1"'),
        "/model/preprocessor_config.json": Served(PREPROCESSOR, etag='"p1"'),
        PATH: Served(WEIGHTS, etag='"w1"'),
    }


def write_app(folder: Path) -> None:
    """Writes a page with the modules, a worker to call them, and the product's Content-Security-Policy.

    But the worker comes from the network, without a policy: the server of the models is another host, for
    which the product's worker would have to ask.
    """
    root = build_site.ROOT
    shutil.copytree(
        root / "wasm_bridge", folder / "wasm_bridge", ignore=shutil.ignore_patterns("node_modules", "*.json")
    )
    for name in ("model_files_page.mjs", "model_files_worker.mjs"):
        shutil.copy(Path(__file__).parent / "pages" / name, folder)
    shutil.copy(root / "web" / "icon.svg", folder)
    page = (root / "web" / "index.html").read_text(encoding="utf-8")
    policy = re.search(r'<meta\s+http-equiv="Content-Security-Policy"[^>]*>', page)
    assert policy
    assert "worker-src blob:" in policy[0]
    policy_element = policy[0].replace("worker-src blob:", "worker-src 'self'")
    (folder / "index.html").write_text(_PAGE % policy_element, encoding="utf-8")


class ModelClient:
    """A page with the modules in a worker, asked to load from a server."""

    def __init__(self, recorded: RecordedPage, server: ModelServer) -> None:
        # Playwright reports a body that is given up, as that of an unchanged file, as a failed request.
        recorded.expect_problem(r"^failed request: .*ERR_ABORTED")
        self.recorded = recorded
        self.page: Page = recorded.page
        self.server = server
        self.wait_for_page()

    def beside(self) -> ModelClient:
        """Another tab of the same browser."""
        other = RecordedPage(self.page.context.new_page())
        other.page.goto(self.page.url)
        return ModelClient(other, self.server)

    def wait_for_page(self) -> None:
        """Waits until the worker of a page that was loaded can be asked."""
        self.page.wait_for_function("() => globalThis.ready")

    def ask(self, call: str, args: Any = None) -> Any:
        """What a call of the worker returns."""
        answer = self.page.evaluate("([name, args]) => call(name, args)", [call, args])
        if "error" in answer:
            raise AssertionError(f"{answer['error']['name']}: {answer['error']['message']}")
        return answer.get("value")

    def arguments(self, **how: Any) -> dict[str, Any]:
        """What `load` of the worker is given."""
        return {
            "configUrl": self.server.url + "model/config.json",
            "weightsUrl": self.server.url + "model/model.safetensors",
            "timeouts": TIMEOUTS,
            **how,
        }

    def load(self, **how: Any) -> dict[str, Any]:
        """The model, with the SHA-256 of its weights in their place and every step of progress."""
        model: dict[str, Any] = self.ask("load", self.arguments(**how))
        return model

    def fails(self, **how: Any) -> str:
        """The sentence with which loading fails."""
        answer = self.page.evaluate("(args) => call('load', args)", self.arguments(**how))
        assert "error" in answer, "it did not fail"
        assert answer["error"]["name"] == "Error" or answer["error"]["name"] == "UnavailableError"
        return str(answer["error"]["message"])

    def start(self, **how: Any) -> None:
        """Begins to load; `finish` gives how it ends."""
        self.page.evaluate(
            "(args) => { outcome = null; progress.length = 0; "
            "call('load', args).then((answer) => { outcome = answer; }); }",
            self.arguments(**how),
        )

    def finish(self) -> dict[str, Any]:
        """The `value` or the `error` with which it ends."""
        outcome: dict[str, Any] = self.page.wait_for_function("() => globalThis.outcome").json_value()
        return outcome

    def wait_for_bytes(self, count: int) -> None:
        """Waits until so many bytes have arrived of what was started."""
        self.page.wait_for_function("(count) => progress.some(([, loaded]) => loaded >= count)", arg=count)

    def stored(self) -> dict[str, dict[str, Any]]:
        """The stored files, by the last part of the address."""
        return {entry["url"].split("/")[-1]: entry for entry in self.ask("stored")}


def sha256(content: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def assert_complete(model: dict[str, Any], weights: bytes = WEIGHTS) -> None:
    """The three files are those of the server, bit for bit."""
    assert model["config"] == CONFIG.decode()
    assert model["preprocessor"] == PREPROCESSOR.decode()
    assert model["weights"] == sha256(weights)


def assert_says(said: str, expected: str) -> None:
    """`expected` is all that is said or, without a full stop, its beginning."""
    assert said == expected if expected.endswith(".") else said[: len(expected)] == expected


def wait_until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Waits for something that happens outside the page."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
