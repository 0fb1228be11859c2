"""Files of the page, frame by frame: their frames and times are those of the command line."""

from __future__ import annotations

import io
import json
import struct
from fractions import Fraction
from pathlib import Path

import av
import clips
import numpy as np
import pytest
from in_page import in_page
from live_page import LOAD_TIMEOUT_MS, choose_files, eventually, open_feature, shown
from PIL import Image

from autogaze_web.files.video import open_clip

pytestmark = pytest.mark.browser

QUERY = "?source=file&width=native&pace=every-frame&loop=off"
TIMES = [0, 40, 73, 500, 533, 1200]  # milliseconds
QUARTER_TURN = b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"  # to the right
DELAYS = [70, 130, 10, 0, 20, 500]


def variable_rate(path: Path, codec: str = "libvpx-vp9", pixels: str = "yuv420p", **muxer: str) -> Path:
    with av.open(str(path), "w", options=muxer) as container:
        options = {"bf": "3", "crf": "12"} if codec == "libx264" else {"cpu-used": "8"}
        stream = container.add_stream(codec, rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for time, frame in zip(TIMES, clips.moving_square(len(TIMES), 64, 48, side=16), strict=True):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            picture.pts, picture.time_base = time, Fraction(1, 1000)
            for packet in stream.encode(picture):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def fragments(path: Path) -> Path:
    """With negative composition offsets: the clock of Chromium's <video> starts behind the first frame."""
    movflags = "frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets"
    return variable_rate(path, "libx264", movflags=movflags)


def animation(path: Path, **options: object) -> Path:
    """Pictures with holes, so that what is left of the frame before shows."""
    pictures = []
    for index, frame in enumerate(clips.moving_square(len(DELAYS), 64, 48, side=16, step=6)):
        alpha = np.full((48, 64), 255, np.uint8)
        alpha[: 8 * index] = 0
        pictures.append(Image.fromarray(np.dstack([frame, alpha])))
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=DELAYS, loop=0, **options)
    return path


def mirrored(path: Path, across: int = -1, down: int = 1) -> Path:
    """Sets the display matrix of an MP4 of one track (ISO/IEC 14496-12, 8.3.2)."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4
    struct.pack_into(">9i", content, at + 40, across << 16, 0, 0, 0, down << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    shorter = path.with_name(f"cut {path.name}")
    shorter.write_bytes(content[: int(len(content) * share)])
    return shorter


def resized(path: Path) -> Path:
    """A film whose pictures are twice as large from the fifth frame on."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        other = av.CodecContext.create("libvpx", "w")
        other.width, other.height, other.pix_fmt = 128, 96, "yuv420p"
        other.time_base = Fraction(1, 25)
        for index in range(8):
            encoder, size = (stream, (64, 48)) if index < 4 else (other, (128, 96))
            (picture,) = clips.moving_square(1, *size, side=size[1] // 2, start=size[0] // 4)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            for packet in [*encoder.encode(frame), *(encoder.encode() if index in (3, 7) else [])]:
                packet.stream = stream
                container.mux(packet)
    return path


def play_to_its_end(page, path):
    """The page's trace of a file that was opened by its bytes alone."""
    nameless = path.with_name(f"{path.stem} 100% é:x")
    nameless.write_bytes(path.read_bytes())
    choose_files(page, nameless)
    page.wait_for_function(
        "(name) => autogaze.player.title === name && autogaze.player.state === 'paused'",
        arg=nameless.name,
        timeout=LOAD_TIMEOUT_MS,
    )
    trace = json.loads(in_page(page, "live_frames.traceText"))
    assert trace["video"]["name"] == nameless.name
    return trace


def assert_native(page, path, tolerance=3):
    trace = play_to_its_end(page, path)
    frames = trace["frames"]
    clip = open_clip(path)
    assert trace["video"]["frames_per_second"] == clip.frames_per_second, path.name
    expected = list(clip.frames())
    assert [frame["time"] for frame in frames] == pytest.approx(
        [float(frame.time) for frame in expected], abs=2e-6
    )
    last = expected[-1].image.astype(int)

    def shows_the_last_frame():
        picture = shown(page, "input")[..., :3].astype(int)
        assert picture.shape == last.shape
        assert np.abs(picture - last).mean() < tolerance, path.name

    eventually(page, shows_the_last_frame)
    problem = page.inner_text("#playback-problem")
    assert bool(problem) == bool(clip.damage)
    if clip.damage:
        assert f"is damaged after {len(expected)} frames (the file is cut off" in problem


def test_frames_and_times_are_those_of_the_command_line(live, tmp_path):
    page = live(QUERY)
    coloured = (clips.moving_square(4, 96, 64, side=32) * (1, 0.2, 0.4)).astype(np.uint8)
    long = clips.write_vp9(tmp_path / "long.webm", clips.moving_square(40, 64, 48, side=16, step=1))
    for path in (
        variable_rate(tmp_path / "uneven.webm"),
        variable_rate(tmp_path / "another.mp4"),
        variable_rate(tmp_path / "alpha.webm", pixels="yuva420p"),
        cut(long, 0.7),
        animation(tmp_path / "a.gif", disposal=[2, 0, 3, 0, 1, 2]),
        animation(tmp_path / "b.png", disposal=1, blend=1),
        animation(tmp_path / "d.png", disposal=2, blend=1),
        fragments(tmp_path / "fragments.mp4"),
        cut(animation(tmp_path / "c.webp", lossless=True), 0.7),
        animation(tmp_path / "e.webp", lossless=True, exif=QUARTER_TURN),
        mirrored(clips.write_h264(tmp_path / "mirrored.mp4", clips.moving_square(4, 96, 64, side=32))),
        mirrored(clips.write_h264(tmp_path / "flipped.mp4", coloured), 1, -1),
    ):
        assert_native(page, path)
    # Where the size changes, the same stream goes on in the size of its first frame, whoever scales.
    assert_native(page, resized(tmp_path / "resized.webm"), 8)


def test_a_recording_plays_at_the_times_of_its_file(live, tmp_path):
    page = live(QUERY)
    path = variable_rate(tmp_path / "uneven.webm")
    choose_files(page, path)
    page.wait_for_function("() => autogaze.player.state === 'paused'", timeout=LOAD_TIMEOUT_MS)
    open_feature(page, "export")
    page.select_option("#export-format", "webm")
    page.select_option("#export-choice", "input")
    page.click("#export-record")
    page.click("#run")
    page.wait_for_function(
        "() => document.getElementById('export-progress').textContent.includes('· 5 frames')",
        timeout=LOAD_TIMEOUT_MS,
    )
    with page.expect_download() as download:
        page.click("#export-record")
    with av.open(io.BytesIO(Path(download.value.path()).read_bytes())) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx([time / 1000 for time in TIMES], abs=2e-3)
    frames = json.loads(in_page(page, "live_frames.traceText"))["frames"]
    assert [frame.get("loop", 0) for frame in frames] == [0] * 6 + [1] * 6


def test_pictures_without_pixels_and_videos_that_are_cut_off_have_their_sentences(live, tmp_path):
    page = live(QUERY)
    drawing, headless, photo = tmp_path / "drawing", tmp_path / "film.mp4", tmp_path / "photo.jpg"
    photo.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    drawing.write_text("<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>")
    headless.write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0\0\0\1\0mdat" + bytes(40))
    for path, sentence in (
        (drawing, '"drawing" is an SVG drawing, which has no pixels: export it as a PNG first.'),
        (photo, '"photo.jpg" is an HEIC photo, which is not read here: export it as a JPEG first.'),
        (headless, '"film.mp4" cannot be read as a video. It is cut off (its index (moov) is missing)'),
    ):
        choose_files(page, path)
        wait_notice(page, sentence)
    # Of others the part that is there is shown.
    noise = Image.fromarray(np.random.default_rng(3).integers(0, 256, (48, 64, 3), np.uint8))
    for name, missing in (
        ("a.png", "its end is missing"),
        ("b.jpg", "its end is missing"),
        ("c.bmp", "it states"),
    ):
        noise.save(tmp_path / name, exif=QUARTER_TURN)
        choose_files(page, cut(tmp_path / name, 0.6))
        wait_notice(page, f'"cut {name}" is cut off ({missing}')
        (frame,) = open_clip(tmp_path / f"cut {name}").frames()

        def shows_the_part(expected=frame.image, name=name):
            picture = shown(page, "input")[..., :3].astype(int)
            assert picture.shape == expected.shape
            assert np.abs(picture - expected).mean() < 3, name

        eventually(page, shows_the_part)


def wait_notice(page, beginning):
    page.wait_for_function(
        "(text) => document.getElementById('notice-text').textContent.startsWith(text)", arg=beginning
    )
