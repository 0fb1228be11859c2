"""The page on real sources: its input is what went in, its output what Python computes natively."""

from __future__ import annotations

from pathlib import Path

import av
import clips
import numpy as np
import pytest
from in_page import in_page
from live_page import (
    SCRIPTS,
    assert_native,
    choose_files,
    nearest,
    open_live,
    pause,
    record,
    wait_frames,
    wait_live,
    wait_shape,
)

from autogaze_web.frames.rgba import allocate
from autogaze_web.frames.synthetic import SYNTHETIC_SOURCES

pytestmark = pytest.mark.browser

EXAMPLE = Path(__file__).parent.parent / "data" / "example_input.webm"


def example_frames(count=24):
    with av.open(str(EXAMPLE)) as container:
        decoded = container.decode(video=0)
        return np.stack([next(decoded).to_ndarray(format="rgb24") for _ in range(count)])


def test_a_real_video_through_the_camera(open_page, site_url, tmp_path):
    frames = example_frames()
    page = open_page(camera=clips.write_y4m(tmp_path / "camera.y4m", frames, fps=15)).page
    open_live(page, site_url, "?source=camera&width=448")
    recorded = record(page, 8)

    shown_frames = []
    for frame in recorded:
        best, distance = nearest(frame.input, frames)
        assert distance < 4, "the input panel does not show the camera's picture"
        shown_frames.append(best)
    assert len(set(shown_frames)) > 2, "the input panel does not move"
    assert_native(recorded)
    assert any(frame.report["cells"] > 0 for frame in recorded)


def test_the_default_width_is_640_and_keeps_the_cameras_shape(open_page, site_url, tmp_path):
    square = clips.moving_square(30, 320, 240)
    page = open_page(camera=clips.write_y4m(tmp_path / "camera.y4m", square)).page
    open_live(page, site_url, "?source=camera")
    wait_shape(page, 480, 640)


def test_masked_cells_are_where_motion_is(live, tmp_path):
    frames = clips.moving_square(30, 640, 360, side=64, step=16)
    page = live("?source=file")
    choose_files(page, clips.write_lossless(tmp_path / "square.webm", frames, fps=10))
    wait_shape(page, 360, 640)
    recorded = record(page, 10)
    assert_native(recorded)
    moving = [frame for frame in recorded if frame.report["cells"]]
    assert len(moving) >= 3
    for frame in moving:
        rows = np.flatnonzero((frame.mask[..., 3] > 0).any(axis=1))
        # The square covers rows 148 .. 211; cells of 14 rows reach at most one cell further.
        assert rows.min() >= 148 - 26
        assert rows.max() < 212 + 26


def test_synthetic_sources_are_pythons_own_bit_for_bit(live):
    page = live("?source=synthetic-pan")
    for source, draw in SYNTHETIC_SOURCES.items():
        frames = record(page, 6, source)
        for index, frame in enumerate(frames):
            expected = allocate(360, 640)
            draw(expected, index)
            np.testing.assert_array_equal(frame.input, expected, f"{source}, frame {index}")
        assert_native(frames)


@pytest.mark.parametrize(
    "options",
    [
        {"visualization-mode": "full-blend"},
        {"keyframe-duration": 3, "patch-diff-threshold": 0.4},
        {"patch-diff-grid": 9, "blend-alpha": 0.8, "inference-width": 641},
    ],
)
def test_options_of_a_query(live, options):
    query = "&".join(f"{name}={value}" for name, value in options.items())
    assert_native(record(live(f"?source=pan&{query}"), 7), options)


def test_the_canvases_show_what_was_computed(live):
    page = live("?source=synthetic-pan&inference-width=321")
    last = record(page, 5)[-1]
    # Recording ends in mid-stream: stop at a frame, then compare all three panels of that very frame.
    panels = pause(page)
    assert page.inner_text("#run") == "Start"
    assert panels["input"].shape == last.input.shape
    covered = panels["mask"][..., 3] > 0
    assert covered.any()
    np.testing.assert_array_equal(panels["output"][covered], panels["input"][covered])
    stopped = page.inner_text("#facts")
    page.wait_for_timeout(300)
    assert page.inner_text("#facts") == stopped, "paused, but frames go on"
    page.click("#run")
    page.wait_for_function("(text) => document.getElementById('facts').textContent !== text", arg=stopped)


def test_controls_change_the_running_stream(live):
    page = live("?source=synthetic-pan")
    assert "changes above 0.15" in page.inner_text("#quality-value")
    page.locator("#quality").fill("100")
    page.wait_for_function("() => document.getElementById('facts').textContent.includes('196 cells')")
    page.locator("#quality").fill("0")
    page.wait_for_function("() => /· [0-9] cells? ·/.test(document.getElementById('facts').textContent)")
    page.select_option("#output-mode", "full-blend")
    wait_frames(page, 2)
    panels = pause(page)
    covered = panels["mask"][..., 3] > 0
    np.testing.assert_array_equal(panels["output"][~covered], panels["input"][~covered])


def test_numbers_above_the_panels(live):
    page = live("?source=synthetic-pan")
    for identifier, pattern in (
        ("speed", r"^shown\s+\d+\.\d\sfps$"),
        ("ratio", r"^updated\s+\d+\.\d\s%average\s+\d+\.\d\s%$"),
        ("psnr", r"^PSNR\s+(\d+\.\d|∞)\sdBaverage\s+(\d+\.\d|∞)\sdB$"),
    ):
        page.wait_for_function(
            "([id, pattern]) => new RegExp(pattern).test(document.getElementById(id).textContent)",
            arg=[identifier, pattern],
        )


def test_every_source_opens_while_any_other_runs(open_page, site_url, tmp_path):
    camera = clips.write_y4m(tmp_path / "camera.y4m", clips.moving_square(20, 320, 180))
    recorded = open_page(camera=camera)
    # Downloads of the sample clip that another source put an end to.
    recorded.expect_problem("ERR_ABORTED")
    page = recorded.page
    page.add_init_script(path=SCRIPTS / "fake_screen.mjs")
    open_live(page, site_url, "?source=camera&width=160")
    assert in_page(page, "source_walk.walk") == []
    page.select_option("#source", "synthetic-pan")
    wait_live(page)
    assert_native(record(page, 4))
    video = page.evaluate("document.getElementById('video').srcObject")
    assert video is None, "the camera is still held after another source was chosen"


def test_newest_frame_wins_and_nothing_queues(live):
    page = live("?source=synthetic-pan&inference-width=1600")
    page.evaluate(
        """() => {
          const { view } = globalThis.autogaze;
          const send = view.send.bind(view);
          globalThis.most = 0;
          let inWork = 0;
          view.send = (frame) => { globalThis.most = Math.max(globalThis.most, ++inWork); send(frame); };
          view.on("frame", () => { inWork--; });
          globalThis.shortestInterval = 0;
          globalThis.autogaze.player.open("synthetic-pan");
        }"""
    )
    page.wait_for_function("() => globalThis.autogaze.player.replaced > 3")
    assert page.evaluate("globalThis.most") == 1
    page.evaluate("() => { delete globalThis.autogaze.view.send; globalThis.shortestInterval = 100; }")


def test_a_camera_that_turns_in_mid_stream(page, site_url):
    page.add_init_script(path=SCRIPTS / "turning_camera.mjs")
    open_live(page, site_url, "?source=camera&width=160")
    wait_shape(page, 90, 160)
    page.evaluate("turn()")
    page.wait_for_function("() => document.getElementById('facts').textContent.startsWith('160\\u00d7284')")
    page.wait_for_function("() => /[1-9]\\d* cells/.test(document.getElementById('facts').textContent)")
    wait_shape(page, 284, 160)


@pytest.mark.parametrize("server", ["subpath_url", "isolated_url"])
def test_other_ways_to_serve_the_site(page, request, server):
    open_live(page, request.getfixturevalue(server), "?source=synthetic-pulse")
    assert_native(record(page, 3))
