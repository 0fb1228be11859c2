"""Streams for minutes, with sources and mask sources changing all the while, and watches the memory.

    make soak                      ten minutes; a table, and all samples as JSON in tests/output/soak.json
    make soak SECONDS=60

A round chooses AutoGaze, runs it over each synthetic source, measures, and goes back to patch-diff, which
ends the model. Every round measures at the same point, so that nothing should differ from round to round once
the first ones have warmed everything up. The test in ``test_soak.py`` is the same for twenty seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from chromium import flags, require
from devtools import Target
from live_page import open_live
from model_page import ADDRESSES, serve, wait_model, write_checkpoint
from playwright.sync_api import Page, Worker, sync_playwright

import build_site
import serve_site

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("synthetic-local-motion", "synthetic-pulse", "synthetic-pan")
FEWEST_ROUNDS = 6
FRAMES_A_SOURCE = 12
LONG_FRAMES_A_SOURCE = 150

_PYTHON = """() => globalThis.autogaze.pyodide.runPython(
  "import gc; gc.collect(); len(gc.get_objects())")"""

_FRAMES = """([source, count]) => new Promise((resolve, reject) => {
  const { view, player } = globalThis.autogaze;
  const shown = view.onDone;
  let left = count;
  const late = setTimeout(reject, 120_000, new Error("too few frames came"));
  view.onDone = (report) => {
    shown(report);
    if (--left > 0) return;
    view.onDone = shown;
    clearTimeout(late);
    resolve();
  };
  player.open(source);
})"""

# Buffers that were made and not destroyed.
_COUNT_BUFFERS = """() => {
  globalThis.gpuBuffers = 0;
  if (!globalThis.GPUDevice) return;
  const { createBuffer } = GPUDevice.prototype;
  const { destroy } = GPUBuffer.prototype;
  const alive = new WeakSet();
  GPUDevice.prototype.createBuffer = function (how) {
    const buffer = createBuffer.call(this, how);
    alive.add(buffer);
    globalThis.gpuBuffers += 1;
    return buffer;
  };
  GPUBuffer.prototype.destroy = function () {
    if (alive.delete(this)) globalThis.gpuBuffers -= 1;
    destroy.call(this);
  };
}"""


@dataclass(frozen=True)
class Sample:
    """What is in use while a model works. Sizes are in bytes.

    Attributes:
        page_heap, worker_heap, model_heap: JavaScript of the page, of the worker that draws, and of the
            model's own worker, 0 on WebGPU.
        python_memory: Pyodide's; it never shrinks.
        python_objects: those that Python's garbage collector knows.
        allocations: of buffers by the model's runner since it was made.
        gpu_buffers: made and not destroyed.
    """

    page_heap: int
    worker_heap: int
    model_heap: int
    python_memory: int
    python_objects: int
    allocations: int
    gpu_buffers: int


# How much more than in the second third of the rounds there may be in the last: a share, and so much besides.
TOLERANCES: dict[str, tuple[float, float]] = {
    "page_heap": (0.01, 200_000),
    "worker_heap": (0.01, 200_000),
    "model_heap": (0.01, 200_000),
    "python_memory": (0, 0),
    "python_objects": (0.002, 50),
    "allocations": (0, 0),
    "gpu_buffers": (0, 0),
}


def soak(
    page: Page,
    url: str,
    checkpoint: Path,
    seconds: float,
    frames: int = FRAMES_A_SOURCE,
    backend: str = "wasm",
    rounds: int = FEWEST_ROUNDS,
    on_round: Callable[[Sample], None] | None = None,
) -> list[Sample]:
    """A sample of every round; at least ``rounds`` of them."""
    serve(page, checkpoint)
    query = f"?source=synthetic-pan&width=320&backend={backend}{ADDRESSES}"
    open_live(page, url, query)
    worker = _drawing_worker(page)
    worker.evaluate(_COUNT_BUFFERS)
    top = Target(page, page.context.new_cdp_session(page))
    samples: list[Sample] = []
    begun = time.monotonic()
    while len(samples) < rounds or time.monotonic() - begun < seconds:
        page.select_option("#mask-source", "autogaze")
        wait_model(page, "Web")
        for source in SOURCES:
            page.evaluate(_FRAMES, [source, frames])
        samples.append(_sample(page, top))
        if on_round:
            on_round(samples[-1])
        page.select_option("#mask-source", "patch-diff")
        page.wait_for_function("() => !document.getElementById('facts').textContent.includes('AutoGaze')")
        assert worker.evaluate("() => globalThis.autogaze.host.model === undefined"), "the model was kept"
        page.evaluate(_FRAMES, [SOURCES[0], frames])
        assert top.worker("gaze_worker.mjs") is None, "the model's worker lives on"
    return samples


def _sample(page: Page, top: Target) -> Sample:
    worker = _drawing_worker(page)
    live, model = top.worker("live_worker.mjs"), top.worker("gaze_worker.mjs")
    assert live is not None
    return Sample(
        top.heap_bytes(),
        live.heap_bytes(),
        model.heap_bytes() if model else 0,
        worker.evaluate("() => globalThis.autogaze.pyodide._module.HEAP8.length"),
        worker.evaluate(_PYTHON),
        worker.evaluate("() => globalThis.autogaze.host.model.runner.counters.allocations"),
        worker.evaluate("() => globalThis.gpuBuffers"),
    )


def _drawing_worker(page: Page) -> Worker:
    return next(worker for worker in page.workers if worker.url.endswith("/live_worker.mjs"))


def growth(samples: list[Sample]) -> dict[str, tuple[float, float]]:
    """Medians of the second and of the last third of the rounds, of each quantity that grew too much."""
    third = len(samples) // 3
    grown = {}
    for name, (share, besides) in TOLERANCES.items():
        values = [getattr(sample, name) for sample in samples]
        before, after = median(values[third : 2 * third]), median(values[-third:])
        if after > before * (1 + share) + besides:
            grown[name] = before, after
    return grown


def table(samples: list[Sample]) -> str:
    """The first round, those a third and two thirds on, and the last, in Markdown."""
    last = len(samples) - 1
    shown = [0, last // 3, 2 * last // 3, last]
    lines = [f"| | {' | '.join(f'round {i + 1}' for i in shown)} |", "| --- |" + " --- |" * len(shown)]
    for name in TOLERANCES:
        cells = " | ".join(f"{getattr(samples[i], name):,}" for i in shown)
        lines.append(f"| {name.replace('_', ' ')} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    """Soaks, prints a table, writes the JSON and fails if something grew."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--backend", choices=["wasm", "webgpu"], default="wasm")
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "output" / "soak.json")
    arguments = parser.parse_args()
    chromium = require()
    build_site.build()
    server = serve_site.make_server(build_site.DIST)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=flags(webgpu=arguments.backend == "webgpu")
        )
        samples = soak(
            # Else it would answer for the model's files, which are this program's.
            browser.new_page(service_workers="block"),
            f"http://127.0.0.1:{server.server_address[1]}/",
            write_checkpoint(Path(folder)),
            arguments.seconds,
            LONG_FRAMES_A_SOURCE,
            arguments.backend,
            on_round=lambda sample: print(f"  {sample}", flush=True),
        )
        browser.close()
    server.shutdown()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps([asdict(sample) for sample in samples], indent=1) + "\n")
    frames = 3 * LONG_FRAMES_A_SOURCE
    print(
        f"\n{len(samples)} rounds of {frames} frames with the model, {arguments.backend}\n\n{table(samples)}"
    )
    if grown := growth(samples):
        sys.exit(f"error: this grew (before, after): {grown}")


if __name__ == "__main__":
    main()
