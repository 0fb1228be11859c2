"""Measures the time from opening the page to the first masked frame, cold and warm.

    make bench-start                    medians in milliseconds; the same as JSON in tests/output/start.json
    python tests/bench/start_bench.py --runs 3

Cold is the first visit of a new browser profile, warm is the next visit of the same profile. The source is
synthetic, so that no camera has to start. A frame counts as masked when its report contains cells.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "browser"), str(ROOT / "site")]

from chromium import flags, require  # noqa: E402
from playwright.sync_api import BrowserContext, sync_playwright  # noqa: E402
from served import served  # noqa: E402

import build_site  # noqa: E402

# Runs before the page's own script and waits for the live view, then for the frame.
_WATCH = """
let hooked;
globalThis.firstMasked = new Promise((resolve) => {
  Object.defineProperty(globalThis, "autogaze", {
    configurable: true,
    get: () => hooked,
    set(value) {
      hooked = value;
      value.view.on("frame", (report) => report.cells > 0 && resolve(performance.now()));
    },
  });
});
"""


def first_masked(context: BrowserContext, url: str) -> float:
    """Milliseconds from the start of a visit to its first masked frame."""
    page = context.new_page()
    page.add_init_script(_WATCH)
    page.goto(f"{url}?source=synthetic-pan")
    milliseconds: float = page.evaluate("() => globalThis.firstMasked")
    page.wait_for_timeout(3000)  # work that the page postpones until it runs
    page.close()
    return milliseconds


def main() -> None:
    """Measures, prints and writes the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5, help="visits of each kind")
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "output" / "start.json")
    arguments = parser.parse_args()

    chromium = require()
    build_site.build()
    times: dict[str, list[float]] = {"cold": [], "warm": []}
    with served() as url, sync_playwright() as playwright:
        for _ in range(arguments.runs):
            browser = playwright.chromium.launch(executable_path=chromium, args=flags())
            context = browser.new_context()
            times["cold"].append(first_masked(context, url))
            times["warm"].append(first_masked(context, url))
            version = browser.version
            browser.close()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps({"chromium": version, "milliseconds": times}, indent=1) + "\n")
    for kind, values in times.items():
        each = ", ".join(f"{value:.0f}" for value in values)
        print(f"{kind}: median {statistics.median(values):.0f} ms of {each}")


if __name__ == "__main__":
    main()
