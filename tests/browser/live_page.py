"""The page under test: opening it, recording what it shows, and computing the same natively."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page

from autogaze_web.live import LiveSettings, LiveView

Pixels = NDArray[np.uint8]

PANELS = ("input", "mask", "output")
LOAD_TIMEOUT_MS = 60_000

_RECORD = """async ([count, source]) => {
  const { view, player } = globalThis.autogaze;
  const recording = view.record(count, { fromStart: true });
  player.open(source || player.name);
  const tooLate = new Promise((_, reject) => setTimeout(reject, 30_000, new Error("no frames came")));
  const base64 = (bytes) => {
    let text = "";
    for (let i = 0; i < bytes.length; i += 9000) text += String.fromCharCode(...bytes.subarray(i, i + 9000));
    return btoa(text);
  };
  return (await Promise.race([recording, tooLate])).map(({ report, ...panels }) => ({
    report,
    ...Object.fromEntries(Object.entries(panels).map(([name, bytes]) => [name, base64(bytes)])),
  }));
}"""

_SHOWN = """(name) => {
  const panel = document.getElementById(name);
  const copy = new OffscreenCanvas(panel.width, panel.height);
  const context = copy.getContext("2d");
  context.drawImage(panel, 0, 0);
  return [panel.width, panel.height, [...context.getImageData(0, 0, panel.width, panel.height).data]];
}"""


_PLAY = """async ([source, count, width, height]) => {
  const { view, player } = globalThis.autogaze;
  player.close();
  const shown = view.onDone;
  const reports = [];
  view.newStream();
  for (let index = 0; index < count; index++) {
    const done = new Promise((resolve) => { view.onDone = resolve; });
    view.send({ synthetic: source, index, width, height });
    const report = await done;
    shown(report);
    reports.push(report);
  }
  view.onDone = shown;
  return reports;
}"""


@dataclass(frozen=True)
class Recorded:
    """One processed frame of the page: its numbers and its panels, (H, W, 4) uint8."""

    report: dict[str, Any]
    input: Pixels
    mask: Pixels
    output: Pixels


def open_live(page: Page, url: str, query: str = "") -> None:
    """Opens the page and waits until Python has shown a frame."""
    page.goto(url + query)
    wait_live(page)


def choose_files(page: Page, *paths: Path) -> None:
    """Chooses files as a user does: once the page has a button for it."""
    page.wait_for_function("() => globalThis.autogaze", timeout=LOAD_TIMEOUT_MS)
    page.set_input_files("#file", paths)


def wait_live(page: Page) -> None:
    """Waits until the panels show a processed frame."""
    page.wait_for_selector("#panels.live", timeout=LOAD_TIMEOUT_MS)


def record(page: Page, count: int, source: str = "") -> list[Recorded]:
    """The first `count` frames of the source, opened again for it, as the page processed them."""
    frames = page.evaluate(_RECORD, [count, source])
    return [
        Recorded(
            entry["report"],
            *(_pixels(entry[name], entry["report"]["height"], entry["report"]["width"]) for name in PANELS),
        )
        for entry in frames
    ]


def play(page: Page, source: str, count: int, width: int, height: int) -> list[dict[str, Any]]:
    """Sends exactly these frames of a synthetic source as a stream of their own; their reports."""
    reports: list[dict[str, Any]] = page.evaluate(_PLAY, [source, count, width, height])
    return reports


def _pixels(text: str, height: int, width: int) -> Pixels:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)


def shown(page: Page, panel: str) -> Pixels:
    """What a panel's canvas shows now, (H, W, 4)."""
    width, height, values = page.evaluate(_SHOWN, panel)
    return np.array(values, np.uint8).reshape(height, width, 4)


def assert_native(frames: list[Recorded], options: dict[str, object] | None = None) -> None:
    """The page's masks, outputs and numbers are those of the native package on the page's own input."""
    view = LiveView(LiveSettings.of(options or {}))
    for frame in frames:
        view.next_frame(*frame.input.shape[:2])[:] = frame.input
        report = view.process()
        assert (frame.report["index"], frame.report["cells"]) == (report.index, report.cells)
        np.testing.assert_array_equal(frame.mask, view.mask)
        np.testing.assert_array_equal(frame.output, view.output)
        assert frame.report["mask_ratio"] == report.mask_ratio
        if not report.keyframe:
            assert frame.report["update_ratio"] == report.update_ratio
            assert float(frame.report["psnr"]) == pytest.approx(report.psnr, rel=1e-12)  # log10 differs
