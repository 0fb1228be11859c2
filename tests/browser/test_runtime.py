"""The built site brings all that Python in the browser needs, at the root of a server and below a path."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page
from recorded_page import RecordedPage

pytestmark = pytest.mark.browser

START = """async (build) => {
    const runtime = new URL("runtime/pyodide/", location.href).href;
    const {loadPyodide} = await import(`${runtime}pyodide.mjs`);
    const pyodide = await loadPyodide({indexURL: runtime, packageBaseUrl: runtime});
    await pyodide.loadPackage(["numpy", "micropip"], {messageCallback: () => {}});
    const micropip = pyodide.pyimport("micropip");
    await micropip.install(new URL(build.wheel, location.href).href);
    return pyodide.runPython(`
        import json
        import autogaze_web, numpy
        from autogaze_web.masks.cells import Cells
        cells = Cells.of(4, [0, 3], [1, 2])
        json.dumps({"numpy": numpy.__version__, "package": autogaze_web.__version__, "cells": len(cells)})
    `);
}"""


@pytest.mark.parametrize("address", ["plain_url", "subpath_url"])
def test_python_numpy_and_our_wheel_load_from_the_site_alone(
    recorded: RecordedPage, site_dist: Path, address: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(address)
    build = json.loads((site_dist / "build.json").read_text(encoding="utf-8"))
    recorded.page.goto(url + "build.json")  # a document of the site without a script of its own
    recorded.expect_problem(r"/favicon\.ico")
    answer = json.loads(recorded.page.evaluate(START, build))
    lock = json.loads((site_dist / "runtime/pyodide/pyodide-lock.json").read_text(encoding="utf-8"))
    assert set(lock["packages"]) == {"numpy", "micropip"}
    assert answer == {"numpy": lock["packages"]["numpy"]["version"], "package": build["version"], "cells": 2}
    outside = [address for address in recorded.requests if not address.startswith(url)]
    assert [address for address in outside if not address.endswith("/favicon.ico")] == []


def test_every_file_of_the_site_is_served_as_build_json_says(
    site_url: str, page: Page, site_dist: Path
) -> None:
    build = json.loads((site_dist / "build.json").read_text(encoding="utf-8"))
    expected = {
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
        ".whl": "application/zip",
        ".json": "application/json",
    }
    for path, file in build["files"].items():
        reply = page.request.head(site_url + path)
        assert reply.status == 200, path
        assert reply.headers["content-length"] == str(file["bytes"]), path
        suffix = Path(path).suffix
        if suffix in expected:
            assert reply.headers["content-type"] == expected[suffix], path
