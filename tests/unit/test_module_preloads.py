"""What index.html says of the page's modules: all that main.mjs needs, and nothing that comes later."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from build_site import ROOT, copy_sources
from module_preloads import PreloadError, add_preloads, imports, module_graph


def test_imports_are_those_that_a_module_waits_for() -> None:
    text = """/**
 * import { no } from "./comment.mjs";
 * @module
 */
import { first,
  second } from "./a.mjs";
import * as all from "../b.mjs";
import "./effect.mjs";
export { named } from "./c.mjs";
export * from "./d.mjs";
export const address = "./not.mjs";
/** @typedef {import("./type.mjs").Type} Type */
const later = () => import("./later.mjs");
import bare from "package";
"""
    assert imports(text) == ["./a.mjs", "../b.mjs", "./effect.mjs", "./c.mjs", "./d.mjs"]


def test_a_module_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "main.mjs").write_text('import { a } from "../gone.mjs";\n')
    with pytest.raises(PreloadError, match=r"web/main\.mjs imports \.\./gone\.mjs"):
        list(module_graph(tmp_path, "web/main.mjs"))


def test_the_page_names_what_it_needs_before_it_runs(tmp_path: Path) -> None:
    copy_sources(ROOT, tmp_path / "site")
    add_preloads(tmp_path / "site")
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    named = re.findall(r'rel="modulepreload" href="([^"]+)"', page)
    assert named[0] == "wasm_bridge/autogaze.mjs", "main.mjs imports it first"
    assert "wasm_bridge/live/live_client.mjs" in named
    assert "web/insight/history_chart.mjs" in named
    assert len(named) == len(set(named))
    assert all((tmp_path / "site" / path).is_file() for path in named)
    # Workers have modules of their own, recordings are written by one.
    assert not {"wasm_bridge/live/live_worker.mjs", "web/export/recording_worker.mjs"} & set(named)
    assert re.findall(r'as="fetch" crossorigin="anonymous" href="([^"]+)"', page) == [
        "options.json",
        "palettes.json",
    ]
