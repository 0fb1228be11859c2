"""Measures the time from opening the page to the first masked frame, cold and warm.

    make bench-start                    medians in milliseconds; the same as JSON in tests/output/start.json
    python tests/bench/start_bench.py --runs 3

    make bench-start AGAINST=../older/site/dist    another built page too, visited in turn, and the ratio

Cold is the first visit of a new browser profile, warm is the next visit of the same profile. By default the
address has no query, as a visitor's; `--query ?source=synthetic-pan` measures the start without a file. The
time ends with the first frame that the panels show masked.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "browser"), str(ROOT / "site")]

from chromium import flags, require  # noqa: E402
from playwright.sync_api import BrowserContext, sync_playwright  # noqa: E402
from served import served  # noqa: E402

import build_site  # noqa: E402

# Runs before the page's own script. Panels that show a frame have the class "live" in every version so far.
_WATCH = """
globalThis.firstFrame = new Promise((resolve) => {
  const look = () => {
    if (!document.querySelector("#panels.live")) return;
    observer.disconnect();
    requestAnimationFrame(() => resolve(performance.now()));
  };
  const observer = new MutationObserver(look);
  observer.observe(document, { subtree: true, childList: true, attributeFilter: ["class"] });
});
"""


def first_masked(context: BrowserContext, address: str) -> float:
    """Milliseconds from the start of a visit to its first masked frame."""
    page = context.new_page()
    page.add_init_script(_WATCH)
    page.goto(address)
    milliseconds: float = page.evaluate("() => globalThis.firstFrame")
    page.wait_for_timeout(3000)  # work that the page postpones until it runs
    page.close()
    return milliseconds


def main() -> None:
    """Measures, prints and writes the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5, help="visits of each kind")
    parser.add_argument("--query", default="", help="the query of the address, of both pages")
    parser.add_argument("--against", type=Path, help="a built page to compare with, visited in turn")
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "output" / "start.json")
    arguments = parser.parse_args()

    chromium = require()
    build_site.build()
    folders = {"this page": build_site.DIST} | ({"the other": arguments.against} if arguments.against else {})
    times: dict[str, dict[str, list[float]]] = {name: {"cold": [], "warm": []} for name in folders}
    with sync_playwright() as playwright, ExitStack() as servers:
        urls = {name: servers.enter_context(served(folder)) for name, folder in folders.items()}
        for _ in range(arguments.runs):
            for name, url in urls.items():
                browser = playwright.chromium.launch(executable_path=chromium, args=flags())
                context = browser.new_context()
                for kind in ("cold", "warm"):
                    times[name][kind].append(first_masked(context, url + arguments.query))
                version = browser.version
                browser.close()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps({"chromium": version, "milliseconds": times}, indent=1) + "\n")
    for kind in ("cold", "warm"):
        medians = {name: statistics.median(values[kind]) for name, values in times.items()}
        for name, values in times.items():
            each = ", ".join(f"{value:.0f}" for value in values[kind])
            print(f"{kind}, {name}: median {medians[name]:.0f} ms of {each}")
        if arguments.against:
            print(f"{kind}: {medians['this page'] / medians['the other']:.2f} times the other's")


if __name__ == "__main__":
    main()
