"""Streams for half an hour while everything happens to the page that can, and watches the memory.

    make soak                      half an hour; a table, and all samples as JSON in tests/output/soak.json
    make soak SECONDS=60 BACKEND=webgpu
    make soak PIXELS=gpu           the graphics card does the pixel work

A round chooses AutoGaze, runs it over each synthetic source, measures, and then lets happen what
`soak_faults.py` has: sources in a hurry, other sizes, a hidden tab, an unplugged camera, another model in
mid-stream, a lost GPU. After each the page must stream on, without a complaint and with its newest frame in
the panels.
Then it goes back to patch-diff, which ends the model. Every round measures at the same point, so that nothing
should differ from round to round once the first ones have warmed everything up. The test in `test_soak.py` is
the same for three rounds, or for up to six while something grows.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import clips
from chromium import flags, require
from live_page import assert_native, open_live, record
from model_page import (
    ADDRESSES,
    MODEL_TIMEOUT_MS,
    QUICK_FRAME_STEPS,
    serve,
    wait_model,
    with_weights,
    write_checkpoint,
)
from plain_chromium import PlainChromium, plain_chromium
from playwright.sync_api import sync_playwright
from recorded_page import RecordedPage
from served import served
from soak_faults import HEIGHT, WIDTH, faults_for
from soak_plane import assert_sizes_are_freed
from soak_samples import Meter, Sample, growth, table
from soak_stage import Stage, wait_gone

import build_site

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("synthetic-local-motion", "synthetic-pulse", "synthetic-pan")
FEWEST_ROUNDS = 3
# Growth in one round may be something that happens once, such as a late import. A leak goes on.
MOST_SHORT_ROUNDS = 6
FRAMES_A_SOURCE = 12
LONG_FRAMES_A_SOURCE = 150
CAMERA = clips.moving_square(30, WIDTH, HEIGHT)


def soak(
    browser: PlainChromium,
    url: str,
    model: Path,
    seconds: float = 0,
    frames: int = FRAMES_A_SOURCE,
    backend: str = "wasm",
    pixels: str = "auto",
    fault_rounds: int | None = None,
    of_backend_only: bool = False,
    on_step: Callable[[str], None] = lambda _: None,
) -> list[Sample]:
    """A sample of every round; at least three of them, and more, up to six, while the last three grow.

    Args:
        browser: with `CAMERA` as its camera, and without other tabs that matter.
        url: of the site.
        model: folder of two small checkpoints, see `write_models`.
        seconds: after so many the first sample ends it.
        frames: of each synthetic source in a round.
        backend: `wasm` or `webgpu`.
        pixels: the option `pixels`, what does the pixel work.
        fault_rounds: in how many rounds there are faults; None is in all.
        of_backend_only: leaves out the faults that have nothing to do with what runs the model.
        on_step: called with each sample and each fault, as text.
    """
    browser.context.set_default_timeout(MODEL_TIMEOUT_MS)
    page = browser.context.pages[0]
    recorded = RecordedPage(page)
    serve(page, model)
    open_live(page, url, f"?source=synthetic-pan&width={WIDTH}&backend={backend}&pixels={pixels}{ADDRESSES}")
    meter = Meter(page, browser.memory_bytes)
    stage = Stage(recorded, CAMERA)
    faults = faults_for(stage, backend, of_backend_only)
    samples: list[Sample] = []
    begun = time.monotonic()
    while True:
        if samples:
            page.click("#run")  # Paused: after the first round the model only has to be there.
        page.select_option("#mask-source", "autogaze")
        wait_model(page, "Web", MODEL_TIMEOUT_MS)
        for source in SOURCES:
            stage.choose(source)
            stage.frames(frames)
            wait_model(page, "Web", MODEL_TIMEOUT_MS)  # A slow one may not have looked yet.
        samples.append(meter.sample())
        on_step(f"round {len(samples)}, {time.monotonic() - begun:.0f} s: {samples[-1]}")
        done = len(samples) >= FEWEST_ROUNDS and time.monotonic() - begun > seconds
        if done and (len(samples) >= MOST_SHORT_ROUNDS or not growth(samples[-FEWEST_ROUNDS:])):
            return samples
        for fault in faults if fault_rounds is None or len(samples) <= fault_rounds else []:
            on_step(f"  {fault.__name__}, {time.monotonic() - begun:.0f} s")
            fault(stage)
        page.select_option("#mask-source", "patch-diff")
        wait_gone(page)
        stage.choose(SOURCES[0])
        stage.frames(frames)
        meter.assert_no_model()
        assert_native(record(page, 3))
        if pixels == "gpu":
            on_step(f"  sizes on the graphics card, {time.monotonic() - begun:.0f} s")
            assert_sizes_are_freed(stage, WIDTH, pixels)
        stage.assert_well(WIDTH, HEIGHT, model=False)


def write_models(folder: Path, backend: str) -> Path:
    """The small checkpoint with its graphs, and below it, in `other`, one with other weights."""
    write_checkpoint(folder, QUICK_FRAME_STEPS if backend == "webgpu" else None)
    with_weights(folder, folder / "other", lambda _, array: array[::-1].copy())
    return folder


def main() -> None:
    """Soaks, prints a table, writes the JSON and fails if something grew."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--backend", choices=["wasm", "webgpu"], default="wasm")
    parser.add_argument("--pixels", choices=["auto", "cpu", "gpu"], default="auto")
    parser.add_argument("--frames", type=int, default=LONG_FRAMES_A_SOURCE, help="of a source in a round")
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "output" / "soak.json")
    arguments = parser.parse_args()
    chromium = require()
    build_site.build()
    with served() as url, sync_playwright() as playwright, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        camera = clips.write_y4m(folder / "camera.y4m", CAMERA)
        command_line = flags(webgpu=arguments.backend == "webgpu" or arguments.pixels == "gpu", camera=camera)
        with plain_chromium(playwright.chromium, chromium, command_line) as browser:
            samples = soak(
                browser,
                url,
                write_models(folder / "model", arguments.backend),
                arguments.seconds,
                arguments.frames,
                arguments.backend,
                arguments.pixels,
                on_step=lambda step: print(f"  {step}", flush=True),
            )
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps([asdict(sample) for sample in samples], indent=1) + "\n")
    frames = 3 * arguments.frames
    print(
        f"\n{len(samples)} rounds of {frames} frames with the model, {arguments.backend}\n\n{table(samples)}"
    )
    if grown := growth(samples):
        sys.exit(f"error: this grew (before, after): {grown}")


if __name__ == "__main__":
    main()
