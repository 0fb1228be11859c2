"""The image processor: 8-bit frames to the normalised video that the model takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self, overload

import numpy as np
from numpy.typing import NDArray

from ..formats.json_text import parse_json
from ..frames.arrays import to_numpy
from ..frames.resize import resize_bilinear_u8
from ..limits import MAX_JSON_BYTES, MAX_PROCESSED_PIXELS, MAX_SIDE, is_finite, is_whole, shown
from .fields_mapping import FieldsMapping
from .model_text import read_text
from .pretrained import pretrained_folder

_FILE = "preprocessor_config.json"
_BILINEAR = 2
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SETTINGS = (
    *("do_resize", "size", "resample", "do_center_crop", "do_rescale", "rescale_factor", "offset"),
    *("do_normalize", "image_mean", "image_std"),
)
# Settings of transformers that change nothing here: there is no crop, and frames are RGB.
_WITHOUT_EFFECT = ("crop_size", "do_convert_rgb", "image_processor_type", "processor_class", "use_fast")


class ProcessorError(ValueError):
    """A setting of the processor that cannot be followed; the message names it."""


@dataclass(frozen=True, eq=False)
class ProcessedImages(FieldsMapping):
    """What the processor returns to a call with the names of transformers.

    Attributes:
        pixel_values: (B,T,3,H,W) float32.
    """

    pixel_values: NDArray[np.float32]


@dataclass(frozen=True)
class AutoGazeImageProcessor:
    """Resizes 8-bit frames, rescales them to -1 .. 1 and normalises by ImageNet's mean and deviation.

    The bytes are those of Pillow up to version 12, whose horizontal pass always comes first. Pillow 13 starts
    with the vertical pass for some tall frames; see `resize_bilinear_u8`.

    Attributes:
        shortest_edge: target of the shorter side in pixels, aspect kept; or None.
        size: exact (height, width) target in pixels; or None. With neither, frames keep their size.
        rescale_factor: multiplies the 8-bit values; None leaves them.
        offset: whether 1 is subtracted after rescaling.
        mean, std: per channel, applied to the rescaled values; None for no normalisation.

    Examples:
        >>> import numpy as np
        >>> from autogaze_web import AutoGazeImageProcessor
        >>> processor = AutoGazeImageProcessor()
        >>> frames = np.zeros((16, 360, 640, 3), np.uint8)
        >>> processor(frames).shape
        (16, 3, 224, 398)

        With the names of transformers, a batch of one video:

        >>> processor(list(frames), return_tensors="np")["pixel_values"].shape
        (1, 16, 3, 224, 398)
    """

    shortest_edge: int | None = 224
    size: tuple[int, int] | None = None
    rescale_factor: float | None = 1 / 127.5
    offset: bool = True
    mean: tuple[float, ...] | None = _MEAN
    std: tuple[float, ...] | None = _STD

    def __post_init__(self) -> None:
        if not (self.shortest_edge is None or _is_side(self.shortest_edge)):
            raise ProcessorError(f"shortest_edge is 1 to {MAX_SIDE} pixels, got {shown(self.shortest_edge)}")
        size = _plain(self.size)
        if size is not None and not (
            isinstance(size, list)
            and len(size) == 2
            and all(_is_side(side) for side in size)
            and size[0] * size[1] <= MAX_PROCESSED_PIXELS
        ):
            raise ProcessorError(
                f"size must be (height, width), 1 to {MAX_SIDE} pixels each and at most "
                f"{MAX_PROCESSED_PIXELS:,} together, got {shown(self.size)}"
            )
        if not (self.rescale_factor is None or is_finite(self.rescale_factor)):
            raise ProcessorError(f"rescale_factor must be a number, got {shown(self.rescale_factor)}")
        for name, given in (("mean", self.mean), ("std", self.std)):
            values = _plain(given)
            if given is not None and not (
                isinstance(values, list) and len(values) == 3 and all(is_finite(value) for value in values)
            ):
                raise ProcessorError(f"{name} must be three numbers, got {shown(given)}")

    @classmethod
    def from_pretrained(cls, source: str | Path, *, revision: str | None = None, **overrides: Any) -> Self:
        """Reads ``preprocessor_config.json`` of a folder or of a repository of the Hugging Face hub.

        Args:
            source: a folder, or the id of a repository such as ``"nvidia/AutoGaze"``: taken from the local
                Hugging Face cache, else downloaded with ``huggingface_hub``.
            revision: branch, tag or commit of the repository.
            overrides: settings that replace those of the file, as transformers takes them: ``size`` as a
                number (shorter side), as ``(height, width)`` or as a dictionary, ``do_resize``,
                ``do_rescale``, ``rescale_factor``, ``offset``, ``do_normalize``, ``image_mean``,
                ``image_std``.

        Raises:
            ValueError: if the file is not available, or a setting cannot be followed.

        Examples:
            >>> AutoGazeImageProcessor.from_pretrained(folder, size=(392, 392)).size
            (392, 392)
        """
        path = pretrained_folder(source, (_FILE,), revision) / _FILE
        try:
            text = read_text(path, MAX_JSON_BYTES, "expected the checkpoint's file there")
        except ValueError as error:
            raise ProcessorError(str(error)) from None
        return cls.from_json(text, **overrides)

    @classmethod
    def from_json(cls, text: str, **overrides: Any) -> Self:
        """A processor from the text of a ``preprocessor_config.json``; see `from_pretrained`.

        Raises:
            ProcessorError: if the text is not JSON, or a setting cannot be followed.
        """
        try:
            values = parse_json(text, _FILE)
        except ValueError as error:
            raise ProcessorError(str(error)) from None
        return cls.from_dict(values, **overrides)

    @classmethod
    def from_dict(cls, values: Any, **overrides: Any) -> Self:
        """A processor from the parsed ``preprocessor_config.json``; see `from_pretrained`.

        Keys of the file that are not used are ignored.

        Raises:
            ProcessorError: naming the setting that cannot be followed.
        """
        settings = ProcessorSettings(values, overrides)
        if settings.boolean("do_center_crop", False):
            raise settings.error("do_center_crop", "is true, but AutoGaze's frames are not cropped")
        shortest, size = None, None
        if settings.boolean("do_resize", True):
            resample = settings.get("resample", _BILINEAR)
            if resample != _BILINEAR:
                raise settings.error("resample", f"is {shown(resample)}, expected 2 (bilinear)")
            shortest, size = _size(settings)
        normalise = settings.boolean("do_normalize", True)
        return cls(
            shortest_edge=shortest,
            size=size,
            rescale_factor=settings.number("rescale_factor", 1 / 127.5)
            if settings.boolean("do_rescale", True)
            else None,
            offset=settings.boolean("offset", True),
            mean=channel_values(settings, "image_mean", _MEAN) if normalise else None,
            std=channel_values(settings, "image_std", _STD) if normalise else None,
        )

    def without_resizing(self) -> Self:
        """The same for frames that keep their size, as tiles are cut from."""
        return replace(self, shortest_edge=None, size=None)

    @overload
    def __call__(self, frames: Any, /) -> NDArray[np.float32]: ...

    @overload
    def __call__(
        self,
        frames: Any = None,
        /,
        *,
        images: Any = None,
        videos: Any = None,
        return_tensors: Literal["np", "pt"] | None = None,
    ) -> ProcessedImages: ...

    def __call__(
        self,
        frames: Any = None,
        /,
        *,
        images: Any = None,
        videos: Any = None,
        return_tensors: Literal["np", "pt"] | None = None,
    ) -> NDArray[np.float32] | ProcessedImages:
        """Processes the frames of a video, all of one size.

        Args:
            frames: (T,H,W,3) or (T,3,H,W) uint8 RGB: an array, a PyTorch tensor, or a list of frames.
            images, videos: the same under the names of transformers; also one frame, or a batch of videos.
            return_tensors: as in transformers; values are NumPy arrays for ``"pt"`` too.

        Returns:
            (T,3,H',W') float32, about -6.5 .. 2.6 with the released settings. For a call with the names of
            transformers a mapping instead, whose ``pixel_values`` are (B,T,3,H',W').

        Raises:
            ValueError: if the frames have another shape or dtype.
        """
        given = [each for each in (frames, images, videos) if each is not None]
        if len(given) != 1:
            raise ValueError("give the frames once: as the first argument, as images or as videos")
        if images is None and videos is None and return_tensors is None:
            return self._processed(_frames(given[0]))
        if return_tensors not in ("np", "pt", None):
            raise ValueError(f"return_tensors must be 'np' or 'pt', got {return_tensors!r}")
        batch = [_frames(video) for video in _videos(given[0])]
        if len({video.shape for video in batch}) != 1:
            raise ValueError("all videos of a batch must have one shape (T, H, W, 3)")
        return ProcessedImages(np.stack([self._processed(video) for video in batch]))

    def _processed(self, video: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(T,H,W,3) uint8 to (T,3,H',W') float32."""
        height, width = self.target_size(video.shape[1], video.shape[2])
        out = np.empty((video.shape[0], 3, height, width), np.float32)
        for t, frame in enumerate(video):
            resized = self._resized(frame, height, width)
            self._normalise(np.ascontiguousarray(resized.transpose(2, 0, 1)), out[t])
        return out

    def _resized(self, frame: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
        return resize_bilinear_u8(frame, height, width)

    def normalised(self, values: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(3,H,W) 8-bit values, one plane for each channel, as the model takes them."""
        out = np.empty(values.shape, np.float32)
        self._normalise(values, out)
        return out

    def target_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) in pixels that a frame is resized to."""
        if not (_is_side(height) and _is_side(width)):
            size = f"{shown(width)}x{shown(height)}"
            raise ValueError(f"a frame has 1 to {MAX_SIDE} pixels per side, got {size} (width x height)")
        if self.size is not None:
            return self.size
        if self.shortest_edge is None:
            return height, width
        short, long = min(height, width), max(height, width)
        if short == self.shortest_edge:
            return height, width
        longer = int(self.shortest_edge * long / short)
        if longer * self.shortest_edge > MAX_PROCESSED_PIXELS:
            raise ValueError(
                f"a frame of {width}x{height} would become {longer} pixels long with a shorter side of "
                f"{self.shortest_edge}: crop it to a shape that is less elongated"
            )
        return (self.shortest_edge, longer) if height <= width else (longer, self.shortest_edge)

    def _normalise(self, values: NDArray[np.uint8], out: NDArray[np.float32]) -> None:
        """(3,H,W) 8-bit values to processed ones, in upstream's order and precision.

        The product is in float64, everything after it in float32.
        """
        if self.rescale_factor is None:
            out[:] = values
        else:
            out[:] = values.astype(np.float64) * self.rescale_factor
            if self.offset:
                out -= np.float32(1)
        if self.mean is not None and self.std is not None:
            out -= np.array(self.mean, np.float32).reshape(3, 1, 1)
            out /= np.array(self.std, np.float32).reshape(3, 1, 1)


class ProcessorSettings:
    """The settings of a file and those that replace them, with errors that name the setting."""

    def __init__(self, values: Any, overrides: Mapping[str, Any]) -> None:
        if not isinstance(values, dict):
            raise ProcessorError(f"{_FILE} must be a JSON object")
        for name in overrides:
            if name not in (*_SETTINGS, *_WITHOUT_EFFECT):
                raise ProcessorError(
                    f"the processor has no setting {name!r}: expected one of {', '.join(_SETTINGS)}"
                )
        self._values, self._overrides = values, overrides

    def error(self, name: str, problem: str) -> ProcessorError:
        """An error about a setting, which says where it comes from."""
        where = "the argument " if name in self._overrides else f"{_FILE}: "
        return ProcessorError(f"{where}{name} {problem}")

    def get(self, name: str, default: Any) -> Any:
        """A setting's value; the default if there is none."""
        value = self._overrides[name] if name in self._overrides else self._values.get(name, default)
        return _plain(value)

    def boolean(self, name: str, default: bool) -> bool:
        """True or false; null counts as false."""
        value = self.get(name, default)
        if value is not None and not isinstance(value, bool):
            raise self.error(name, f"must be true or false, got {shown(value)}")
        return bool(value)

    def number(self, name: str, default: float) -> float:
        """A finite number."""
        value = self.get(name, default)
        if not is_finite(value):
            raise self.error(name, f"must be a number, got {shown(value)}")
        return float(value)


def _is_side(value: Any) -> bool:
    return is_whole(value) and not isinstance(value, np.ndarray) and 0 < value <= MAX_SIDE


def _plain(value: Any) -> Any:
    """Arrays, tensors and NumPy's numbers as Python's lists and numbers."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.tolist() if hasattr(value, "tolist") else value


def _size(settings: ProcessorSettings) -> tuple[int | None, tuple[int, int] | None]:
    """The target of the shorter side, or the exact (height, width)."""
    value = settings.get("size", {"shortest_edge": 224})
    sides: Mapping[Any, Any] = {}
    if isinstance(value, int):
        sides = {"shortest_edge": value}
    elif isinstance(value, list) and len(value) == 2:
        sides = {"height": value[0], "width": value[1]}
    elif isinstance(value, dict):
        sides = value
    shortest, height, width = (
        n if isinstance(n, int) and not isinstance(n, bool) and 0 < n <= MAX_SIDE else None
        for n in (sides.get(key) for key in ("shortest_edge", "height", "width"))
    )
    if height and width:
        return None, (height, width)
    if shortest and sides.get("longest_edge") is None:
        return shortest, None
    raise settings.error(
        "size",
        'must be the shorter side in pixels, (height, width), {"shortest_edge": pixels} or '
        f'{{"height": pixels, "width": pixels}}, 1 to {MAX_SIDE} pixels each, got {shown(value)}',
    )


def channel_values(settings: ProcessorSettings, name: str, default: tuple[float, ...]) -> tuple[float, ...]:
    """A number for each channel; one number applies to all."""
    value = settings.get(name, default)
    if is_finite(value):
        value = [value] * 3
    if not isinstance(value, list) or len(value) != 3 or not all(is_finite(v) for v in value):
        raise settings.error(name, f"must be three numbers, got {shown(value)}")
    if name == "image_std" and 0 in value:
        raise settings.error(name, "must not be 0")
    return tuple(float(v) for v in value)


def _frames(frames: Any) -> NDArray[np.uint8]:
    """(T,H,W,3) uint8 from an array, a tensor or a list of frames, channels first or last."""
    if isinstance(frames, Sequence):
        frames = [to_numpy(frame) for frame in frames]
    try:
        video = np.asarray(to_numpy(frames))
    except ValueError:
        raise ValueError("all frames must have one size (H, W, 3)") from None
    if video.dtype != np.uint8:
        raise ValueError(f"frames must be uint8 values 0 .. 255, got {video.dtype}")
    if video.ndim == 4 and video.shape[3] != 3 and video.shape[1] == 3:
        video = video.transpose(0, 2, 3, 1)
    if video.ndim != 4 or video.shape[3] != 3 or 0 in video.shape:
        raise ValueError(f"frames must have the shape (T, H, W, 3), got {video.shape}")
    return video


def _videos(images: Any) -> list[Any]:
    """The videos of a batch: from one frame, the frames of a video, or videos."""
    dimensions, first = 0, images
    while isinstance(first, Sequence) and not isinstance(first, str) and first:
        dimensions, first = dimensions + 1, first[0]
    dimensions += np.ndim(to_numpy(first))
    if dimensions == 5:
        return list(images)
    return [[images]] if dimensions == 3 else [images]
