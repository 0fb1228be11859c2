"""The graphics card does the page's pixel work: the same panels and numbers, and a stream that goes on."""

from __future__ import annotations

import re
from itertools import pairwise

import clips
import numpy as np
import pytest
from in_page import in_page
from live_page import (
    assert_native,
    choose_files,
    decoded,
    drawing_worker,
    open_live,
    record,
    reopen,
    wait_shape,
)
from model_page import ADDRESSES, replay, serve, wait_model

pytestmark = pytest.mark.browser

QUERY = "?source=synthetic-pan&width=128"


def pixels_of(frames):
    """What did the pixel work of each frame."""
    return [frame.report["pixels"] for frame in frames]


def failure(page):
    """How the graphics card has failed."""
    return drawing_worker(page).evaluate("() => String(globalThis.autogaze.plane.failure)")


def notice_hidden(page):
    return page.get_attribute("#notice", "hidden") is not None


def test_the_graphics_card_does_the_pixel_work_of_a_stream(open_page, site_url, checkpoint, tmp_path):
    page = open_page(webgpu=True).page
    open_live(page, site_url, QUERY)
    in_page(drawing_worker(page), "worker_hooks.watchDevice")
    page.evaluate("() => globalThis.autogaze.settings.set({ pixels: 'gpu' })")
    frames = record(page, 5)
    assert pixels_of(frames) == ["gpu"] * 5, failure(page)
    assert_native(frames)

    # At an odd size, with other modes.
    values = {"visualization-mode": "full-blend", "mask-visualization": "outlines", "patch-diff-grid": 5}
    query = "".join(f"&{name}={value}" for name, value in values.items())
    reopen(page, f"?source=synthetic-local-motion&width=97&height=53&pixels=gpu{query}")
    frames = record(page, 4)
    assert (frames[0].input.shape, pixels_of(frames)) == ((53, 97, 4), ["gpu"] * 4)
    assert_native(frames, values)

    # A file's pictures, at their own size and scaled.
    clip = clips.moving_square(20, 160, 96, side=32)
    path = clips.write_lossless(tmp_path / "square.webm", clip, fps=10)
    for width in (160, 80):
        reopen(page, f"?source=file&width={width}&pixels=gpu")
        choose_files(page, path)
        wait_shape(page, width * 96 // 160, width)
        frames = record(page, 4)
        assert pixels_of(frames) == ["gpu"] * 4, failure(page)
        assert_native(frames)
        if width == 160:
            for frame in frames:
                assert (frame.input[..., :3] == clip).all((1, 2, 3)).any(), "a frame of the clip, bit for bit"

    # Where no option says a size it is the file's own. A software adapter is too slow for it: that is said.
    film = clips.write_lossless(tmp_path / "film.webm", clips.moving_square(12, 720, 404), fps=60)
    reopen(page, "?source=file&pixels=gpu")
    choose_files(page, film)
    wait_shape(page, 404, 720)
    said = page.wait_for_function("() => document.getElementById('toast').textContent").json_value()
    assert re.fullmatch(
        r"720.404 is too large for \d+ frames a second here: the stream goes on at 640.359\.", said
    )
    wait_shape(page, 359, 640)

    # From one to the other and back in one stream, which has one keyframe.
    reopen(page, QUERY)
    plan = ["cpu", "gpu", "cpu", "gpu"]
    in_page(page, "stream_in_parts.begin", 3 * len(plan))
    for pixels in plan:
        in_page(page, "stream_in_parts.send", 3, {"pixels": pixels})
    frames = decoded(in_page(page, "stream_in_parts.end"))
    assert pixels_of(frames) == [each for each in plan for _ in range(3)]
    assert_native(frames)

    # A hook wants Python to have the pixels, while there is one.
    page.click("#feature-python summary")
    page.fill("#hook-code", "def on_frame(frame, trace, output):\n    return 255 - frame")
    page.click("#hook-run")
    page.wait_for_function(
        "() => document.getElementById('hook-status').textContent.includes('runs on every frame')"
    )
    frames = record(page, 2)
    assert pixels_of(frames) == ["cpu"] * 2
    assert (frames[1].output == 255 - frames[1].input).all()
    page.click("#hook-stop")
    assert pixels_of(record(page, 2)) == ["gpu"] * 2

    # A model gazes at the same pixels.
    serve(page, checkpoint)
    reopen(page, f"{QUERY}&pixels=gpu&backend=wasm&mask-source=autogaze&mask-timing=own{ADDRESSES}")
    wait_model(page, "WebAssembly")
    frames = record(page, 3)
    assert pixels_of(frames) == ["gpu"] * 3
    replay(frames, checkpoint)

    # Lost: the stream goes on with a keyframe, and nobody is told.
    reopen(page, QUERY + "&pixels=gpu")
    in_page(page, "stream_in_parts.begin", 6)
    in_page(page, "stream_in_parts.send", 3, {})
    in_page(drawing_worker(page), "worker_hooks.loseDevice", "at once")
    in_page(page, "stream_in_parts.send", 3, {})
    frames = decoded(in_page(page, "stream_in_parts.end"))
    assert pixels_of(frames) == ["gpu"] * 3 + ["cpu"] * 3
    assert [frame.report["keyframe"] for frame in frames] == [True, False, False, True, False, False]
    assert [frame.report["index"] for frame in frames] == list(range(6))
    for before, frame in pairwise(frames[3:]):
        masked = frame.mask[..., 3:] > 0
        np.testing.assert_array_equal(frame.output, np.where(masked, frame.input, before.output))
    assert notice_hidden(page)


def moving_stream(page, options):
    """A moving source that changes its size and back, and how often frames 3 and 4 read how many bytes."""
    worker = drawing_worker(page)
    in_page(page, "stream_in_parts.begin", 9)
    in_page(page, "stream_in_parts.send", 3, options)
    in_page(worker, "worker_hooks.gpuReads")
    in_page(page, "stream_in_parts.send", 2, {})
    reads = {int(size): count for size, count in in_page(worker, "worker_hooks.gpuReads").items()}
    in_page(page, "stream_in_parts.send", 2, {}, {"width": 97, "height": 53})
    in_page(page, "stream_in_parts.send", 2, {})
    return decoded(in_page(page, "stream_in_parts.end")), reads


def assert_same_frames(ours, theirs):
    for mine, other in zip(ours, theirs, strict=True):
        for name in ("index", "keyframe", "tokens", "steps", "cells", "maskRatio", "psnr", "maskAgeFrames"):
            assert other.report[name] == mine.report[name], name
        for panel in ("input", "mask", "output"):
            np.testing.assert_array_equal(getattr(other, panel), getattr(mine, panel), err_msg=panel)


def spent(before, after):
    """What the model's runner did for a frame."""
    return {name: total - before.report["runner"][name] for name, total in after.report["runner"].items()}


def assert_no_pixels_read(frames, reads, errors=True):
    """Of a frame come back the decisions of each run and, once, the errors of 6 x 5 blocks, if wanted.

    Since a software adapter has no canvases and the frames are recorded, so does each panel, twice.
    """
    panels, blocks = reads.pop(4 * 192 * 90), reads.pop(4 * 6 * 5, 0)
    assert (panels, blocks) == (2 * 6, 2 if errors else 0)
    runner = spent(frames[2], frames[4])
    assert (sum(reads.values()), sum(size * count for size, count in reads.items())) == (
        runner["runs"],
        runner["bytesRead"],
    )


def test_a_model_gazes_at_pixels_that_stay_on_the_graphics_card(open_page, site_url, gpu_checkpoint):
    recorded = open_page(webgpu=True)
    recorded.expect_problem("[Dd]evice|GPU|[Ll]ost|[Ii]nstance|ERR_|[Bb]uffer")
    page = recorded.page
    serve(page, gpu_checkpoint)
    # Curves, which read pixels back once a second, need a geometry in which a rectangle is a cell.
    options = "&mask-timing=own&mask-geometry=effective&backend=webgpu"
    open_live(page, site_url, f"?source=synthetic-pan&width=128{options}{ADDRESSES}")
    worker = drawing_worker(page)
    in_page(worker, "worker_hooks.watchDevice")
    in_page(worker, "worker_hooks.countReads")
    page.click("#run")  # Paused: the model is compiled sooner.
    page.select_option("#mask-source", "autogaze")
    wait_model(page, "WebGPU")

    # The pixels come to the model's device.
    in_memory, _ = moving_stream(page, {"pixels": "cpu"})
    on_gpu, reads = moving_stream(page, {"pixels": "gpu"})
    assert (pixels_of(in_memory), pixels_of(on_gpu)) == (["cpu"] * 9, ["gpu"] * 9), failure(page)
    assert all(frame.report["tokens"] > 0 for frame in on_gpu)
    assert_same_frames(in_memory, on_gpu)

    assert_no_pixels_read(on_gpu, reads)
    for index in (2, 4, 6, 8):
        mine, other = (spent(*frames[index - 1 : index + 1]) for frames in (in_memory, on_gpu))
        if index in (2, 4):
            assert mine["bytesWritten"] - other["bytesWritten"] == 90 * 160 * 4, "no pixel is uploaded"
            assert other["allocations"] == 0
        assert other["readBacks"] == other["runs"] == mine["runs"]
    frames, reads = moving_stream(page, {"show-psnr": False})
    assert_no_pixels_read(frames, reads, errors=False)
    page.evaluate("() => globalThis.autogaze.settings.set({ 'show-psnr': true })")

    # The device stays the pixels' while there is no model, and becomes that of the next one.
    page.select_option("#mask-source", "patch-diff")
    in_page(worker, "worker_hooks.modelIs", False)
    frames, _ = moving_stream(page, {})
    assert pixels_of(frames) == ["gpu"] * 9, failure(page)
    page.select_option("#mask-source", "autogaze")
    in_page(worker, "worker_hooks.modelIs", True)
    again, reads = moving_stream(page, {})
    assert_no_pixels_read(again, reads)
    assert_same_frames(in_memory, again)

    # Lost with both: the stream goes on in memory with a keyframe, the model comes back by itself.
    in_page(page, "stream_in_parts.begin", 6)
    in_page(page, "stream_in_parts.send", 3, {})
    in_page(worker, "worker_hooks.loseDevice", "in a run")
    in_page(page, "stream_in_parts.send", 3, {})
    frames = decoded(in_page(page, "stream_in_parts.end"))
    assert pixels_of(frames) == ["gpu"] * 3 + ["cpu"] * 3
    assert [frame.report["keyframe"] for frame in frames] == [True, False, False, True, False, False]
    assert [frame.report["index"] for frame in frames] == list(range(6))
    in_page(worker, "worker_hooks.modelIs", True)
    after, _ = moving_stream(page, {})
    assert_same_frames(in_memory, after)


def test_a_browser_without_webgpu_says_once_who_does_the_pixel_work(live):
    page = live(QUERY + "&pixels=gpu")
    expected = "This browser has no WebGPU, so the processor does the pixel work."
    page.wait_for_function(
        "(text) => document.getElementById('notice-text').textContent === text", arg=expected
    )
    page.click("#notice-close")
    assert_native(record(page, 3))
    assert notice_hidden(page)
