"""AutoGaze and patch-diff side by side, and the gaze along a file."""

from __future__ import annotations

import csv
import json

import clips
import model_page
import numpy as np
import pytest
from live_page import assert_shown, choose_files, open_live, play

from autogaze_web.cli.main import main
from autogaze_web.frames.rgba import allocate
from autogaze_web.frames.synthetic import SYNTHETIC_SOURCES
from autogaze_web.live.comparison import Comparison, ComparisonSettings
from autogaze_web.live.settings import LiveSettings
from autogaze_web.live.view import LiveView
from autogaze_web.masks.cells import Cells

pytestmark = pytest.mark.browser

SOURCE, FRAMES, WIDTH, HEIGHT = "synthetic-local-motion", 6, 160, 90
# The small model's own: above it the page remembers fewer frames, and its trace says so.
LIMIT = 15


def test_patch_diff_beside_autogaze_is_what_it_is_alone(page, site_url, tmp_path):
    model = model_page.write_checkpoint(tmp_path / "model")
    model_page.serve(page, model)
    query = f"?source=synthetic-pan&width=128&backend=wasm&mask-timing=own&max-gaze-tokens-each-frame={LIMIT}"
    open_live(page, site_url, query + model_page.ADDRESSES)
    page.click("#feature-insight > summary")
    assert page.input_value("#compare-budget") == "pixels"
    page.select_option("#compare-budget", "own")
    page.click("#compare")
    assert page.inner_text("#compare") == "Stop comparing"
    model_page.wait_model(page, "WebAssembly")
    page.wait_for_selector("#compared.live")
    reports = play(page, SOURCE, FRAMES, WIDTH, HEIGHT)
    assert_the_trace_is_that_of_the_command_line(page, model, tmp_path)

    view = LiveView()
    for index, report in enumerate(reports):
        SYNTHETIC_SOURCES[SOURCE](view.next_frame(HEIGHT, WIDTH), index)
        expected, compared = view.process(), report["compared"]
        assert report["tokens"] > 0
        assert (compared["index"], compared["cells"]) == (index, expected.cells)
        assert compared["maskRatio"] == expected.mask_ratio
        if not expected.keyframe:
            assert float(compared["psnr"]) == pytest.approx(expected.psnr)
    assert expected.cells > 0
    assert_shown(page, "compared-mask", view.mask)
    assert_shown(page, "compared-output", view.output)
    names, ours, theirs = zip(
        *[row.split("\t") for row in page.inner_text("#compare-numbers").splitlines()], strict=True
    )
    assert names == (
        *("Cells chosen", "Pixels covered", "Pixels covered, average"),
        "PSNR of the output, average",
    )
    assert int(ours[0]) == reports[-1]["cells"]
    assert int(theirs[0]) == expected.cells
    assert theirs[1].split() == [f"{expected.mask_ratio * 100:.1f}", "%"]

    page.select_option("#compare-rival", "random")
    page.select_option("#compare-budget", "tokens")
    *_, report = play(page, SOURCE, FRAMES, WIDTH, HEIGHT)
    assert report["compared"]["cells"] == report["cells"] > 0
    assert "Random cells ignore the picture" in page.inner_text("#compare-aim")
    assert_block_motion_is_what_it_is_natively(page)
    page.select_option("#compare-rival", "patch-diff")
    *_, report = play(page, SOURCE, FRAMES, WIDTH, HEIGHT)
    assert report["compared"]["maskPixels"] <= report["maskPixels"] + 7 * 12

    page.click("#compare")
    assert page.is_hidden("#compared")
    assert "compared" not in play(page, SOURCE, 2, WIDTH, HEIGHT)[-1]
    page.click("#compare")
    assert "compared" in play(page, SOURCE, 2, WIDTH, HEIGHT)[-1], "the panels can be used again"


def assert_block_motion_is_what_it_is_natively(page):
    page.select_option("#compare-rival", "block-motion")
    page.select_option("#compare-budget", "pixels")
    reports = play(page, SOURCE, FRAMES, WIDTH, HEIGHT)
    natively = Comparison(ComparisonSettings("block-motion"), LiveSettings())
    for index, report in enumerate(reports):
        frame = allocate(HEIGHT, WIDTH)
        SYNTHETIC_SOURCES[SOURCE](frame, index)
        expected, compared = natively.step(frame, Cells.none(), report["maskPixels"]), report["compared"]
        assert (compared["cells"], compared["maskPixels"]) == (expected.cells, expected.mask_pixels)
        if not expected.keyframe:
            assert float(compared["psnr"]) == expected.psnr
    assert expected.cells > 0
    assert_shown(page, "compared-mask", natively.view.mask)
    assert_shown(page, "compared-output", natively.view.output)
    assert "moves the blocks of its last output" in page.inner_text("#compare-aim")


def assert_the_trace_is_that_of_the_command_line(page, model, folder):
    frames = np.zeros((FRAMES, HEIGHT, WIDTH, 4), np.uint8)
    for index, frame in enumerate(frames):
        SYNTHETIC_SOURCES[SOURCE](frame, index)
    clip = clips.write_lossless(folder / "clip.webm", frames[..., :3])
    outputs = ["--json", str(folder / "trace.json"), "--metrics-csv", str(folder / "metrics.csv")]
    limits = ["--max-tokens", str(LIMIT), "--task-loss", "0.7"]
    assert main(["trace", str(clip), "--model", str(model), *limits, *outputs]) == 0
    theirs = json.loads((folder / "trace.json").read_text())
    text, metrics = page.evaluate(
        """({ frames_per_second: framesPerSecond, ...video }) => Promise.all(["trace", "metrics"].map(
          async (kind) => new TextDecoder().decode(
            await globalThis.autogaze.view.file(kind, { ...video, framesPerSecond }))))""",
        theirs["video"],
    )
    ours = json.loads(text)
    for entry, expected in zip(ours["frames"], theirs["frames"], strict=True):
        # ONNX Runtime computes them in another order in WebAssembly than natively.
        del expected["time"]  # a synthetic source has no times
        assert entry.pop("confidence") == pytest.approx(expected.pop("confidence"), abs=1e-4)
        assert len(entry["tokens"]) > 0
    assert ours == theirs
    assert without_times(metrics) == without_times((folder / "metrics.csv").read_text())


def without_times(metrics):
    return [{**row, "time": None} for row in csv.DictReader(metrics.splitlines())]


def test_the_gaze_along_a_file(page, site_url, tmp_path):
    frames = clips.moving_square(12, 160, 96, side=32, step=8)
    page.goto(site_url + "?source=file&width=160&file-pace=every-frame&file-loop=false")
    assert page.is_hidden("#timeline")
    choose_files(page, clips.write_lossless(tmp_path / "square.webm", frames, fps=10))
    page.wait_for_function(
        "() => document.querySelector('#timeline .masked').getAttribute('d')?.split('M').length > 11"
    )
    page.wait_for_function("() => globalThis.autogaze.player.state !== 'running'")
    columns = page.get_attribute("#timeline .masked", "d").split("M")[1:]
    assert len(columns) == 11, "the first frame is a keyframe, the others have cells"
    starts = [int(column.split()[0]) for column in columns]
    assert starts == sorted(starts)
    assert starts[-1] > 350
    page.wait_for_function(
        "() => /at most [1-9]\\d* cells/.test("
        "document.getElementById('timeline-picture').getAttribute('aria-label'))"
    )
    page.locator("#timeline").click()
    page.wait_for_function("() => Math.abs(Number(document.getElementById('position').value) - 0.6) < 0.11")
    # The line is where the slider is in the same task, before any frame can have come.
    assert page.evaluate(
        """() => {
          const slider = document.getElementById("position");
          slider.value = String(slider.max / 4);
          slider.dispatchEvent(new Event("input"));
          return document.querySelector("#timeline .position").getAttribute("d");
        }"""
    ).startswith("M100.00 ")
    assert page.is_visible("#timeline-key")
    page.select_option("#source", "synthetic-pan")
    page.wait_for_selector("#timeline", state="hidden")
    assert page.is_hidden("#timeline-key")
