"""What the page gives as files: they are what it shows, and what the command line writes."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import av
import clips
import numpy as np
import pytest
from live_page import open_feature, open_live, play, shown_at_rest
from PIL import Image
from playwright.sync_api import expect

from autogaze_web.cli.main import main
from autogaze_web.files.gaze_store import gaze_from_bytes, load_gaze
from autogaze_web.files.trace_store import load_traces
from autogaze_web.frames.rgba import allocate
from autogaze_web.frames.synthetic import SYNTHETIC_SOURCES

pytestmark = pytest.mark.browser

CAPTION, GAP = 28, 4
# The page has asked the browser what it can encode.
OFFERED = "() => document.getElementById('export-format').dataset.offered"
NAME = r"autogaze-\d{4}-\d\d-\d\d-\d{6}-"


def synthetic(source, index, width, height):
    frame = allocate(height, width)
    SYNTHETIC_SOURCES[source](frame, index)
    return frame[..., :3]


def open_export(page, choice, format_name="webm"):
    open_feature(page, "export")
    page.select_option("#export-format", format_name)
    page.select_option("#export-choice", choice)


def saved(page, selector):
    """The file that a press of a button saves: its name and its bytes."""
    with page.expect_download() as download:
        page.click(selector)
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def record_frames(page, at_least):
    """Records until there are so many frames; the file's name and bytes, and how many frames it claims."""
    page.click("#export-record")
    wait_frames(page, at_least)
    name, content = saved(page, "#export-record")
    status = page.inner_text("#export-status")
    page.wait_for_function("() => document.getElementById('export-record').textContent === 'Record'")
    return name, content, int(re.match(r"(\d+) frames", status)[1])


def wait_frames(page, at_least):
    page.wait_for_function(
        "(least) => Number(/(\\d+) frames/.exec("
        "document.getElementById('export-progress').textContent)?.[1]) >= least",
        arg=at_least,
    )


def decoded(content):
    """The frames of a video, (T, H, W, 3), and their times in seconds."""
    with av.open(io.BytesIO(content)) as container:
        frames = list(container.decode(video=0))
    return np.stack([frame.to_ndarray(format="rgb24") for frame in frames]), [frame.time for frame in frames]


def assert_consecutive(pictures, source, width, height):
    """Pictures of a synthetic source show one frame of it after the other, none left out."""

    def index_of(picture, candidates):
        errors = [
            np.abs(picture - synthetic(source, index, width, height).astype(int)).mean()
            for index in candidates
        ]
        assert min(errors) < 8, "a frame of the recording is none of the source's"
        return candidates[int(np.argmin(errors))]

    # The source has been running for as long as the page took so far.
    first = index_of(pictures[0].astype(int), range(900))
    nearby = range(first, first + len(pictures) + 10)
    found = [index_of(picture.astype(int), nearby) for picture in pictures]
    assert found == list(range(first, first + len(found)))


def test_pictures_are_the_panels_and_files_those_of_the_command_line(live, tmp_path):
    page = live("?source=synthetic-pan&inference-width=321")
    open_export(page, "input")
    play(page, "synthetic-pan", 4, 321, 181)
    panels = shown_at_rest(page)
    assert (panels["mask"][..., 3] > 0).any()
    for choice, pixels in panels.items():
        page.select_option("#export-choice", choice)
        name, content = saved(page, "#export-picture")
        assert re.fullmatch(NAME + choice + r"\.png", name)
        picture = Image.open(io.BytesIO(content))
        np.testing.assert_array_equal(np.asarray(picture.convert("RGBA")), pixels)
        assert picture.text["Title"] == "AutoGaze in the browser"
        assert re.fullmatch(r"\d+ of 196 cells · \d+ % skipped", picture.text["Description"])
        assert picture.text["Comment"] == urlsplit(page.url).netloc
        assert name in page.inner_text("#export-status")

    page.select_option("#export-choice", "panels")
    _, content = saved(page, "#export-picture")
    picture = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert picture.shape == (CAPTION + 181 + 1, 3 * 321 + 2 * GAP + 1, 3)
    for index, pixels in enumerate(panels.values()):
        left = index * (321 + GAP)
        below = picture[CAPTION : CAPTION + 181, left : left + 321]
        opaque = pixels[..., 3] == 255
        np.testing.assert_array_equal(below[opaque], pixels[..., :3][opaque])
        assert (below[~opaque] == (16, 18, 23)).all()
        caption = picture[:CAPTION, left : left + 80].astype(int)
        assert caption.max() > 180, "the panel has no caption"

    assert_files_are_those_of_the_command_line(page, tmp_path)


def assert_files_are_those_of_the_command_line(page, tmp_path):
    source, count, width, height = "synthetic-local-motion", 12, 320, 180
    play(page, source, count, width, height)
    assert page.inner_text("#export-frames") == str(count)
    frames = np.stack([synthetic(source, index, width, height) for index in range(count)])
    clip = clips.write_lossless(tmp_path / "clip.webm", frames)
    names = {"trace": "t.json", "metrics": "m.csv", "safetensors": "f.safetensors", "store": "f.json"}
    paths = {kind: tmp_path / name for kind, name in names.items()}
    outputs = ["--json", paths["trace"], "--metrics-csv", paths["metrics"], "--store"]
    for store in ("safetensors", "store"):
        assert main(["trace", str(clip), *map(str, outputs), str(paths[store])]) == 0

    files = {}
    for kind in names:
        name, files[kind] = saved(page, f"[data-file={kind}]")
        assert re.fullmatch(NAME + r"(trace|metrics|fixations)" + re.escape(paths[kind].suffix), name)
    for kind in ("safetensors", "store"):
        assert files[kind] == paths[kind].read_bytes(), kind
    # A synthetic source has no times.
    timeless = re.sub(rb"^(\d+),[\d.]+", rb"\1,", paths["metrics"].read_bytes(), flags=re.MULTILINE)
    assert files["metrics"] == timeless
    ours, theirs = json.loads(files["trace"]), json.loads(paths["trace"].read_text())
    video = {"name": "synthetic-pan", "width": width, "height": height, "frames_per_second": None}
    for frame in theirs["frames"]:
        del frame["time"]
    assert ours == {**theirs, "video": video}
    (trace,) = load_traces(paths["safetensors"])
    assert sum(len(frame) for frame in trace.frames) > 0
    assert_gazes_are_those_of_the_command_line(page, clip, tmp_path)


def assert_gazes_are_those_of_the_command_line(page, clip, tmp_path):
    gaze, masks = tmp_path / "gaze.npz", tmp_path / "keep.npz"
    flags = ["--gazing-info", gaze, "--keep-masks", masks, "--keep-grid", "27x5", "14x14"]
    assert main(["trace", str(clip), *map(str, flags)]) == 0
    page.select_option("#export-gaze-frames", "")
    page.fill("#export-gaze-grids", "27x5, 14x14")
    for kind, theirs in (("gazing-info", gaze), ("keep-masks", masks)):
        name, content = saved(page, f"[data-gaze-file='{kind}.npz']")
        assert re.fullmatch(NAME + kind + r"\.npz", name)
        with np.load(io.BytesIO(content)) as saved_arrays, np.load(theirs) as arrays:
            assert sorted(saved_arrays) == sorted(arrays)
            for array in arrays:
                if array != "times":  # a synthetic source has none
                    np.testing.assert_array_equal(saved_arrays[array], arrays[array])
    page.select_option("#export-gaze-frames", "1")
    _, content = saved(page, "[data-gaze-file='gazing-info.json']")
    last, whole = gaze_from_bytes(content, ".json"), load_gaze(gaze)
    assert last.info.num_gazing_each_frame.tolist() == whole.info.num_gazing_each_frame.tolist()[-1:]
    page.fill("#export-gaze-grids", "none")
    page.click("[data-gaze-file='keep-masks.json']")
    expect(page.locator("#notice-text")).to_contain_text("expected height x width such as 14x14")
    page.click("#notice-close")


# Notes when the size of the frames is held and let go.
WATCH_HELD = """() => {
  const { player } = globalThis.autogaze;
  globalThis.held = [];
  player.holdSize = (held) => {
    globalThis.held.push(held);
    Object.getPrototypeOf(player).holdSize.call(player, held);
  };
}"""


def test_a_recording_has_every_frame_and_leaves_pauses_out(live):
    source, width, height = "synthetic-pan", 320, 180
    page = live(f"?source={source}&inference-width={width}")
    open_export(page, "panels")
    page.evaluate(WATCH_HELD)
    page.click("#export-record")
    wait_frames(page, 6)
    assert page.evaluate("() => globalThis.held") == [True]
    page.click("#run")
    page.wait_for_timeout(1500)
    assert page.is_disabled("#export-format")
    page.click("#run")
    wait_frames(page, 12)
    name, content = saved(page, "#export-record")
    assert re.fullmatch(NAME + r"panels\.webm", name)
    claimed, seconds = re.match(r"(\d+) frames, ([\d.]+) s", page.inner_text("#export-status")).groups()

    frames, times = decoded(content)
    assert len(frames) == int(claimed) >= 12
    assert frames.shape[1:] == (CAPTION + height, 3 * width + 2 * GAP, 3)
    assert_consecutive(frames[:, CAPTION:, :width], source, width, height)
    gaps = np.diff(times)
    assert (gaps > 0).all()
    assert gaps.max() < 1.4, "the pause is in the recording"
    assert times[-1] <= float(seconds) + 0.05, "told to a tenth"
    assert page.inner_text("#export-progress") == ""
    assert page.evaluate("() => globalThis.held") == [True, False]

    assert_a_gif_has_every_frame(page, source, width, height)
    assert_cancelling_leaves_nothing(page)


def assert_a_gif_has_every_frame(page, source, width, height):
    page.select_option("#export-format", "gif")
    page.select_option("#export-choice", "input")
    name, content, claimed = record_frames(page, 5)
    assert re.fullmatch(NAME + r"input\.gif", name)
    with Image.open(io.BytesIO(content)) as gif:
        assert gif.size == (width, height)
        assert gif.n_frames == claimed >= 5
        pictures, durations = [], []
        for index in range(gif.n_frames):
            gif.seek(index)
            pictures.append(np.asarray(gif.convert("RGB")))
            durations.append(gif.info["duration"])
    assert_consecutive(pictures, source, width, height)
    assert min(durations) >= 20


def assert_cancelling_leaves_nothing(page):
    downloads = []
    page.on("download", lambda download: downloads.append(download))
    assert page.is_hidden("#export-cancel")
    page.click("#export-record")
    wait_frames(page, 3)
    page.click("#export-cancel")
    page.wait_for_function("() => document.getElementById('export-status').textContent.includes('cancelled')")
    before = int(page.inner_text("#export-frames"))
    page.wait_for_function(
        "(before) => Number(document.getElementById('export-frames').textContent) > before + 5", arg=before
    )
    assert downloads == []
    assert page.inner_text("#export-record") == "Record"
    assert page.is_hidden("#export-cancel")


def test_a_recording_ends_by_itself_when_it_is_full_and_changes_of_size_are_fitted(live):
    page = live("?source=synthetic-pan&inference-width=160")
    open_export(page, "output")
    finished = page.evaluate(
        """async () => {
          const { Recording } = await import("./web/export/recording.mjs");
          const { view } = globalThis.autogaze;
          const recording = new Recording(view, "output", "webm", { maxBytes: 20_000 });
          const { frames, full, blob } = await recording.finished;
          return { frames, full, bytes: blob.size };
        }"""
    )
    assert finished["full"]
    assert 20_000 <= finished["bytes"] < 60_000
    page.select_option("#export-choice", "output")
    page.click("#export-record")
    wait_frames(page, 2)
    page.click("#run")
    play(page, "synthetic-pan", 4, 90, 160)
    _, content = saved(page, "#export-record")
    frames, _ = decoded(content)
    assert frames.shape[1:] == (90, 160, 3)
    assert frames[-1][:, :40].max() < 60, "the upright picture is not fitted into the wide one"

    assert_nothing_to_record_is_said(page)


def assert_nothing_to_record_is_said(page):
    page.wait_for_timeout(200)
    page.click("#export-record")
    page.click("#export-record")
    page.wait_for_selector("#notice:not([hidden])")
    assert "no frame came; start the source, then record" in page.inner_text("#notice-text")
    assert page.inner_text("#export-record") == "Record"


def assert_a_clip_to_share_lasts_five_seconds(page):
    """At true speed, and with the headline below the pictures."""
    page.click("#share-open")
    assert page.input_value("#share-link") == page.url
    page.click("#share-record")
    page.wait_for_selector("#share-save:not([hidden])")
    assert page.evaluate("() => document.activeElement.id") == "share-record"
    name, content = saved(page, "#share-save")
    assert re.fullmatch(NAME + r"clip\.(mp4|gif)", name)
    with av.open(io.BytesIO(content)) as container:
        assert abs(container.duration / 1e6 - 5) < 0.1
        picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
    below = picture[-picture.shape[0] // 4 :]
    assert (below > 200).all(2).any(), "no headline below the pictures"
    page.click("#share-close")


def test_mp4_is_written_where_the_browser_can_and_else_it_says_so(open_page, site_url):
    source, width, height = "synthetic-pan", 320, 180
    query = f"?source={source}&inference-width={width}"
    page = open_page().page
    open_live(page, site_url, query)
    open_feature(page, "export")
    page.wait_for_function(OFFERED)
    if page.evaluate("() => document.querySelector('#export-format [value=mp4]').disabled"):
        assert "cannot write MP4" in page.inner_text("#export-status")
    else:
        page.select_option("#export-format", "mp4")
        page.select_option("#export-choice", "input")
        name, content, claimed = record_frames(page, 6)
        assert re.fullmatch(NAME + r"input\.mp4", name)
        assert content[4:8] == b"ftyp"
        frames, _ = decoded(content)
        assert len(frames) == claimed >= 6
        assert_consecutive(frames, source, width, height)
    assert_a_clip_to_share_lasts_five_seconds(page)
    page.context.close()

    page = open_page().page
    page.add_init_script("VideoEncoder.isConfigSupported = async (config) => ({ supported: false, config });")
    open_live(page, site_url, query)
    open_feature(page, "export")
    page.wait_for_function("() => document.querySelector('#export-format [value=mp4]').disabled")
    assert page.input_value("#export-format") == "webm"
    assert page.inner_text("#export-status") == (
        "This browser cannot write MP4: recordings are WebM, which browsers play."
    )
