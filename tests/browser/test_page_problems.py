"""What a user can get wrong, and what the page says to it; the other sources go on working."""

from __future__ import annotations

from functools import partial

import clips
import numpy as np
import pytest
from live_page import (
    SCRIPTS,
    assert_native,
    assert_shown,
    choose_files,
    eventually,
    open_live,
    record,
    shown,
    take_stream_away,
    wait_frames,
    wait_live,
)
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def notice(page):
    page.wait_for_selector("#notice:not([hidden])")
    return page.inner_text("#notice-text")


def assert_other_sources_work(page):
    page.select_option("#source", "synthetic-pan")
    wait_live(page)
    assert page.is_hidden("#notice")
    assert_native(record(page, 3))


@pytest.mark.parametrize(
    ("is_denied", "sentence"),
    [
        (
            True,
            "The camera was not allowed. Allow it in the browser's address bar and press Use my camera, or "
            "choose another source.",
        ),
        (False, "No camera was found. Connect one and press Use my camera, or choose another source."),
    ],
)
def test_the_sample_plays_on_without_a_camera(open_page, site_url, tmp_path, is_denied, sentence):
    camera = clips.write_y4m(tmp_path / "camera.y4m", clips.still(2, 320, 180)) if is_denied else None
    page = open_page(camera=camera, allow_camera=not is_denied).page
    open_live(page, site_url, "?mask-source=patch-diff")
    assert page.is_hidden("#notice"), "the camera was asked for without a click"
    page.click("#use-camera")
    assert notice(page) == sentence
    assert page.input_value("#source") == "sample"
    wait_frames(page, 2)
    assert_other_sources_work(page)


def test_a_camera_that_does_not_open(page, site_url):
    page.add_init_script(path=SCRIPTS / "refused_camera.mjs")
    page.goto(site_url + "?source=camera")
    assert notice(page).startswith("The camera is in use by another program.")
    page.evaluate("() => { refusal = 'AbortError'; }")
    page.click("#run")
    assert notice(page).startswith("The camera could not be opened (said the test).")
    assert_other_sources_work(page)


def test_a_page_that_is_not_secure(page, site_url):
    page.add_init_script("Object.defineProperty(navigator, 'mediaDevices', { value: undefined });")
    page.goto(site_url + "?source=camera")
    assert notice(page).startswith("The camera needs a secure page: open it by https or on localhost")
    assert_other_sources_work(page)


def test_a_camera_that_is_unplugged_and_comes_back(open_page, site_url, tmp_path):
    page = open_page(camera=clips.write_y4m(tmp_path / "a.y4m", clips.moving_square(20, 320, 180))).page
    open_live(page, site_url, "?mask-source=patch-diff")
    page.click("#use-camera")
    page.wait_for_function("() => document.getElementById('source').value === 'camera'")
    wait_live(page)
    take_stream_away(page)
    assert notice(page).startswith("The camera was unplugged or taken away.")
    assert page.inner_text("#run") == "Start"
    page.click("#run")
    wait_live(page)
    assert page.is_hidden("#notice")
    assert_native(record(page, 3))


def test_files_that_are_no_videos(live, tmp_path):
    page = live("?source=synthetic-pulse")
    clips.write_silence(tmp_path / "song.webm")
    (tmp_path / "notes.mp4").write_bytes(b"This is a text, whatever its name says.\n" * 99)
    (tmp_path / "empty.webm").write_bytes(b"")
    (tmp_path / "half.webm").write_bytes(b"\x1a\x45\xdf\xa3" + bytes(2000))
    for name, sentence in (
        ("notes.mp4", "cannot be read as a video"),
        ("empty.webm", "is empty: choose a video file"),
        ("half.webm", "cannot be read as a video"),
        ("song.webm", "has no pictures, only sound"),
    ):
        choose_files(page, tmp_path / name)
        text = notice(page)
        assert text.startswith(f'"{name}"')
        assert sentence in text
        # What was open before plays on, and says so; the sentence stays.
        expect(page.locator("#source")).to_have_value("synthetic-pulse")
        wait_live(page)
        expect(page.locator("#headline-now")).to_contain_text("skipped")
        assert page.is_visible("#notice")
    assert_other_sources_work(page)


def open_file(live, path, query=""):
    page = live("?source=file" + query)
    choose_files(page, path)
    wait_live(page)
    return page


def test_a_video_of_one_frame(live, tmp_path):
    frames = clips.moving_square(1, 96, 64)
    page = open_file(live, clips.write_lossless(tmp_path / "one.webm", frames), "&width=96")
    assert_shown(page, "input", frames[0])
    assert_shown(page, "output", frames[0])


def test_odd_sizes(live, tmp_path):
    frames = clips.moving_square(12, 641, 359)
    page = open_file(live, clips.write_lossless(tmp_path / "odd.webm", frames, fps=10), "&width=641")
    recorded = record(page, 5)
    for frame in recorded:
        assert any(np.array_equal(frame.input[..., :3], each) for each in frames), "not the file's pixels"
    assert_native(recorded)


def test_a_4k_video(live, tmp_path):
    frames = clips.moving_square(4, 3840, 2160, side=640, step=400)
    page = open_file(live, clips.write_vp9(tmp_path / "large.webm", frames, fps=5))
    recorded = record(page, 3)
    assert recorded[0].input.shape == (360, 640, 4)
    assert_native(recorded)


def test_videos_with_rotation_metadata(live, tmp_path):
    """A bright top left corner goes to the top right when a file asks for a quarter turn clockwise."""
    frames = np.full((10, 64, 96, 3), 20, np.uint8)
    frames[:, :16, :16] = (250, 60, 60)
    page = live("?source=file&width=native")

    def turned(shape, corner):
        picture = shown(page, "input")
        assert picture.shape == (*shape, 4)
        assert picture[corner][0] > 200
        assert (picture[..., 0] > 200).mean() == pytest.approx(16 * 16 / (64 * 96), abs=0.01)

    for degrees, *expected in ((90, (96, 64), (0, -1)), (180, (64, 96), (-1, -1)), (270, (96, 64), (-1, 0))):
        path = clips.write_lossless(tmp_path / f"{degrees}.mp4", frames)
        choose_files(page, clips.rotate_mp4(path, degrees))
        eventually(page, partial(turned, *expected))


def test_wrong_options_in_the_address(page, site_url):
    open_live(page, site_url, "?source=tv&patch-diff-threshold=-1&speed=9&viz-mode=full&SOURCE=pan&weights=w")
    text = notice(page)
    assert "source is one of camera, file, screen, image, sample, synthetic-pan" in text
    assert 'patch-diff-threshold is a number of at least 0, got "-1".' in text
    assert 'There is no option "speed"' in text
    assert 'weights-url is an address that begins with https://, http://, /, ./ or ../, got "w".' in text
    assert page.input_value("#output-mode") == "full-blend"
    page.click("#notice-close")
    assert page.is_hidden("#notice")


@pytest.mark.parametrize(
    ("removed", "sentence"),
    [
        ("delete HTMLVideoElement.prototype.requestVideoFrameCallback", "lacks video frame callbacks"),
        ("delete HTMLCanvasElement.prototype.transferControlToOffscreen", "lacks OffscreenCanvas"),
    ],
)
def test_a_browser_without_what_is_needed(page, site_url, removed, sentence):
    page.add_init_script(removed)
    page.goto(site_url)
    assert sentence in notice(page)
    assert page.is_hidden("#loading")


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("**/build.json", "build.json is missing (404)"),
        ("**/pyodide.asm.wasm", "Python could not be loaded: pyodide.asm.wasm is missing (404)."),
        ("**/numpy-*.whl", "wasm32.whl could not be fetched."),
        ("**/options.json", "options.json is missing (404)"),
        ("**/live_worker.mjs", "The page's worker could not start"),
        ("**/live_session.mjs", "A part of the page is missing"),
    ],
)
def test_a_site_with_a_file_missing(recorded, site_url, missing, sentence):
    recorded.expect_problem("404|Failed to fetch|wasm|WebAssembly|Aborted|numpy|MIME")
    recorded.page.route(missing, lambda route: route.fulfill(status=404, body="no"))
    recorded.page.goto(site_url + "?source=synthetic-pan")
    assert sentence in notice(recorded.page)
    assert recorded.page.is_hidden("#loading")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            {"content_type": "application/octet-stream"},
            'sends .mjs files as "application/octet-stream"',
        ),
        ({"status": 404, "body": "no"}, "web/main.mjs is missing (404)"),
    ],
)
def test_a_server_that_does_not_send_the_entry_module_as_a_script(
    recorded, site_url, site_dist, answer, sentence
):
    recorded.expect_problem("MIME|404|Failed to load module|ERR_ABORTED")
    body = (site_dist / "web" / "main.mjs").read_bytes()
    recorded.page.route("**/web/main.mjs", lambda route: route.fulfill(**{"body": body, **answer}))
    recorded.page.goto(site_url)
    assert sentence in notice(recorded.page)
    assert recorded.page.is_hidden("#loading")


def test_the_camera_is_seen_before_python_is_there(open_page, site_url, tmp_path):
    frames = clips.moving_square(20, 320, 180)
    page = open_page(camera=clips.write_y4m(tmp_path / "camera.y4m", frames)).page
    held = []
    page.route("**/pyodide.asm.wasm", lambda route: held.append(route))
    page.goto(site_url + "?source=camera")
    page.wait_for_function("() => document.getElementById('video').videoWidth === 320")
    page.wait_for_function("() => document.getElementById('loading-bytes').textContent.endsWith('MB')")
    assert page.locator("#panels.live").count() == 0
    assert page.evaluate("() => getComputedStyle(document.getElementById('video')).opacity") == "1"
    assert page.evaluate("() => document.getElementById('loading-bar').position") >= 0
    for route in held:
        route.continue_()
    wait_live(page)
    assert page.is_hidden("#loading")


def test_progress_counts_the_bytes_of_the_site(page, site_url):
    page.add_init_script(path=SCRIPTS / "recorded_progress.mjs")
    open_live(page, site_url, "?source=synthetic-pan")
    loaded = [float(text.split()[0]) for text in page.evaluate("seen")]
    total = float(page.evaluate("seen.at(-1)").split()[2])
    assert loaded == sorted(loaded)
    assert len(set(loaded)) > 5, "progress comes in steps too coarse to see"
    assert loaded[-1] == total > 10
