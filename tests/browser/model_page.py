"""The page with a small model of the test's: its files, served at ./model/, and waiting for it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import oracle
import synthetic_formula as formula
from live_page import LOAD_TIMEOUT_MS
from playwright.sync_api import Page, Route

from autogaze_web.config import AutoGazeConfig
from autogaze_web.graph.export import export

FILES = "&config-url=./model/config.json&weights-url=./model/model.safetensors"
ADDRESSES = f"{FILES}&graphs-url=./model/"
"""Options that load it, to be appended to others."""


def write_checkpoint(folder: Path) -> Path:
    """The small checkpoint with its graphs, as a folder."""
    formula.write_folder(oracle.recipe("tiny"), folder)
    for _ in export(AutoGazeConfig.from_file(folder / "config.json"), folder):
        pass
    return folder


def serve(page: Page, folder: Path) -> None:
    """Answers ./model/ with the files of a folder."""

    def answer(route: Route) -> None:
        path = folder / urlsplit(route.request.url).path.removeprefix("/model/")
        if path.is_file():
            route.fulfill(body=path.read_bytes(), content_type="application/octet-stream")
        else:
            route.fulfill(status=404, body="no")

    page.route(lambda url: urlsplit(url).path.startswith("/model/"), answer)


def wait_model(page: Page, backend: str) -> None:
    """Waits until a model on this backend chooses the cells of what is shown."""
    page.wait_for_function(
        "(name) => document.getElementById('facts').textContent.includes(`AutoGaze, ${name}`)",
        arg=backend,
        timeout=LOAD_TIMEOUT_MS,
    )
