from __future__ import annotations

import gc
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from autogaze_web.files.clip import VideoError
from autogaze_web.files.mp4_writer import encode_mp4, write_mp4
from autogaze_web.files.shown_frames import ShownFrame
from autogaze_web.files.video import open_clip, read_frames, video_info

HUGE_GIF = (
    *(b"GIF89a", struct.pack("<HHBBB", 16000, 16000, 0x80, 0, 0), bytes(6)),
    *(b",", struct.pack("<HHHHB", 0, 0, 16000, 16000, 0), b"\x02\x02L\x01\x00;"),
)
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def flat(colour: tuple[int, int, int], width: int = 32, height: int = 32) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def write_video(
    path: Path, frames: list[np.ndarray], times: list[float], codec: str = "mpeg4", **how
) -> Path:
    """A file of frames at times in seconds; `how` has the container's format and the encoder's properties."""
    with av.open(str(path), "w", format=how.pop("format", None)) as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = how.pop("pixels", "yuv420p")
        unit = Fraction(1, 25) if codec == "mpeg2video" else Fraction(1, 1000)
        stream.codec_context.time_base = unit
        for name, value in how.items():
            setattr(stream.codec_context, name, value)
        for frame, time in zip(frames, times, strict=True):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = round(time / unit), unit
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def times_of(path: Path) -> list[float]:
    return [round(float(frame.time), 3) for frame in open_clip(path).frames()]


def quadrants() -> np.ndarray:
    """A 96x160 picture with another grey in each quarter."""
    frame = np.zeros((96, 160, 3), np.uint8)
    frame[:48, 80:], frame[48:, :80], frame[48:, 80:] = 80, 160, 240
    return frame


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    write_mp4(path, [quadrants()] * 5, 12.5)
    return path


def test_what_was_written_is_read(clip: Path) -> None:
    assert video_info(clip).frames == 5
    assert video_info(clip).frames_per_second == pytest.approx(12.5)
    frames = list(read_frames(clip))
    assert len(frames) == 5
    for frame in frames:
        assert frame.dtype == np.uint8
        np.testing.assert_allclose(frame.astype(int), quadrants(), atol=40)
        assert np.abs(frame.astype(int) - quadrants()).mean() < 4


def test_a_limit(clip: Path) -> None:
    assert len(list(read_frames(clip, 2))) == 2


@pytest.mark.parametrize(
    ("matrix", "turned"),
    [
        ((0, 1, -1, 0), lambda image: np.rot90(image, -1)),
        ((0, -1, 1, 0), lambda image: np.rot90(image, 1)),
        ((-1, 0, 0, -1), lambda image: np.rot90(image, 2)),
        ((-1, 0, 0, 1), lambda image: image[:, ::-1]),
        ((1, 0, 0, -1), lambda image: image[::-1]),
        ((0, 1, 1, 0), lambda image: image.swapaxes(0, 1)),
    ],
    ids=["clockwise", "counterclockwise", "upside down", "mirrored", "flipped", "transposed"],
)
def test_the_display_matrix_is_applied(clip: Path, matrix: tuple[int, int, int, int], turned) -> None:
    """Phones store frames as the sensor saw them, and in the track's header how to turn them."""
    data = bytearray(clip.read_bytes())
    start = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (int(value * 65536).to_bytes(4, "big", signed=True) for value in matrix)
    data[start : start + 20] = a + b + bytes(4) + c + d
    clip.write_bytes(data)
    expected = turned(quadrants())
    frame = next(iter(read_frames(clip)))
    assert frame.shape == expected.shape
    assert np.abs(frame.astype(int) - expected).mean() < 4


def test_files_that_are_no_videos(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(VideoError, match="there is no file"):
        list(read_frames(tmp_path / "none.mp4"))
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(VideoError, match="cannot be read as a video"):
        video_info(tmp_path / "text.mp4")
    (tmp_path / "half.mp4").write_bytes(clip.read_bytes()[:300])
    with pytest.raises(VideoError, match="broke off; get the whole file"):
        list(read_frames(tmp_path / "half.mp4"))
    with pytest.raises(ValueError, match="cannot write"):
        write_mp4(tmp_path / "no" / "folder.mp4", [quadrants()], 25)


def test_every_frame_has_its_time(tmp_path: Path) -> None:
    times = [0.0, 0.033, 0.1, 4.1, 4.2]
    for name in ("a.mkv", "a.mp4", "a.mov"):
        assert times_of(write_video(tmp_path / name, [flat(RED)] * 5, times)) == times


def test_a_rate_is_not_made_up(tmp_path: Path) -> None:
    raw = write_video(tmp_path / "raw.h264", [flat(RED)] * 3, [0, 0.04, 0.08], "libx264", format="h264")
    assert video_info(raw).frames_per_second is None
    frames = list(open_clip(raw).frames())
    assert len(frames) == 3
    assert all(frame.time is None for frame in frames)
    Image.new("RGB", (8, 8)).save(tmp_path / "still.png")
    assert video_info(tmp_path / "still.png").frames_per_second is None
    Image.new("RGB", (8, 8)).save(tmp_path / "still.tga")  # which FFmpeg reads
    assert video_info(tmp_path / "still.tga").frames_per_second is None
    tape = [flat(RED, 720, 576)] * 2
    digital = write_video(tmp_path / "tape.dv", tape, [0, 0.04], "dvvideo", format="dv")
    assert video_info(digital).frames_per_second == 25


def test_broadcast_streams_start_at_zero_and_joined_ones_go_on(tmp_path: Path) -> None:
    noise = list(np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8))
    times = [index / 25 for index in range(16)]
    part = write_video(tmp_path / "part.ts", noise, times[:8], "mpeg2video", format="mpegts")
    assert times_of(part) == times[:8]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part.read_bytes() * 2)
    found = times_of(joined)
    assert len(found) >= 15
    assert found == times[: len(found)]


def test_frames_before_the_presentation_are_left_out(tmp_path: Path) -> None:
    """An edit list that begins within the second frame, as trimming without encoding writes it."""
    path = tmp_path / "cut.mp4"
    frames = [ShownFrame(flat(RED), Fraction(i, 10), Fraction(i + 1, 10)) for i in range(10)]
    with path.open("wb") as file:
        encode_mp4(file, frames)
    data = bytearray(path.read_bytes())
    edit = data.index(b"elst") + 4 + 8
    duration, media_time = struct.unpack_from(">Ii", data, edit)
    scale = struct.unpack_from(">I", data, data.index(b"mdhd") + 4 + 12)[0]
    struct.pack_into(">Ii", data, edit, duration * 6 // 10, media_time + scale // 5)
    path.write_bytes(data)
    times = times_of(path)
    assert times == [0, 0.1, 0.2, 0.3, 0.4, 0.5]


def with_cover(path: Path, film: bool, films: int = 1) -> Path:
    """An .mp4 whose first stream is a cover picture."""
    with av.open(str(path), "w", format="mp4") as container:
        cover = container.add_stream("png", rate=1)
        cover.width = cover.height = 32
        cover.pix_fmt = "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic.value
        streams = []
        for _ in range(films if film else 0):
            stream = container.add_stream("libx264", rate=10)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            streams.append(stream)
        sound = container.add_stream("aac", rate=44100)
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 44100), np.float32), format="fltp", layout="mono")
        samples.sample_rate = 44100
        container.mux(sound.encode(samples))
        container.mux(sound.encode())
        container.mux(cover.encode(av.VideoFrame.from_ndarray(flat(GREEN), format="rgb24")))
        for stream, colour in zip(streams, (RED, BLUE), strict=False):
            for index in range(3):
                picture = av.VideoFrame.from_ndarray(flat(colour, 64, 48), format="rgb24")
                picture.pts = index
                container.mux(stream.encode(picture))
            container.mux(stream.encode())
    return path


def test_a_cover_is_no_video(tmp_path: Path) -> None:
    path = with_cover(tmp_path / "film.mp4", film=True)
    assert [frame.shape for frame in read_frames(path)] == [(48, 64, 3)] * 3
    with pytest.raises(VideoError, match="its only picture is a cover"):
        open_clip(with_cover(tmp_path / "song.mp4", film=False))


def test_a_stream_can_be_chosen(tmp_path: Path) -> None:
    path = with_cover(tmp_path / "two.mp4", film=True, films=2)
    red, blue = (next(iter(read_frames(path, 1, stream))) for stream in (0, 1))
    assert red[0, 0].argmax() == 0
    assert blue[0, 0].argmax() == 2
    for stream in (2, 3, 9):  # the sound, the cover, none
        with pytest.raises(VideoError, match=f"no video in stream {stream}: choose from 0, 1"):
            open_clip(path, stream)


@pytest.mark.parametrize(("aspect", "shape"), [((16, 11), (48, 93)), ((8, 9), (54, 64)), ((1, 1), (48, 64))])
def test_pixels_are_made_square(tmp_path: Path, aspect: tuple[int, int], shape: tuple[int, int]) -> None:
    path = write_video(tmp_path / "wide.mkv", [flat(RED, 64, 48)], [0], sample_aspect_ratio=Fraction(*aspect))
    assert next(iter(read_frames(path))).shape[:2] == shape


def test_a_file_that_was_cut_off(tmp_path: Path) -> None:
    """Cut within a packet, at the end of one, and in a container that ends without an error."""
    noise = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), np.uint8)
    times = [index / 10 for index in range(20)]
    for name, codec in (("a.mkv", "mpeg4"), ("a.webm", "libvpx")):
        path = write_video(tmp_path / name, list(noise), times, codec)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
        clip = open_clip(path)
        frames = list(clip.frames())
        assert 5 < len(frames) < 18, name
        assert clip.damage
        assert f"after {len(frames)} frames" in clip.damage
        with pytest.warns(RuntimeWarning, match="cut off"):
            assert len(list(read_frames(path))) == len(frames)


def test_an_mp4_whose_index_is_whole_is_read_up_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "fast.mp4"
    noise = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), np.uint8)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for frame in noise:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    clip = open_clip(path)
    assert 5 < len(list(clip.frames())) < 18
    assert clip.damage


def test_damage_in_the_middle_does_not_end_the_clip(tmp_path: Path) -> None:
    times = [index / 10 for index in range(20)]
    path = write_video(tmp_path / "a.mov", [quadrants()] * 20, times, "png", pixels="rgb24")
    data = bytearray(path.read_bytes())
    middle = data.index(b"IHDR", len(data) // 2)
    data[middle : middle + 12] = bytes(12)
    path.write_bytes(data)
    clip = open_clip(path)
    assert len(list(clip.frames())) == 19
    assert clip.damage


def test_a_change_of_size_is_scaled_to_the_first(tmp_path: Path) -> None:
    joined = tmp_path / "joined.ts"
    parts = [
        write_video(tmp_path / f"{width}.ts", [flat(RED, width, 48)] * 3, [0, 0.04, 0.08], "mpeg2video")
        for width in (64, 96)
    ]
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    clip = open_clip(joined)
    assert {frame.image.shape for frame in clip.frames()} == {(48, 64, 3)}
    assert clip.damage is None
    assert len(clip.notes) == 1
    assert "is 96x48; it and later ones are scaled to 64x48, the size of the first" in clip.notes[0]


def test_what_was_added_behind_an_mp4_is_not_missing(clip: Path) -> None:
    with clip.open("ab") as file:
        file.write(b"\x7f\xff\xff\xffSEFT" + bytes(40))
    frames = open_clip(clip)
    assert len(list(frames.frames())) == 5
    assert frames.damage is None


def test_a_broadcast_stream_that_ends_within_a_packet_is_cut_off(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.ts", [flat(RED)] * 8, [i / 25 for i in range(8)], "mpeg2video")
    path.write_bytes(path.read_bytes()[:-40])
    clip = open_clip(path)
    assert len(list(clip.frames())) > 0
    assert clip.damage
    assert "its last packet is not whole" in clip.damage


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.svg", b"<?xml version='1.0'?>\n<!-- x --><svg xmlns='x'/>", "SVG drawing"),
        ("svg.mp4", b"\xef\xbb\xbf<svg/>", "SVG drawing"),
        ("empty.mp4", b"", "it is empty"),
        ("notes.txt", b"hello " * 100, "cannot be read as a video"),
        ("lie.gif", b"".join(HUGE_GIF), "too large"),
        ("photo.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is an HEIC photo.* export it as a JPEG"),
        ("photo.mp4", b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "is an HEIC photo"),
        ("a.mp4", b"ffconcat version 1.0\nfile b.mp4\n", "it is a list of other files"),
    ],
)
def test_other_files_are_refused_in_a_sentence(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    write_mp4(tmp_path / "b.mp4", [quadrants()], 10)
    with pytest.raises(VideoError, match=message):
        open_clip(tmp_path / name)


@pytest.mark.parametrize(
    "name",
    ["2026-11-28T12:30:00.mp4", "100%25.mp4", "a%03d b.mp4", "видео 動画.mp4", "-out.mp4", "http:x.mp4"],
)
def test_any_name_is_a_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_mp4(Path(name), [quadrants()] * 2, 10)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert len(list(read_frames(name))) == 2


def test_tagged_colours_are_read(tmp_path: Path) -> None:
    for height in (240, 720):
        write_mp4(tmp_path / "red.mp4", [flat(RED, 64, height)], 10)
        with av.open(str(tmp_path / "red.mp4")) as container:
            context = container.streams.video[0].codec_context
            tags = (context.color_primaries, context.color_trc, context.colorspace, context.color_range)
            assert tags == (1, 1, 1, 1)
        (frame,) = read_frames(tmp_path / "red.mp4")
        assert np.abs(frame.astype(int) - RED).max() <= 2


def test_a_codec_that_nobody_knows_ends_in_a_sentence(clip: Path) -> None:
    clip.write_bytes(clip.read_bytes().replace(b"avc1", b"\0\0\0\0"))
    with pytest.raises(VideoError):
        list(read_frames(clip))


def test_frames_that_were_given_away_are_freed_at_once(clip: Path) -> None:
    gc.collect()
    gc.disable()  # which would free them late: a frame is small for Python, but its pixels are not
    try:
        frames = iter(open_clip(clip).frames())
        alive = []
        for _ in frames:
            alive.append(sum(type(found) is av.VideoFrame for found in gc.get_objects()))
    finally:
        gc.enable()
    assert len(alive) > 3
    assert max(alive) <= min(alive) + 1
