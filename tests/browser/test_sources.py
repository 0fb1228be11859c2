"""Where frames can come from: files, pictures, addresses, the sample, a screen, several cameras."""

from __future__ import annotations

import base64
import io
from functools import partial
from urllib.parse import unquote, urlsplit

import clips
import numpy as np
import pytest
from in_page import in_page
from live_page import (
    LOAD_TIMEOUT_MS,
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
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def notice(page):
    page.wait_for_selector("#notice:not([hidden])")
    return page.inner_text("#notice-text")


def wait_notice(page, beginning):
    page.wait_for_function(
        "(text) => document.getElementById('notice-text').textContent.startsWith(text)",
        arg=beginning,
    )


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def picture(width=161, height=91):
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8)


def offer(page, kind, name, mime, content):
    in_page(page, "page_elements.offerFile", kind, name, mime, base64.b64encode(content).decode())


def wait_size(page, width, height):
    page.wait_for_function(
        "(size) => document.getElementById('facts').textContent.includes(size)",
        arg=f"{width}\u00d7{height} pixels",
        timeout=LOAD_TIMEOUT_MS,
    )


def wait_place(page, text):
    page.wait_for_function(
        "(text) => document.getElementById('position-text').textContent.includes(text)", arg=text
    )


def test_every_frame_of_a_file_in_order_bit_for_bit(live, tmp_path):
    frames = clips.moving_square(9, 320, 180, step=24)
    page = live("?source=file&width=native&pace=every-frame")
    choose_files(page, clips.write_lossless(tmp_path / "square.webm", frames, fps=25))
    wait_live(page)
    recorded = record(page, 12)
    for index, frame in enumerate(recorded):
        np.testing.assert_array_equal(frame.input[..., :3], frames[index % 9], err_msg=str(index))
    assert_native(recorded)
    wait_place(page, "of 9")


def test_a_file_is_stepped_scrubbed_and_stops_at_its_end(page, site_url, tmp_path):
    frames = clips.moving_square(12, 320, 180, step=16)
    page.goto(site_url + "?source=file&width=native&pace=every-frame&loop=off")
    assert page.is_hidden("#playback")
    choose_files(page, clips.write_lossless(tmp_path / "square.webm", frames, fps=10))
    wait_live(page)
    wait_place(page, "frame 12 of 12")
    page.wait_for_function("() => document.getElementById('run').textContent === 'Start'")

    def assert_shows(index):
        wait_place(page, f"frame {index + 1} of 12")
        assert_shown(page, "input", frames[index])

    assert_shows(11)
    page.click("#step-back")
    assert_shows(10)
    for _ in range(3):
        page.click("#step-back")
    assert_shows(7)
    page.click("#step-forward")
    assert_shows(8)
    page.locator("#position").fill("0.25")
    assert_shows(2)
    # In real time from here on; the next single frame is counted from where the video has come to.
    page.select_option("#file-pace", "real-time")
    page.check("#file-loop")
    page.click("#run")
    wait_frames(page, 3)
    index = in_page(page, "page_elements.stepForward")
    assert page.inner_text("#run") == "Start"
    assert_shows(min(index + 1, 11))
    page.click("#step-back")
    assert_shows(min(index, 10))


def test_single_frames_of_turned_videos_are_turned(live, tmp_path):
    frames = np.full((4, 64, 96, 3), 20, np.uint8)
    frames[:, :16, :16] = (250, 60, 60)
    page = live("?source=file&width=native&pace=every-frame")

    def turned(corner):
        seen = shown(page, "input")
        assert seen.shape == (96, 64, 4)
        assert seen[corner][0] > 200

    for degrees, corner in ((90, (0, -1)), (270, (-1, 0))):
        path = clips.write_lossless(tmp_path / f"{degrees}.mp4", frames)
        choose_files(page, clips.rotate_mp4(path, degrees))
        eventually(page, partial(turned, corner))
        wait_place(page, "of 4")


def test_the_sample_clip_is_loaded_once_it_is_chosen(recorded, site_url):
    page = recorded.page
    open_live(page, site_url, "?source=synthetic-pulse")
    assert not [url for url in recorded.requests if "/sample/" in url]
    page.select_option("#source", "sample")
    wait_size(page, 640, 360)
    assert len([url for url in recorded.requests if "/sample/" in url]) == 1
    assert_native(record(page, 4))
    page.click("#samples > summary")
    expect(page.locator(".stills img")).to_have_count(6)
    page.click("#samples-patterns button >> nth=0")
    wait_size(page, 640, 640)
    assert "?sample=news&" in page.url
    assert len([url for url in recorded.requests if url.endswith("news.webm")]) == 1


def test_a_picture_that_is_dropped_pasted_or_at_an_address(recorded, site_url):
    page = recorded.page
    # By its path: the page's own address has the picture's in its query.
    page.route(
        lambda url: unquote(urlsplit(url).path).endswith("/-100% é:動.png"),
        lambda route: route.fulfill(body=png(picture())),
    )
    open_live(page, site_url, "?width=native&image-url=./pictures/-100%25 é:動.png")
    assert page.input_value("#source") == "image"
    assert page.evaluate("() => autogaze.player.title") == "-100% é:動.png"
    assert_shown(page, "input", picture())
    recorded_frames = record(page, 3)
    assert_native(recorded_frames)
    assert [frame.report["cells"] for frame in recorded_frames] == [0, 0, 0]

    dropped, pasted = picture(120, 80), picture(64, 48)
    offer(page, "dragenter", "b.png", "image/png", png(dropped))
    assert page.evaluate("document.body.classList.contains('dropping')")
    offer(page, "drop", "-100%25 é:動", "", png(dropped))
    wait_size(page, 120, 80)
    assert not page.evaluate("document.body.classList.contains('dropping')")
    assert_shown(page, "input", dropped)
    page.select_option("#source", "synthetic-pulse")
    offer(page, "paste", "c.png", "image/png", png(pasted))
    wait_size(page, 64, 48)
    assert_shown(page, "input", pasted)
    assert page.input_value("#source") == "image"


def test_pictures_and_addresses_that_do_not_work(recorded, site_url):
    page = recorded.page
    open_live(page, site_url, "?source=synthetic-pulse")
    for name, content, sentence in (
        ("a.png", b"no picture at all", '"a.png" cannot be read as a picture. Choose a picture'),
        ("b.png", b"", '"b.png" is empty. Choose a picture'),
        ("c.png", png(np.zeros((1, 1, 3), np.uint8)) + bytes(101_000_000), '"c.png" has 101 MB'),
    ):
        head, padding = base64.b64encode(content[:500]).decode(), max(0, len(content) - 500)
        in_page(page, "page_elements.openFile", name, "image/png", head, padding)
        wait_notice(page, sentence)
    in_page(page, "page_elements.openBlackPicture", "d.png", 12000, 9000)
    wait_notice(page, '"d.png" is too large (12000\u00d79000)')
    recorded.expect_problem("Content Security Policy|example.org|404|missing.webm|ERR_ABORTED")
    page.goto(site_url + "?image-url=https://example.org/a.png")
    assert notice(page).startswith("This page does not load from example.org: download the file")
    page.goto(site_url + "?video-url=./missing.webm")
    assert notice(page) == '"./missing.webm" is not there (404): check the address.'
    assert not [url for url in recorded.requests if "example.org/a.png" in url and "image-url" not in url]


def test_a_screen_is_shown_until_it_is_no_longer_shared(page, site_url):
    page.add_init_script(path=SCRIPTS / "fake_screen.mjs")
    open_live(page, site_url, "?source=screen")
    assert page.evaluate("asked[0].audio") is False
    assert_native(record(page, 3))
    take_stream_away(page)
    assert notice(page).startswith("The screen is no longer shared. Press Start")
    page.click("#run")
    wait_live(page)
    for name, sentence in (
        ("NotAllowedError", "No screen was chosen, or it was not allowed. Press Start"),
        ("InvalidStateError", "Press Start to choose a screen, a window or a tab."),
        ("AbortError", "The screen could not be shown (said the test). Press Start"),
    ):
        page.evaluate("(name) => { refusal = name; autogaze.player.open('screen'); }", name)
        wait_notice(page, sentence)
    page.evaluate("() => { navigator.mediaDevices.getDisplayMedia = undefined; }")
    page.click("#run")
    assert notice(page).startswith("This browser cannot show a screen here")


def test_the_browsers_own_screen_capture(open_page, site_url, tmp_path):
    # The same switches that fake a camera fake a screen, and choose it.
    page = open_page(camera=clips.write_y4m(tmp_path / "camera.y4m", clips.still(2, 320, 180))).page
    open_live(page, site_url, "?source=screen&width=320")
    assert_native(record(page, 3))
    track = "document.getElementById('video').srcObject.getVideoTracks()[0]"
    assert page.evaluate(f"() => {track}.getSettings().displaySurface") == "monitor"


def test_cameras_are_picked_and_mirrored(page, site_url):
    page.add_init_script(path=SCRIPTS / "two_cameras.mjs")
    open_live(page, site_url, "?source=camera&width=160&camera-facing=back")
    assert page.evaluate("asked.at(-1).facingMode.ideal") == "environment"
    options = page.locator("#camera-device option")
    expect(options).to_have_text(["Front eye", "Back eye", "Front camera", "Back camera"])
    expect(page.locator("#camera-device")).to_have_value("environment-1")

    def colour(x, red_and_blue):
        in_page(page, "page_elements.waitColour", x, 45, red_and_blue)

    white, red, blue = (255, 255), (200, 0), (0, 200)
    colour(10, white)
    colour(150, blue)
    # A phone's front camera is a mirror from the start.
    page.evaluate("() => { isPhone = true; }")
    page.select_option("#camera-device", "user-1")
    expect(page.locator("#camera-mirror")).to_be_checked()
    assert page.evaluate("autogaze.settings.isDefault('camera-mirror')"), "a link or reload decides anew"
    page.select_option("#camera-device", "environment-1")
    expect(page.locator("#camera-mirror")).not_to_be_checked()
    page.evaluate("() => { isPhone = false; }")
    page.select_option("#camera-device", "user-1")
    colour(150, red)
    assert page.evaluate("asked.at(-1).deviceId.exact") == "user-1"
    page.check("#camera-mirror")
    colour(150, white)
    colour(10, red)
    assert_native(record(page, 3))
    # Paused, no camera is in use; Start takes the same one again.
    page.click("#run")
    page.wait_for_function("() => autogaze.player.state === 'paused'")
    assert page.evaluate("streams.every((stream) => !stream.active)")
    requests = page.evaluate("asked.length")
    page.click("#run")
    page.wait_for_function("() => autogaze.player.state === 'running'")
    wait_frames(page, 2)
    assert page.evaluate("asked.length") == requests + 1
    assert page.evaluate("asked.at(-1).deviceId.exact") == "user-1"
    assert page.evaluate("streams.filter((stream) => stream.active).length") == 1
    # Somebody else pauses the <video>.
    page.evaluate("document.getElementById('video').pause()")
    wait_notice(page, "The browser paused the video: press Start")
    assert page.inner_text("#run") == "Start"
    page.click("#run")
    page.wait_for_function("() => autogaze.player.state === 'running'")
    # The system mutes the camera, and no more.
    page.evaluate("mute(true)")
    wait_notice(page, "No picture comes at present")
    page.evaluate("mute(false)")
    page.wait_for_selector("#notice", state="hidden")
    # Unplugged, it is replaced; one that is gone when it is taken again, too.
    page.uncheck("#camera-mirror")
    take_stream_away(page)
    wait_notice(page, "Front eye was unplugged or taken away: Back eye is used now.")
    colour(150, blue)
    expect(page.locator("#camera-device")).to_have_value("environment-1")
    page.click("#run")
    page.evaluate("() => { missing = 'environment-1'; }")
    page.click("#run")
    wait_notice(page, "The chosen camera is gone: Front eye is used now.")
    colour(150, red)
    page.evaluate("() => { missing = ''; }")
    page.select_option("#camera-device", "facing:back")
    colour(10, (255, 255))
    colour(150, blue)
    page.select_option("#source", "synthetic-pan")
    page.wait_for_selector("#camera-tools", state="hidden")
