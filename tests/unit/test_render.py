from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image
from strategies import noise_frame

from autogaze_web.files.clip import VideoError
from autogaze_web.files.render import encode, panel_size, side_by_side
from autogaze_web.frames.timed_frame import TimedFrame
from autogaze_web.live.pipeline import process_frames


def pictures(times: list[float | None], last: float | None = None) -> Iterator[TimedFrame]:
    """Squares of 32 pixels, brighter from one to the next."""
    for index, time in enumerate(times):
        image = np.full((32, 32, 3), 5 * index % 250, np.uint8)
        shown = None if time is None else Fraction(time).limit_denominator(10_000)
        is_last = last is not None and index == len(times) - 1
        yield TimedFrame(image, shown, Fraction(last).limit_denominator(10_000) if is_last else None)


def encoded(suffix: str, frames: Iterator[TimedFrame], count: int = 0) -> tuple[io.BytesIO, list[str]]:
    file = io.BytesIO()
    notes = encode(file, suffix, frames, count)
    file.seek(0)
    return file, notes


def gif_delays(file: io.BytesIO) -> list[int]:
    delays = []
    with Image.open(file) as image:
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            delays.append(round(image.info["duration"]) // 10)
    return delays


def test_panels_side_by_side():
    (processed,) = process_frames([noise_frame(0, 60, 80)])
    assert side_by_side(processed, 30).shape == (30, 3 * 40 + 2 * 4, 3)


def test_very_wide_frames_have_low_panels():
    (processed,) = process_frames([noise_frame(0, 1, 4000)])
    height, width = side_by_side(processed, 240).shape[:2]
    assert height == 1
    assert width <= 16384
    assert panel_size(4000, 1, 240) == (240, 1)


def test_a_gif_lasts_as_long_as_the_clip():
    file, notes = encoded(".gif", pictures([index / 30 for index in range(60)]))
    delays = gif_delays(file)
    assert not notes
    assert len(delays) == 60
    assert set(delays) == {3, 4}
    assert sum(delays) == 200


def test_a_gif_of_a_fast_clip_leaves_frames_out():
    file, notes = encoded(".gif", pictures([index / 120 for index in range(120)]))
    delays = gif_delays(file)
    assert min(delays) >= 2
    assert sum(delays) == 100
    assert notes == [f"a .gif shows at most 50 frames a second: {120 - len(delays)} frames were left out"]


def test_a_gif_shows_long_delays_as_several():
    file, _ = encoded(".gif", pictures([0, 3600, 7200]))
    delays = gif_delays(file)
    assert sum(delays) == 3 * 360_000
    assert max(delays) <= 65535
    with pytest.raises(VideoError, match=r"at most: write an \.mp4"):
        encoded(".gif", pictures([0, 1e9]))


def test_a_gif_shows_what_it_was_given():
    images = [noise_frame(seed, 16, 16)[..., :3] // 128 * 255 for seed in range(4)]
    images.insert(2, images[1])
    file, _ = encoded(".gif", (TimedFrame(image, Fraction(i, 10)) for i, image in enumerate(images)))
    with Image.open(file) as gif:
        for index, image in enumerate(images):
            gif.seek(index)
            np.testing.assert_array_equal(np.asarray(gif.convert("RGB")), image)


@pytest.mark.parametrize(
    ("times", "last"), [([0, 0.033, 0.1, 4.1], 0.5), ([5.5, 6, 6.25], 2), ([0, 3600, 7200], 3600), ([1], 0.2)]
)
def test_an_mp4_keeps_the_times(times: list[float], last: float):
    file, _ = encoded(".mp4", pictures(times, last))
    with av.open(file) as container:
        found = [float(frame.time) for frame in container.decode(video=0)]
        assert found == pytest.approx([time - times[0] for time in times], abs=1e-4)
        assert container.duration / 1e6 == pytest.approx(times[-1] - times[0] + last, abs=1e-3)


def test_an_mp4_refuses_what_it_cannot_say():
    with pytest.raises(VideoError, match=r"but an .mp4 can show it for"):
        encoded(".mp4", pictures([0, 1e9]))


def test_frames_without_times_are_shown_at_25_a_second():
    file, _ = encoded(".gif", pictures([None] * 50))
    assert sum(gif_delays(file)) == 200
    file, _ = encoded(".gif", pictures([0, 0, 0.5, 0.5]))
    assert sum(gif_delays(file)) == 100


@pytest.mark.parametrize(("frames", "count", "rows"), [(3, 3, 3), (100, 100, 8), (90, 100, 8), (1, 1, 1)])
def test_a_sheet_has_up_to_eight_rows(frames: int, count: int, rows: int):
    file, _ = encoded(".png", pictures([0.0] * frames), count)
    with Image.open(file) as sheet:
        assert sheet.size == (32, rows * 36 - 4)
        shown = np.asarray(sheet)[::36, 0, 0].tolist()
    if frames == count:
        wanted = np.linspace(0, frames - 1, rows).round().astype(int)
        assert shown == [5 * index % 250 for index in wanted]
    assert shown[-1] == 5 * (frames - 1) % 250


def test_a_sheet_keeps_every_pixel():
    image = noise_frame(0, 40, 30)[..., :3]
    file, _ = encoded(".png", iter([TimedFrame(image)] * 2), 2)
    with Image.open(file) as sheet:
        pixels = np.asarray(sheet)
    np.testing.assert_array_equal(pixels[:40], image)
    np.testing.assert_array_equal(pixels[44:], image)
    assert (pixels[40:44] == 24).all()


@pytest.mark.parametrize("suffix", [".gif", ".png"])
def test_memory_does_not_grow_with_the_clip(suffix: str):
    def peak(count: int) -> int:
        frames = (
            TimedFrame(np.full((100, 100, 3), index % 250, np.uint8), Fraction(index, 10))
            for index in range(count)
        )
        with open("/dev/null", "wb") as sink:  # noqa: PTH123
            tracemalloc.start()
            encode(Unseekable(sink), suffix, frames, count)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return peak

    class Unseekable:
        """Forgets what is written."""

        def __init__(self, sink) -> None:
            self.write = sink.write
            self.tell = lambda: 0
            self.seek = lambda *_: 0

    peak(2)
    assert peak(1000) < 2 * peak(100)
