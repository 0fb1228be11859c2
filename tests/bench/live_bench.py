"""Measures the Python time of one frame: in Pyodide under Chromium, and natively for comparison.

    make bench                          medians as tables; the same as JSON in tests/output/bench.json
    python tests/bench/live_bench.py --frames 30

Times are medians in milliseconds over the frames after a warm-up. They cover ``LiveView.process`` only,
without capturing or drawing the frame. The first table is the page with patch-diff. The second table has
frames in which every pixel changes (``frame_costs.py``), with the minimum and the goal for each case, and the
same with NumPy alone, as in a browser without SIMD. Timings are noisy: compare ratios, which come from one
run, and on a busy machine minima. ``docs/speed.md`` contains these tables.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "browser"), str(ROOT / "site")]

from chromium import flags, require  # noqa: E402
from frame_costs import measure_all  # noqa: E402
from gaze_harness import GazeWorker  # noqa: E402
from in_page import in_page  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402
from served import served  # noqa: E402

import build_site  # noqa: E402
from autogaze_web.frames.synthetic import SYNTHETIC_SOURCES  # noqa: E402
from autogaze_web.live.settings import LiveSettings  # noqa: E402
from autogaze_web.live.view import LiveView  # noqa: E402

SIZES = ((640, 360), (1280, 720), (1920, 1080))
WARM_UP = 10


@dataclass(frozen=True)
class Workload:
    """A source and its options, which determine how much of a frame changes and is masked."""

    name: str
    source: str
    options: dict[str, object]


WORKLOADS = (
    Workload("sparse motion", "synthetic-local-motion", {}),
    Workload("full motion", "synthetic-pan", {}),
    Workload("full motion, every cell", "synthetic-pan", {"patch-diff-threshold": 0}),
)

# Width, height, workload in frame_costs.py, and the goal in milliseconds.
TOKEN_CASES = (
    (640, 360, "16 tokens", 4),
    (640, 360, "16 tokens, PSNR hidden", 4),
    (640, 360, "265 tokens", 8),
    (1280, 720, "16 tokens", 12),
    (1280, 720, "265 tokens", 12),
    (1920, 1080, "16 tokens", 25),
    (1920, 1080, "265 tokens", 25),
    (1920, 1080, "16 tokens, full blend", 25),
    (1920, 1080, "16 tokens, overlay", 25),
    (1920, 1080, "16 tokens, outlines", 25),
    (640, 360, "patch-diff, grain", 4),
    (1280, 720, "patch-diff, grain", 9),
    (1920, 1080, "patch-diff, grain", 18),
)


def in_browser(page: Page, url: str, workload: Workload, width: int, frames: int) -> list[dict[str, Any]]:
    """The reports of the page's first frames."""
    options = {"source": workload.source, "inference-width": width, **workload.options}
    page.goto(url + "?" + "&".join(f"{name}={value}" for name, value in options.items()))
    page.wait_for_selector("#panels.live", timeout=60_000)
    reports: list[dict[str, Any]] = in_page(page, "live_frames.firstReports", frames, 120_000)
    return reports


def natively(workload: Workload, width: int, height: int, frames: int) -> list[dict[str, Any]]:
    """The reports of the same frames in native Python."""
    view = LiveView(LiveSettings.of(workload.options))
    reports = []
    for index in range(frames):
        SYNTHETIC_SOURCES[workload.source](view.next_frame(height, width), index)
        reports.append(asdict(view.process()))
    return reports


def medians(reports: list[dict[str, Any]]) -> dict[str, float]:
    """The medians of each stage and of their sum, without the warm-up."""
    stages = [report["stageMs"] for report in reports[WARM_UP:]]
    result = {"total": statistics.median(sum(each.values()) for each in stages)}
    return result | {name: statistics.median(each[name] for each in stages) for name in stages[0]}


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    stages = [name for name in rows[0]["pyodide_ms"] if name != "total"]
    lines = [
        "| size | workload | masked | Pyodide ms | native ms | ratio | " + " | ".join(stages) + " |",
        "| --- | --- | --- | --- | --- | --- |" + " --- |" * len(stages),
    ]
    for row in rows:
        pyodide, native = row["pyodide_ms"], row["native_ms"]
        cells = [
            f"{row['width']}x{row['height']}",
            row["workload"],
            f"{row['mask_ratio'] * 100:.0f} %",
            f"**{pyodide['total']:.1f}**",
            f"{native['total']:.1f}",
            f"{pyodide['total'] / native['total']:.1f}",
            *(f"{pyodide[name]:.2f}" for name in stages),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def with_tokens(page: Page, url: str, frames: int) -> list[dict[str, Any]]:
    """The measurements of ``frame_costs.py`` in Pyodide, each with its goal and the native time."""
    cases = [[width, height, workload] for width, height, workload, _ in TOKEN_CASES]
    source = (Path(__file__).parent / "frame_costs.py").read_text(encoding="utf-8")
    pyodide = json.loads(GazeWorker(page, url).python(f"{source}\nmeasure_all({cases!r}, {frames})"))
    natively = json.loads(measure_all(cases, frames))
    return [
        {**row, "goal_ms": goal, "native_ms": native["ms"]}
        for row, native, (*_, goal) in zip(pyodide, natively, TOKEN_CASES, strict=True)
    ]


def token_table(rows: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    stages = [name for name in rows[0]["ms"] if name != "total"]
    lines = [
        "| size | cells | masked | Pyodide ms | min | goal | without SIMD | min | native ms | "
        + " | ".join(stages)
        + " |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |" + " --- |" * len(stages),
    ]
    for row in rows:
        cells = [
            f"{row['width']}x{row['height']}",
            row["workload"],
            f"{row['mask_ratio'] * 100:.0f} %",
            f"**{row['ms']['total']:.1f}**",
            f"{row['least_ms']['total']:.1f}",
            f"{row['goal_ms']}",
            f"{row['numpy']['ms']['total']:.1f}",
            f"{row['numpy']['least_ms']['total']:.1f}",
            f"{row['native_ms']['total']:.1f}",
            *(f"{row['ms'][name]:.2f}" for name in stages),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def machine_load() -> str:
    """A sentence about the load of the machine, which can disturb the measurements."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    verdict = "idle" if load < 0.2 * cores else "busy: trust the ratios, not the times"
    return f"Load {load:.1f} on {cores} cores at the start: {verdict}"


def main() -> None:
    """Measures, prints the table and writes the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=60, help="frames of each case, including the warm-up")
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "output" / "bench.json")
    arguments = parser.parse_args()
    if arguments.frames <= WARM_UP:
        parser.error(f"--frames must exceed the warm-up of {WARM_UP} frames")

    chromium = require()
    load = machine_load()
    build_site.build()
    rows = []
    # Clocks are precise on an isolated site; on a plain site the tests can add files.
    with served(isolated=True) as url, served() as plain_url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags())
        for width, height in SIZES:
            for workload in WORKLOADS:
                page = browser.new_page()
                reports = in_browser(page, url, workload, width, arguments.frames)
                page.close()
                native = natively(workload, width, height, arguments.frames)
                rows.append(
                    {
                        "width": width,
                        "height": height,
                        "workload": workload.name,
                        "frames": arguments.frames - WARM_UP,
                        "mask_ratio": statistics.fmean(report["maskRatio"] for report in reports[WARM_UP:]),
                        "pyodide_ms": medians(reports),
                        "native_ms": medians(native),
                    }
                )
                print(
                    f"  {width}x{height} {workload.name}: {rows[-1]['pyodide_ms']['total']:.1f} ms",
                    flush=True,
                )
        version = browser.version
        token_rows = with_tokens(browser.new_page(), plain_url, arguments.frames - WARM_UP)
        browser.close()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    result = {"chromium": version, "rows": rows, "token_rows": token_rows}
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    print(f"\nPython time per frame, medians of {arguments.frames - WARM_UP} frames, Chromium {version}")
    print(f"{load}\n")
    print(table(rows))
    print("\nThe same with every pixel changing\n")
    print(token_table(token_rows))


if __name__ == "__main__":
    main()
