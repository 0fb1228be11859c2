"""Measures the page at sizes up to 4K: a camera with grain on both planes, sweeps of tiles, the model alone.

    make perf-live                                          everything, with a summary of each stage
    python tests/bench/perf_live.py --only 1280x720         only the works whose name contains this
    python tests/bench/perf_live.py --frames 10 --sweeps 3  fewer frames in each case
    python tests/bench/perf_live.py --folder OUT            write the pages, to be served elsewhere
    python tests/bench/perf_live.py --results FILE...       merge results measured elsewhere into one report

A work is one start of the browser, since its fake camera plays one file: a camera's size, or
`model`. The report is written to tests/output/ as perf-live.json, .md (tables) and .svg (a chart);
docs/benchmarking.md explains it. A case that fails is in it with its error, and the others are measured.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("bench", "browser", "parity")] + [
    str(ROOT / "site")
]

import browser_bench  # noqa: E402
import grain_camera  # noqa: E402
import live_report  # noqa: E402
import perf_matrix  # noqa: E402
from chromium import flags, require  # noqa: E402
from live_cases import (  # noqa: E402
    CAMERA_FRAMES,
    MODEL_QUERY,
    MODEL_WORK,
    SWEEPS,
    LiveCase,
    camera_cases,
    sweep_cases,
)
from perf_folder import PAGE, copy_pages, write_work  # noqa: E402
from perf_report import problems  # noqa: E402
from playwright.sync_api import Error, sync_playwright  # noqa: E402

import build_site  # noqa: E402

PAGE_QUERY = "?work={work}"
_MODEL_FRAMES = 60
_SECONDS_TO_OPEN = 60


def works(frames: int, sweeps: int) -> dict[str, list[LiveCase]]:
    """The cases of each work but the model's, by its name."""
    found: dict[str, list[LiveCase]] = {}
    for case in (*camera_cases(frames), *sweep_cases(sweeps)):
        found.setdefault(case.work, []).append(case)
    return found


def page_of(work: str) -> str:
    """The path of the page that measures a work on a GPU."""
    if work == MODEL_WORK:
        return f"bench/?backends=webgpu&{MODEL_QUERY}&frames={_MODEL_FRAMES}"
    return PAGE + PAGE_QUERY.format(work=work)


def make_folder(folder: Path, cases: dict[str, list[LiveCase]], limit: float, hardware: bool) -> None:
    """Writes the site, the pages and their works, and the program that writes the cameras.

    Args:
        folder: where to write.
        cases: of each work, by its name.
        limit: time limit of a case in seconds.
        hardware: whether a case without a GPU is an error.
    """
    browser_bench.make_folder(folder)
    copy_pages(folder)
    shutil.copy(grain_camera.__file__, folder / "perf")
    more = "&require-hardware-adapter=true" if hardware else ""
    for work, listed in cases.items():
        wanted = [{"name": case.name, "query": case.query + more, "limit": limit} for case in listed]
        write_work(folder, {"cases": wanted, "benchmark_seconds": None, "model": None}, work)


def measure(folder: Path, work: str, seconds: float, frames: int, more_flags: Sequence[str] = ()) -> Any:
    """Measures a work with a browser of its own and returns the results of its pages.

    Args:
        folder: a folder written by `make_folder`.
        work: its name.
        seconds: the time limit of a page of the matrix.
        frames: to measure of the model in each case.
        more_flags: further flags of Chromium.
    """
    camera = None
    if work != MODEL_WORK:
        width, height = map(int, work.split("x"))
        camera = grain_camera.write_camera(folder / "perf", width, height)
    chromium = require()
    with sync_playwright() as playwright:
        command_line = [*flags(camera=camera), *more_flags]
        browser = playwright.chromium.launch(executable_path=chromium, args=command_line)
        if work == MODEL_WORK:
            query = f"{MODEL_QUERY}&frames={frames}"
            # Not isolated for WebGPU, isolated for WebAssembly with threads.
            pages = (browser_bench.measure(browser, folder, isolated, query) for isolated in (False, True))
            result: Any = [row for rows in pages for row in rows]
        else:
            result = perf_matrix.measure(browser, folder, seconds, PAGE_QUERY.format(work=work))
        browser.close()
    if camera:
        camera.unlink()
    return result


def report(out: Path, results: live_report.Results, hardware: bool, stopped: Sequence[str] = ()) -> None:
    """Writes what was measured; exits with an error if a case failed or is implausible, or a work stopped."""
    print(f"\n{live_report.write_report(out, results)}\n\nwritten to {out}/{live_report.NAME}.*")
    failed = [*stopped, *(f"{row['case']}: {row['error']}" for row in results.failed)]
    failed += [f"{row['case']}: {problem}" for row in results.measured for problem in problems(row, hardware)]
    failed += [f"model, {row['budget']} tokens: {row['error']}" for row in results.models if "error" in row]
    if failed:
        sys.exit("error: " + "\n  ".join(failed))


def main() -> None:
    """Measures all works, writes the folder to measure them with, or merges results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--frames", type=int, default=CAMERA_FRAMES, help=f"of each camera case ({CAMERA_FRAMES})"
    )
    parser.add_argument("--sweeps", type=int, default=SWEEPS, help=f"in each case of tiles ({SWEEPS})")
    parser.add_argument("--only", default="", help="measure only works whose name contains this")
    parser.add_argument("--limit", type=float, default=60, help="time limit of a case in seconds (60)")
    parser.add_argument("--require-hardware-adapter", action="store_true", help="fail if there is no GPU")
    parser.add_argument("--chromium-flag", action="append", default=[], help="Chromium flag; can be repeated")
    parser.add_argument("--folder", type=Path, help="write the pages there and measure nothing")
    parser.add_argument("--results", type=Path, nargs="+", help="report results measured elsewhere (JSON)")
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "output")
    arguments = parser.parse_args()
    hardware = arguments.require_hardware_adapter
    if arguments.results:
        try:
            results = live_report.read_results(arguments.results)
        except ValueError as error:
            parser.error(str(error))
        report(arguments.out, results, hardware)
        return
    cases = works(arguments.frames, arguments.sweeps)
    names = [name for name in (*cases, MODEL_WORK) if arguments.only in name]
    if not names:
        parser.error(
            f"no work's name contains {arguments.only!r}: there are {', '.join((*cases, MODEL_WORK))}"
        )
    build_site.build()
    if arguments.folder:
        make_folder(arguments.folder, cases, arguments.limit, hardware)
        print(
            f"write the cameras with {arguments.folder}/perf/grain_camera.py, serve the folder, and open each"
        )
        print("page in a browser with its own camera; the results are in window.result:")
        print("\n".join(page_of(name) for name in names))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        site = folder / "site"
        make_folder(site, cases, arguments.limit, hardware)
        measured, stopped = [], []
        for name in names:
            print(f"{name} ...", flush=True)
            limit = _SECONDS_TO_OPEN + arguments.limit * len(cases.get(name, ()))
            frames = min(arguments.frames, _MODEL_FRAMES)
            try:
                result = measure(site, name, limit, frames, arguments.chromium_flag)
            except Error as error:  # of the browser; the other works have one of their own
                stopped.append(f"{name}: {error.message}")
            else:
                measured.append((name, result))
    report(arguments.out, live_report.merged(measured), hardware, stopped)


if __name__ == "__main__":
    main()
