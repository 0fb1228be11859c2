"""The instruments of the browser tests themselves: clips show known pixels, and no problem goes unnoticed."""

from __future__ import annotations

from pathlib import Path

import clips
import numpy as np
import pytest
from in_page import in_page
from live_page import eventually
from playwright.sync_api import Page
from recorded_page import RecordedPage

from conftest import OpenPage, ServeAt

pytestmark = pytest.mark.browser

WIDTH, HEIGHT = 320, 192


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to serve, with a page that has one empty video."""
    (tmp_path / "index.html").write_text(
        '<!doctype html><title>trial</title><link rel="icon" href="data:,"><video muted></video>',
        encoding="utf-8",
    )
    return tmp_path


def grab(page: Page) -> np.ndarray:
    width, height, data = in_page(page, "video_pictures.picture")
    return np.array(data, np.uint8).reshape(height, width, 4)[..., :3]


def show(page: Page, url: str, name: str, time: float) -> np.ndarray:
    page.goto(url)
    in_page(page, "video_pictures.seek", name, time)
    return grab(page)


@pytest.mark.parametrize("suffix", ["webm", "mp4"])
@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (161, 91)], ids=["even", "odd"])
def test_a_lossless_clip_shows_its_frames_exactly(
    folder: Path, serve_at: ServeAt, page: Page, suffix: str, size: tuple[int, int]
) -> None:
    frames = clips.moving_square(10, *size)
    clips.write_lossless(folder / f"clip.{suffix}", frames)
    seen = show(page, serve_at(folder), f"clip.{suffix}", 4.5 / 30)
    np.testing.assert_array_equal(seen, frames[4])


def test_an_h264_clip_shows_its_frames_nearly(folder: Path, serve_at: ServeAt, page: Page) -> None:
    frames = clips.moving_square(10, WIDTH, HEIGHT)
    clips.write_h264(folder / "clip.mp4", frames)
    seen = show(page, serve_at(folder), "clip.mp4", 4.5 / 30).astype(int)
    assert np.abs(seen - frames[4]).mean() < 3


def test_a_rotated_clip_is_shown_turned(folder: Path, serve_at: ServeAt, page: Page) -> None:
    frames = clips.moving_square(10, WIDTH, HEIGHT)
    clips.rotate_mp4(clips.write_h264(folder / "clip.mp4", frames), 90)
    seen = show(page, serve_at(folder), "clip.mp4", 4.5 / 30).astype(int)
    turned = np.rot90(frames[4], -1)
    assert seen.shape == turned.shape
    assert np.abs(seen - turned).mean() < 3


def test_the_fake_camera_shows_a_frame_of_its_clip(
    folder: Path, serve_at: ServeAt, open_page: OpenPage
) -> None:
    frames = clips.moving_square(30, WIDTH, HEIGHT)
    camera = clips.write_y4m(folder / "camera.y4m", frames)
    page = open_page(camera=camera).page
    page.goto(serve_at(folder))
    in_page(page, "video_pictures.playCamera")
    seen = grab(page).astype(int)
    assert seen.shape == frames[0].shape
    distances = [np.abs(seen - frame).max() for frame in frames]
    assert min(distances) <= 3, distances


@pytest.mark.parametrize(
    ("camera", "allowed", "name"), [(True, False, "NotAllowedError"), (False, True, "NotFoundError")]
)
def test_a_camera_can_be_denied_or_missing(
    folder: Path, serve_at: ServeAt, open_page: OpenPage, camera: bool, allowed: bool, name: str
) -> None:
    clip = clips.write_y4m(folder / "camera.y4m", clips.still(2, WIDTH, HEIGHT)) if camera else None
    page = open_page(camera=clip, allow_camera=allowed).page
    page.goto(serve_at(folder))
    refusal = page.evaluate(
        "() => navigator.mediaDevices.getUserMedia({video: true}).then(() => 'shown', (error) => error.name)"
    )
    assert refusal == name


def test_webgpu_is_there_when_asked_for(folder: Path, serve_at: ServeAt, open_page: OpenPage) -> None:
    page = open_page(webgpu=True).page
    page.goto(serve_at(folder))
    assert in_page(page, "video_pictures.adapterArchitecture") == "swiftshader"


def test_isolation_headers_allow_threads(folder: Path, serve_at: ServeAt, page: Page) -> None:
    for isolated in (False, True):
        page.goto(serve_at(folder, isolated=isolated))
        assert page.evaluate("crossOriginIsolated") is isolated


PROBLEMS = {
    "console error": "console.error('one')",
    "uncaught": "setTimeout(() => { throw new Error('two') })",
    "refused request": "fetch('missing.json')",
    "failed request": "fetch('http://127.0.0.1:1/').catch(() => 0)",
    "request to another machine": "fetch('http://example.invalid/').catch(() => 0)",
}


@pytest.mark.parametrize("where", ["page", "worker"])
@pytest.mark.parametrize("kind", PROBLEMS)
def test_every_kind_of_problem_is_noticed(
    folder: Path, serve_at: ServeAt, recorded: RecordedPage, kind: str, where: str
) -> None:
    recorded.page.goto(serve_at(folder))
    script = PROBLEMS[kind]
    if where == "worker":
        (folder / "worker.mjs").write_text(script, encoding="utf-8")
        script = "void (window.worker = new Worker('worker.mjs', {type: 'module'}))"
    recorded.page.evaluate(f"() => {{ {script} }}")

    def noticed() -> None:
        assert any(line.startswith(kind) for line in recorded.problems), recorded.problems

    eventually(recorded.page, noticed)
    seen = recorded.unexpected()
    recorded.expect_problem("")
    assert any(line.startswith(kind) for line in seen), seen
    assert not recorded.unexpected()
