"""What the site has for people who build on it: the example page, the package and its types."""

from __future__ import annotations

import re
import subprocess

import clips
import numpy as np
import pytest
from live_page import assert_shown
from model_page import serve

import build_site
from autogaze_web import AutoGaze, AutoGazeImageProcessor, options
from autogaze_web.frames.rgba import as_frame
from autogaze_web.live.settings import LiveSettings
from autogaze_web.live.view import LiveView
from autogaze_web.page.clip_session import SETTINGS
from autogaze_web.panels.metrics import format_psnr

pytestmark = pytest.mark.browser


def test_the_example_page(open_page, subpath_url, checkpoint, tmp_path):
    byte = np.arange(6 * 180 * 320 * 4).reshape(6, 180, 320, 4)
    channel, x, y, t = byte % 4, byte // 4 % 320, byte // 1280 % 180, byte // 1280 // 180
    bright = (y >= 60) & (y < 120) & (x >= 40 * t) & (x < 40 * t + 60)
    frames = np.where(bright, 240 - 50 * channel, (x + 2 * y) % 64 + 30 * channel)
    frames = np.where(channel == 3, 255, frames).astype(np.uint8)

    camera = clips.write_y4m(tmp_path / "camera.y4m", clips.moving_square(30, 320, 180))
    page = open_page(camera=camera).page
    serve(page, checkpoint)
    files = "config=./model/config.json&weights=./model/model.safetensors&graphs=./model/"
    page.goto(f"{subpath_url}example/?{files}&backend=wasm")
    page.wait_for_selector("#camera:enabled")
    said = page.inner_text("#status")

    model = AutoGaze.from_pretrained(checkpoint)
    processor = AutoGazeImageProcessor.from_pretrained(checkpoint)
    stream = model.stream(1.0, 0.7, max_tokens=16)  # the limit replaces the budget of the model
    view = LiveView(LiveSettings.of({}))
    for frame in frames:
        gaze = stream.step(processor(frame[None, ..., :3])[0])
        report = view.step(as_frame(frame), gaze.cells())
    tokens = gaze.gazing_pos[0][~gaze.if_padded_gazing[0]]
    assert said == f"Frame 5, {format_psnr(report.psnr)} dB, tokens: {' '.join(map(str, tokens))}"
    for name, expected in (("input", frames[-1]), ("mask", view.mask), ("output", view.output)):
        assert_shown(page, name, expected)

    page.click("#camera")
    page.wait_for_function(
        "() => input.width === 640 && "
        "/^Frame ([3-9]|\\d\\d)/.test(document.getElementById('status').textContent)"
    )


def test_the_site_is_a_package_with_types(site_dist, tmp_path):
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "autogaze-web").symlink_to(site_dist)
    (tmp_path / "use.mts").write_text(
        """import { AutoGaze, LiveView, PatchDiff, type FrameResult, type Point } from "autogaze-web";
        const gaze: AutoGaze = await AutoGaze.create({ backend: "wasm", onProgress: (step) => step.trim() });
        const clip = await gaze.inferClip(new Uint8Array(64), { width: 4, height: 4, keyframeDuration: 2 });
        const points: Point[] = clip.last.points;
        const mode: "realtime" | "tiled" | "full-resolution" = (await gaze.set({ topK: 3 })).mode;
        for await (const frame of (await PatchDiff.create()).stream().results([new ImageData(1, 1)])) {
          const kept: FrameResult = frame;
          kept.psnr satisfies number | null;
        }
        // @ts-expect-error: there is no such setting
        await gaze.set({ speed: 1 });
        const panel = document.createElement("canvas");
        const view = new LiveView({ input: panel, mask: panel, output: panel });
        view.on("frame", (report) => report.cells.toFixed());
        // @ts-expect-error: there is no such event
        view.on("frames", () => {});
        export { mode, points };"""
    )
    command = [
        *(build_site.NODE_MODULES / ".bin" / "tsc", "--noEmit", "--strict", "--target", "es2024"),
        *("--lib", "es2024,dom,dom.iterable,dom.asynciterable", "--module", "nodenext", "use.mts"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 0


def test_every_setting_has_its_type(site_dist):
    types = (site_dist / "wasm_bridge" / "api" / "settings.d.mts").read_text()
    typed = dict(re.findall(r"^    (\w+): ([^;]+);", types, re.MULTILINE))
    kinds = {"number": "number", "integer": "number", "grids": "string"}
    expected = {}
    for name in SETTINGS:
        option = options.options()[name]
        first, *words = name.split("-")
        choices = " | ".join(f'"{choice.value}"' for choice in option.choices)
        loss = "number | string" if option.is_loss else None
        expected["".join([first, *map(str.capitalize, words)])] = loss or choices or kinds[option.type]
    assert typed == expected
