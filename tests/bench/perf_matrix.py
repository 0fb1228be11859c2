"""Measures the page as people use it, frame for frame: sources x modes x mask sources, and the camera.

    make perf-matrix                                        all 18 cases, AutoGaze with the built-in model
    python tests/bench/perf_matrix.py --model ~/AutoGaze    another checkpoint
    python tests/bench/perf_matrix.py --only patch-diff     only some of the cases
    python tests/bench/perf_matrix.py --require-hardware-adapter \
        --chromium-flag=--enable-unsafe-webgpu --chromium-flag=--enable-features=Vulkan

Each case is a page of its own with `perf-summary-frames`; its summary (docs/benchmarking.md) is checked and
written to tests/output/ as perf-matrix.json, .md (a table) and .svg (a chart). The sources are deterministic.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("bench", "browser", "parity")] + [
    str(ROOT / "site")
]

import clips  # noqa: E402
from chromium import flags, require  # noqa: E402
from model_page import serve  # noqa: E402
from perf_report import chart, common_options, problems, table, without_options  # noqa: E402
from PIL import Image  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402

import build_site  # noqa: E402
import serve_site  # noqa: E402

SOURCES = ("image", "synthetic-pan", "synthetic-pulse", "synthetic-local-motion")
MODES = ("realtime", "tiled")
MASK_SOURCES = ("patch-diff", "autogaze")
BUILT_IN = ROOT / "site" / "model"
STILL = "/perf/still.png"


@dataclass(frozen=True)
class Case:
    """What one page is opened with."""

    source: str
    mode: str
    mask_source: str

    @property
    def name(self) -> str:
        """As the results call it."""
        return f"{self.source}, {self.mode}, {self.mask_source}"

    def query(self, frames: int, warm_up: int, **more: str) -> str:
        """The address's query."""
        options = {
            "source": self.source,
            "mode": self.mode,
            "mask-source": self.mask_source,
            "perf-summary-frames": str(frames),
            "perf-summary-warmup-frames": str(warm_up),
            **more,
        }
        if self.source == "image":
            options["image-url"] = f".{STILL}"
        return urlencode(options)


def matrix() -> Iterator[Case]:
    """Sixteen cases and the camera's two."""
    for mask_source in MASK_SOURCES:
        for mode in MODES:
            for source in SOURCES:
                yield Case(source, mode, mask_source)
        yield Case("camera", "realtime", mask_source)


def measured(browser: Browser, url: str, case: Case, query: str, model: Path | None, limit: float) -> Any:
    """The summary that a page of its own comes to."""
    # What a service worker fetches cannot be answered here.
    page = browser.new_page(viewport={"width": 1280, "height": 800}, service_workers="block")
    try:
        if model is not None:
            serve(page, model)
        picture = io.BytesIO()
        Image.fromarray(clips.still(1, 1280, 720)[0]).save(picture, "png")
        page.route(
            lambda url: urlsplit(url).path == STILL,
            lambda route: route.fulfill(body=picture.getvalue(), content_type="image/png"),
        )
        page.goto(f"{url}?{query}")
        summary = page.wait_for_function(
            "() => globalThis.__autogazePerfSummary"
            " || (!document.getElementById('notice').hidden && { notice: document.getElementById('notice-text').textContent })",  # noqa: E501
            timeout=limit * 1000,
        ).json_value()
    finally:
        page.close()
    if "notice" in summary:
        raise SystemExit(f"error: {case.name}: the page says: {summary['notice']}")
    return {"case": case.name, **summary}


def model_query(model: Path | None) -> dict[str, str]:
    """Options that load a model's files from ./model/, with its own graphs if it has any."""
    if model is None or model.resolve() == BUILT_IN:
        return {}
    addresses = {"config-url": "./model/config.json", "weights-url": "./model/model.safetensors"}
    return {**addresses, "graphs-url": "./model/"} if (model / "graphs.json").is_file() else addresses


def main() -> None:
    """Measures all cases and writes the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=120, help="measured in each case (120)")
    parser.add_argument("--warmup", type=int, default=4, help="frames before them (4)")
    parser.add_argument("--model", type=Path, help="folder of another checkpoint than the built-in one")
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    parser.add_argument("--limit", type=float, default=600, help="seconds that a case may take (600)")
    parser.add_argument("--require-hardware-adapter", action="store_true", help="stop without a GPU")
    parser.add_argument("--chromium-flag", action="append", default=[], help="may be given several times")
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "output")
    arguments = parser.parse_args()
    if arguments.model and not (arguments.model / "config.json").is_file():
        parser.error(f"--model {arguments.model} has no config.json: give a checkpoint's folder")
    wanted = [case for case in matrix() if arguments.only in case.name]
    if not wanted:
        parser.error(f"no case's name contains {arguments.only!r}")

    chromium = require()
    build_site.build()
    server = serve_site.make_server(build_site.DIST, headers=serve_site.ISOLATION_HEADERS)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    more = model_query(arguments.model)
    if arguments.require_hardware_adapter:
        more["require-hardware-adapter"] = "true"
    rows, failed = [], []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        camera = clips.write_y4m(Path(folder) / "camera.y4m", clips.moving_square(60, 1280, 720, step=16))
        command_line = [*flags(camera=camera), *arguments.chromium_flag]
        browser = playwright.chromium.launch(executable_path=chromium, args=command_line)
        for case in wanted:
            query = case.query(arguments.frames, arguments.warmup, **more)
            row = measured(browser, url, case, query, arguments.model, arguments.limit)
            rows.append(row)
            wrong = problems(row, arguments.require_hardware_adapter)
            failed += [f"{case.name}: {problem}" for problem in wrong]
            print(f"  {case.name}: {row['p50_total_ms']:.1f} ms a frame", *wrong, sep="; ", flush=True)
        machine = {
            "chromium": browser.version,
            "system": platform.system(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
        }
        browser.close()
    title = f"Milliseconds a frame, Chromium {machine['chromium']}, {machine['cores']} cores"
    arguments.out.mkdir(parents=True, exist_ok=True)
    model = arguments.model.resolve().name if arguments.model else "built-in"
    settings = {"model": model, "frames": arguments.frames, "warmup": arguments.warmup}
    common = common_options(rows)
    cases = [without_options(row, common) for row in rows]
    result = {"machine": machine, **settings, "options": common, "cases": cases}
    for suffix, text in (
        ("json", json.dumps(result, indent=1) + "\n"),
        ("md", f"{title}; {arguments.frames} frames each.\n\n{table(rows)}\n"),
        ("svg", chart(rows, title)),
    ):
        (arguments.out / f"perf-matrix.{suffix}").write_text(text, encoding="utf-8")
    print(f"\n{table(rows)}\n\nwritten to {arguments.out}/perf-matrix.json, .md and .svg")
    if failed:
        sys.exit("error: results that cannot be true:\n" + "\n".join(failed))


if __name__ == "__main__":
    main()
