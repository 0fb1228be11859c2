"""Measures the page as people use it, frame by frame: sources x modes x mask sources, and the camera.

    make perf-matrix                                        all 18 cases, AutoGaze with the built-in model
    python tests/bench/perf_matrix.py --model ~/AutoGaze    another checkpoint
    python tests/bench/perf_matrix.py --only patch-diff     only the cases whose name contains this
    python tests/bench/perf_matrix.py --require-hardware-adapter \
        --chromium-flag=--enable-unsafe-webgpu --chromium-flag=--enable-features=Vulkan
    python tests/bench/perf_matrix.py --folder OUT          write the pages, to be served elsewhere
    python tests/bench/perf_matrix.py --results FILE        write the report of results measured elsewhere

Each case opens the site with `perf-summary-frames`. Its summary (docs/benchmarking.md) is checked and written
to tests/output/ as perf-matrix.json, .md (a table) and .svg (a chart). The sources are deterministic. Without
`--only` the page's own benchmark follows; it is in the JSON as `benchmark`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("bench", "browser", "parity")] + [
    str(ROOT / "site")
]

from chromium import flags, require  # noqa: E402
from perf_folder import CAMERA, PAGE, make_folder, matrix  # noqa: E402
from perf_report import chart, common_options, problems, table, without_options  # noqa: E402
from playwright.sync_api import Browser, ConsoleMessage, sync_playwright  # noqa: E402
from served import served  # noqa: E402

import build_site  # noqa: E402

BUILT_IN = ROOT / "site" / "model"
NAME = "perf-matrix"
BENCHMARK_SECONDS = 24.0


def print_log(message: ConsoleMessage) -> None:
    """Prints the log of the perf page, but not that of the site."""
    if PAGE.removesuffix(".html") in message.location["url"]:
        print(f"  {message.text}", flush=True)


def measure(browser: Browser, folder: Path, seconds: float, query: str = "") -> Any:
    """Measures all cases and returns the machine and a row for each case.

    Args:
        browser: a browser whose camera plays the folder's `CAMERA`.
        folder: a folder written by `make_folder`.
        seconds: the time limit for all cases together.
        query: of the page; by default it measures the cases of `work.json`.
    """
    with served(folder, isolated=True) as url:
        # A service worker would fetch the site again while frames are measured.
        page = browser.new_page(viewport={"width": 1280, "height": 800}, service_workers="block")
        page.on("console", print_log)
        page.goto(url + PAGE + query)
        page.wait_for_function("() => window.done", timeout=seconds * 1000)
        result = page.evaluate("() => window.result")
        page.close()
    return result


def write_report(
    out: Path, machine: dict[str, Any], rows: Sequence[Any], model: str, benchmark: Any = None
) -> str:
    """Writes the JSON, the table and the chart, and returns the table."""
    title = f"Milliseconds per frame, {machine['browser']}, {machine['cores']} cores"
    frames, common, text_table = rows[0]["target_frames"], common_options(rows), table(rows)
    result = {
        "machine": machine,
        "model": model,
        "frames": frames,
        "options": common,
        "cases": [without_options(row, common) for row in rows],
    }
    if benchmark:
        result["benchmark"] = benchmark
    out.mkdir(parents=True, exist_ok=True)
    for suffix, text in (
        ("json", json.dumps(result, indent=1) + "\n"),
        ("md", f"{title}; {frames} frames per case.\n\n{text_table}\n"),
        ("svg", chart(rows, title)),
    ):
        (out / f"{NAME}.{suffix}").write_text(text, encoding="utf-8")
    return text_table


def report(out: Path, result: Any, model: str, hardware: bool) -> None:
    """Writes the cases that were measured; exits with an error if a case failed or is implausible."""
    rows = [row for row in result["rows"] if "error" not in row]
    failed = [f"{row['case']}: {row['error']}" for row in result["rows"] if "error" in row]
    failed += [f"{row['case']}: {problem}" for row in rows for problem in problems(row, hardware)]
    benchmark = result.get("benchmark")
    if benchmark and "error" in benchmark:
        failed.append(f"benchmark: {benchmark['error']}")
    if rows:
        print(f"\n{write_report(out, result['machine'], rows, model, benchmark)}")
        print(f"\nwritten to {out}/{NAME}.json, .md and .svg")
    if failed:
        sys.exit("error: " + "\n  ".join(failed))


def read_results(path: Path) -> Any:
    """Reads a perf page's `window.result` from a JSON file.

    Raises:
        ValueError: if the file does not contain one; the message is one sentence.
    """
    wanted = f"--results {path} must be the JSON of a perf page's window.result"
    try:
        result = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{wanted}: {error}") from None
    if not isinstance(result, dict) or not {"machine", "rows"} <= result.keys():
        raise ValueError(f'{wanted}, an object with "machine" and "rows"')
    return result


def main() -> None:
    """Measures all cases and writes the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=120, help="frames to measure in each case (120)")
    parser.add_argument("--warmup", type=int, default=4, help="unmeasured frames before them (4)")
    parser.add_argument("--model", type=Path, help="folder of another checkpoint; default: built-in")
    parser.add_argument("--only", default="", help="measure only cases whose name contains this")
    parser.add_argument("--limit", type=float, default=600, help="time limit of a case in seconds (600)")
    parser.add_argument("--require-hardware-adapter", action="store_true", help="fail if there is no GPU")
    parser.add_argument("--chromium-flag", action="append", default=[], help="Chromium flag; can be repeated")
    parser.add_argument("--folder", type=Path, help="write the pages there and measure nothing")
    parser.add_argument("--results", type=Path, help="report results measured elsewhere (JSON)")
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "output")
    arguments = parser.parse_args()
    other = arguments.model if arguments.model and arguments.model.resolve() != BUILT_IN else None
    if other and not (other / "config.json").is_file():
        parser.error(f"--model {other} has no config.json: give a checkpoint's folder")
    wanted = [case for case in matrix() if arguments.only in case.name]
    if not wanted:
        parser.error(f"no case's name contains {arguments.only!r}")
    model = other.resolve().name if other else "built-in"
    hardware = arguments.require_hardware_adapter

    if arguments.results:
        try:
            result = read_results(arguments.results)
        except ValueError as error:
            parser.error(str(error))
        report(arguments.out, result, model, hardware)
        return
    build_site.build()
    seconds = None if arguments.only else BENCHMARK_SECONDS
    settings = (wanted, arguments.frames, arguments.warmup, arguments.limit, other, hardware, seconds)
    if arguments.folder:
        make_folder(arguments.folder, *settings)
        print(f"serve {arguments.folder} and open {PAGE}; the results are in window.result")
        return
    chromium = require()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        make_folder(folder, *settings)
        command_line = [*flags(camera=folder / CAMERA), *arguments.chromium_flag]
        browser = playwright.chromium.launch(executable_path=chromium, args=command_line)
        result = measure(browser, folder, arguments.limit * len(wanted))
        browser.close()
    report(arguments.out, result, model, hardware)


if __name__ == "__main__":
    main()
