"""Measures frames with AutoGaze in a browser, by stage, backend, budget and context.

    make bench-browser                                     a table; the same as JSON in tests/output
    python tests/bench/browser_bench.py --frames 20
    python tests/bench/browser_bench.py --folder OUT       write the pages, to be served elsewhere

The checkpoint has the released architecture and random weights, so its choices are meaningless but cost as
much, and every frame uses its whole budget. WebGPU is measured only on a hardware adapter. Times are medians
in milliseconds. Timings are noisy: compare numbers of one run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "browser"), str(ROOT / "site")]

from chromium import flags, require  # noqa: E402
from in_page import in_page  # noqa: E402
from native import released_checkpoint  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402
from safetensors.numpy import save_file  # noqa: E402
from served import served  # noqa: E402

import build_site  # noqa: E402

PAGES = Path(__file__).parent / "pages"
OUTPUT = ROOT / "tests" / "output" / "browser_bench.json"
TIMEOUT_MS = 30 * 60_000


def make_folder(folder: Path) -> None:
    """Writes the site, with the pages and the checkpoint in ``bench/``."""
    shutil.copytree(build_site.DIST, folder, dirs_exist_ok=True)
    bench = folder / "bench"
    shutil.copytree(PAGES, bench, dirs_exist_ok=True)
    checkpoint = bench / "checkpoint"
    checkpoint.mkdir(exist_ok=True)
    save_file(released_checkpoint().weights, checkpoint / "model.safetensors")
    shutil.copy(ROOT / "site" / "released_config.json", checkpoint / "config.json")
    (checkpoint / "preprocessor_config.json").write_text("{}\n", "utf-8")


def measure(browser: Browser, folder: Path, isolated: bool, query: str) -> list[dict[str, Any]]:
    """The results of the cases in the query."""
    with served(folder, isolated=isolated) as url:
        page = browser.new_page()
        page.goto(url + "options.json")
        backends = ["wasm"]
        if not isolated and in_page(page, "video_pictures.hasHardwareAdapter"):
            backends.insert(0, "webgpu")
        page.goto(f"{url}bench/?backends={','.join(backends)}&{query}")
        page.wait_for_function("() => window.done", timeout=TIMEOUT_MS)
        results: list[dict[str, Any]] = page.evaluate("() => window.result")
        page.close()
    return results


def table(results: list[dict[str, Any]]) -> str:
    """The results as a Markdown table."""
    stages = next((list(result["stages"]) for result in results if "stages" in result), [])
    lines = [
        "| runs on | tokens | context | " + " | ".join(stages) + " |",
        "| --- | --- | --- |" + " ---: |" * len(stages),
    ]
    for result in results:
        context = "15 frames" if result["context"] == "full" else "none"
        cells = [result.get("runner", result["backend"]), result["budget"], context]
        if "error" in result:
            cells.append(result["error"])
        else:
            cells += [f"{result['stages'][stage]:.1f}" for stage in stages]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measures, or writes the folder to measure with."""
    assert __doc__
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=20, help="frames to measure in each case")
    parser.add_argument("--width", type=int, default=640, help="of a frame, in pixels")
    parser.add_argument("--height", type=int, default=360, help="of a frame, in pixels")
    parser.add_argument("--folder", type=Path, help="write the pages there and measure nothing")
    parser.add_argument("--results", type=Path, help="print a table of results measured elsewhere (JSON)")
    options = parser.parse_args()
    if options.results:
        print(table(json.loads(options.results.read_text("utf-8"))))
        return
    build_site.build()
    if options.folder:
        make_folder(options.folder)
        return
    query = f"frames={options.frames}&width={options.width}&height={options.height}"
    chromium = require()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        make_folder(Path(folder))
        browser = playwright.chromium.launch(executable_path=chromium, args=flags(webgpu=True))
        results = [
            result for isolated in (False, True) for result in measure(browser, Path(folder), isolated, query)
        ]
        browser.close()
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    print(f"Medians in milliseconds of {options.frames} frames of {options.width}x{options.height}:\n")
    print(table(results))


if __name__ == "__main__":
    main()
