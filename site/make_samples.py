"""Makes the sample clips and their stills: `python site/make_samples.py FOLDER` fills site/samples.

FOLDER holds the originals, anywhere below it. site/samples/README.md says which package each one comes from,
who made it and under which licence. Every clip is VP9 in WebM and every still is WebP.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

SAMPLES = Path(__file__).resolve().parent / "samples"
STILL_WIDTH = 320
MAX_BYTES = 600_000

Frames = Iterator[Image.Image]


def main(originals: Path) -> None:
    """Write every clip and its still.

    Raises:
        FileNotFoundError: if an original is missing.
        ValueError: if a clip is too large.
    """

    def film(name: str) -> list[Image.Image]:
        with av.open(str(_find(originals, name))) as container:
            return [Image.fromarray(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]

    # 25 frames a second were made from 24 by showing every 25th twice.
    bunny = [frame for index, frame in enumerate(film("bigbuckbunny.mp4")) if index % 25 != 6]
    _write("bunny", map(_resized, bunny), 24, 34, still=45)

    screencast = film("movie-hello.mp4")
    _write("talk", (frame.crop((118, 86, 362, 268)) for frame in screencast), 30, 20, still=60)
    # Without the black bars at its sides.
    _write("screen", (_resized(frame.crop((64, 0, 1216, 648))) for frame in screencast), 30, 32, still=200)

    # The first of its two shots, at a speed at which it lasts five seconds.
    _write("city", map(_resized, film("cityCC0.mpg")[:116]), 20, 43, still=20)

    # A second and a half, forwards and backwards twice.
    dog = [_resized(frame) for frame in film("VID_20191220_170832.mp4")]
    _write("dog", iter((dog + dog[-2:0:-1]) * 2), 27, 36, still=0)

    with Image.open(_find(originals, "picosdeeuropa_by_Aitzol_Berasategi.jpg")) as photo:
        _write("mountain", _pan(photo.convert("RGB"), 150), 25, 40, still=75)


def _find(folder: Path, name: str) -> Path:
    found = next(folder.rglob(name), None)
    if found is None:
        raise FileNotFoundError(f"{folder} has no {name}: site/samples/README.md says which package it is in")
    return found


def _resized(frame: Image.Image) -> Image.Image:
    return frame.resize((640, 360), Image.Resampling.LANCZOS)


def _pan(photo: Image.Image, count: int) -> Frames:
    """`count` frames of a camera that moves over a photo and comes closer; it starts and ends softly."""
    for index in range(count):
        share = index / (count - 1)
        share = share * share * (3 - 2 * share)
        width = 2300 - 900 * share
        left = 900 * share
        top = 250 + 350 * share
        box = (left, top, left + width, top + width * 9 / 16)
        yield photo.resize((640, 360), Image.Resampling.LANCZOS, box=box)


def _write(name: str, frames: Frames, rate: int, quality: int, *, still: int) -> None:
    """Write a clip and, of its frame number `still`, a picture."""
    path = SAMPLES / f"{name}.webm"
    stream = None
    with av.open(str(path), "w") as container:
        for index, image in enumerate(frames):
            if stream is None:
                stream = container.add_stream("libvpx-vp9", rate=rate)
                stream.width, stream.height = image.size
                stream.pix_fmt = "yuv420p"
                stream.time_base = Fraction(1, rate)
                # BT.709, limited range; browsers guess for clips that do not say.
                tags = stream.codec_context
                tags.colorspace = tags.color_primaries = tags.color_trc = tags.color_range = 1
                stream.options = {"crf": str(quality), "b": "0", "cpu-used": "1", "g": "120", "row-mt": "1"}
            rgb = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
            frame = rgb.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
            frame.pts = index
            frame.time_base = Fraction(1, rate)
            container.mux(stream.encode(frame))
            if index == still:
                height = round(STILL_WIDTH * image.height / image.width)
                picture = image.resize((STILL_WIDTH, height), Image.Resampling.LANCZOS)
                picture.save(path.with_suffix(".webp"), quality=72, method=6)
        if stream:
            container.mux(stream.encode(None))
    size = path.stat().st_size
    print(f"{path.name}: {size / 1e3:.0f} kB")
    if size > MAX_BYTES:
        raise ValueError(f"{path.name} has {size} bytes, more than the {MAX_BYTES} that a sample may have")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("error: name the folder with the originals")
    main(Path(sys.argv[1]))
