"""Finds where the sparse and the dense update of the output take equal time: in Pyodide, and natively.

    python tests/bench/crossover.py

It measures ``DENSE_BELOW`` and ``DENSE_BLEND_BELOW`` in ``autogaze_web.panels.output``. Times are the
minimum of several runs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "browser"), str(ROOT / "site")]

from chromium import flags, require  # noqa: E402
from crossover_costs import measure_all  # noqa: E402
from gaze_harness import GazeWorker  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402
from served import served  # noqa: E402

import build_site  # noqa: E402
from autogaze_web.panels.output import DENSE_BELOW, DENSE_BLEND_BELOW  # noqa: E402

WAYS = {"copy": ("sparse", "dense"), "blend": ("blend_sparse", "blend_dense")}


def in_browser() -> list[dict[str, Any]]:
    """The measurements in Pyodide."""
    chromium = require()
    build_site.build()
    source = (Path(__file__).parent / "crossover_costs.py").read_text(encoding="utf-8")
    with served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags())
        worker = GazeWorker(browser.new_page(), url)
        rows: list[dict[str, Any]] = json.loads(worker.python(f"{source}\nmeasure_all()"))
        browser.close()
    return rows


def main() -> None:
    """Measures and prints a table."""
    print("\nTime of the output's update in ms. The update is dense below this number of frame pixels")
    print(f"per rectangle: {DENSE_BELOW} for copies, {DENSE_BLEND_BELOW} for blends\n")
    sides = " | ".join(f"{where} {what} sparse | dense" for where in ("Pyodide", "native") for what in WAYS)
    print(f"| size | rectangles | pixels per rectangle | {sides} |")
    print("| --- " * 11 + "|")
    for row, native in zip(in_browser(), json.loads(measure_all()), strict=True):
        numbers = " | ".join(
            f"{each[way]:.2f}" for each in (row, native) for ways in WAYS.values() for way in ways
        )
        size, each = f"{row['width']}x{row['height']}", f"{row['pixels_per_rectangle']:.0f}"
        print(f"| {size} | {row['rectangles']} | {each} | {numbers} |")


if __name__ == "__main__":
    main()
