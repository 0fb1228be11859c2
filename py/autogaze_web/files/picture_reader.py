"""Still and animated pictures as clips, decoded with Pillow: FFmpeg reads not all of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..frames.timed_frame import Rgb, TimedFrame
from ..limits import MAX_FRAMES
from .apng_reader import composed_apng, read_apng
from .clip import Clip, VideoError, check_size
from .cut_avif import padded, whole_frames_of_avif
from .file_kind import whole_webp
from .file_layout import layout_of
from .gif_reader import composed_frames, whole_frames

_FORMATS = ("AVIF", "BMP", "GIF", "ICO", "JPEG", "PNG", "TIFF", "WEBP")
# Whose further pictures are one animation, not pages or other views.
_ANIMATED = ("AVIF", "GIF", "PNG", "WEBP")
_ORIENTATION = 0x0112  # in EXIF data
# Browsers and FFmpeg show frames with a shorter delay than two hundredths of a second for ten.
_SHORTEST_MS, _DEFAULT_MS = 11, 100


class PictureReader(Clip):
    """The frames of a picture file; a still picture is one frame.

    Transparent pixels are shown on black. EXIF orientation is applied.

    Raises:
        VideoError: if the file cannot be read as a picture or is too large.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self._layout = layout_of(self.path)
        is_cut = self._layout.missing is not None
        self._kept_frames = whole_frames_of_avif(self.path, self._layout) if is_cut else None
        with self._opened() as picture:
            self._shown, self._is_whole = _animation(picture)
            if self._kept_frames:
                self._shown = range(min(self._kept_frames, len(self._shown)))
            self._is_gif = picture.format == "GIF" and len(self._shown) > 1
            self._is_apng = picture.format == "PNG" and len(self._shown) > 1
        if self._is_gif:
            frames, self._is_whole = whole_frames(self.path.read_bytes())
            self._shown = range(len(frames))
            self._is_gif = len(frames) > 1
        if self._is_apng:
            apng = read_apng(self.path.read_bytes())
            self._is_whole = apng is not None and len(apng.frames) >= apng.stated
            self._is_apng = apng is not None and len(apng.frames) > 0
            self._shown = range(len(apng.frames) if apng and apng.frames else 1)
        self.expected_frames: int = len(self._shown)

    def count(self, limit: int | None = None) -> int:
        """See `Clip`."""
        return min(self.expected_frames, limit or self.expected_frames)

    def _frames(self) -> Iterator[TimedFrame]:
        time = Fraction(0)
        with self._opened() as picture:
            for image, milliseconds in (
                self._composed(picture) if self._is_gif or self._is_apng else self._decoded_all(picture)
            ):
                if image is None:
                    return
                duration = None if self.expected_frames == 1 else _duration(milliseconds)
                yield TimedFrame(image, time, duration)
                time += duration or 0
        if self._layout.missing:
            self._note_damage(f"the file is cut off: {self._layout.missing}")
        elif not self._is_whole:
            self._note_damage("the next frame cannot be found")

    def _decoded_all(self, picture: Any) -> Iterator[tuple[Rgb | None, float | None]]:
        """Each frame and its delay in milliseconds."""
        for index in self._shown:
            yield self._decoded(picture, index), picture.info.get("duration")

    def _composed(self, picture: Any) -> Iterator[tuple[Rgb | None, float | None]]:
        """The same of an animated GIF or PNG."""
        data = self.path.read_bytes()
        width, height = picture.size
        apng = read_apng(data) if self._is_apng else None
        if apng:
            delays, images = [frame.delay for frame in apng.frames], composed_apng(apng, height, width)
        else:
            frames, _ = whole_frames(data)
            delays = [frame.delay for frame in frames]
            images = composed_frames(data, frames, height, width)
        for delay in delays:
            try:
                image = next(images)
            except MemoryError:
                raise
            except Exception as error:  # as in `_decoded`
                self._note_damage(self._reason(error))
                return
            yield _turned(image, picture), delay

    def _decoded(self, picture: Any, index: int) -> Rgb | None:
        """A frame, with black where its data end; None if there is nothing of it."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._loaded(picture, index)

    def _loaded(self, picture: Any, index: int) -> Rgb | None:
        from PIL import Image, ImageFile

        try:
            picture.seek(index)
            check_size(self.path, *picture.size)
            picture.load()
        except Image.DecompressionBombError:
            raise VideoError(f"{self.path} is too large: give a picture of at most 100 megapixels") from None
        except (VideoError, MemoryError):
            raise
        except Exception as error:  # Pillow's plugins raise whatever a damaged file makes them run into
            self._note_damage(self._reason(error))
            if index > 0:
                return None
            ImageFile.LOAD_TRUNCATED_IMAGES = True
            try:
                picture.load()
            except Exception:
                return None
            finally:
                ImageFile.LOAD_TRUNCATED_IMAGES = False
        return _rgb(picture)

    def _reason(self, error: Exception) -> str:
        """Why a picture cannot be decoded, or not all of it."""
        if self._layout.missing:
            return f"the file is cut off: {self._layout.missing}"
        return str(error) if isinstance(error, OSError) else "the picture is damaged"

    def _source(self) -> Path | BytesIO:
        """What Pillow reads: the file, or what it takes of a WebP or an AVIF that was cut off."""
        if not self._layout.missing:
            return self.path
        if self._kept_frames:
            return BytesIO(padded(self.path, self._layout))
        with self.path.open("rb") as file:
            is_webp = file.read(12)[8:] == b"WEBP"
        return BytesIO(whole_webp(self.path.read_bytes())) if is_webp else self.path

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        image_module = _pillow()
        try:
            with warnings.catch_warnings():
                # Sizes have a limit of our own, and damage has its sentence.
                warnings.simplefilter("ignore")
                picture = image_module.open(self._source(), formats=_FORMATS)
        except image_module.DecompressionBombError:
            raise VideoError(f"{self.path} is too large: give a picture of at most 100 megapixels") from None
        except MemoryError:
            raise
        except Exception as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is damaged"
            missing = self._layout.missing
            reason = f"it is cut off: {missing}" if missing else reason
            raise VideoError(
                f"{self.path} cannot be read as a picture ({reason}): give a PNG, JPEG, WebP, GIF or AVIF"
            ) from None
        with picture:
            check_size(self.path, *picture.size)
            yield picture


def _animation(picture: Any) -> tuple[range, bool]:
    """The numbers of the frames that are shown one after the other, and whether these are all."""
    count, is_whole = 1, True
    if picture.format in _ANIMATED:
        try:
            count = getattr(picture, "n_frames", 1)
        except Exception:
            count, is_whole = _readable_frames(picture), False
    # An APNG may begin with a picture for programs that cannot show the animation.
    first = int(count > 1 and bool(getattr(picture, "default_image", False)))
    return range(first, count), is_whole


def _readable_frames(picture: Any) -> int:
    """How many frames of a damaged picture can be found, at least 1."""
    count = 1
    with suppress(Exception):
        while count < MAX_FRAMES:
            picture.seek(count)
            count += 1
    return count


def _duration(milliseconds: float | None) -> Fraction:
    """For how long a frame of a stated delay is shown, in seconds."""
    stated = Fraction(milliseconds or 0).limit_denominator(1_000_000)
    return (stated if stated >= _SHORTEST_MS else Fraction(_DEFAULT_MS)) / 1000


def _turned(image: Rgb, picture: Any) -> Rgb:
    """A frame that was put together here, turned as the EXIF data of its file say."""
    from PIL import Image, ImageOps

    if picture.getexif().get(_ORIENTATION, 1) == 1:
        return image
    frame = Image.fromarray(image)
    frame.getexif()[_ORIENTATION] = picture.getexif()[_ORIENTATION]
    return np.asarray(ImageOps.exif_transpose(frame))


def _rgb(picture: Any) -> Rgb:
    from PIL import Image, ImageOps

    shown = ImageOps.exif_transpose(picture)
    if shown.mode.startswith("I"):  # 16 bits, which Pillow would clip to 8
        grey = np.asarray(shown).astype(np.int64)
        return np.repeat((grey >> 8).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    if not shown.has_transparency_data:
        return np.asarray(shown.convert("RGB"))
    shown = shown.convert("RGBA")
    ground = Image.new("RGBA", shown.size, (0, 0, 0, 255))
    return np.asarray(Image.alpha_composite(ground, shown).convert("RGB"))


def _pillow() -> ModuleType:
    try:
        from PIL import Image
    except ModuleNotFoundError:
        raise ImportError("reading pictures needs Pillow: pip install 'autogaze-web[video]'") from None
    return Image
