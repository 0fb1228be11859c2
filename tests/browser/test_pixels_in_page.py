"""The graphics card does the page's pixel work: the same panels and numbers, and a stream that goes on."""

from __future__ import annotations

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


def test_a_browser_without_webgpu_says_once_who_does_the_pixel_work(live):
    page = live(QUERY + "&pixels=gpu")
    expected = "This browser has no WebGPU, so the processor does the pixel work."
    page.wait_for_function(
        "(text) => document.getElementById('notice-text').textContent === text", arg=expected
    )
    page.click("#notice-close")
    assert_native(record(page, 3))
    assert notice_hidden(page)
