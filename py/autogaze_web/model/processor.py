"""The image processor: 8-bit frames to the normalised video that the model takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..formats.json_text import parse_json
from ..frames.resize import resize_bilinear_u8

_BILINEAR = 2


class ProcessorError(ValueError):
    """A ``preprocessor_config.json`` that cannot be followed; the message names the field."""


@dataclass(frozen=True)
class AutoGazeImageProcessor:
    """Resize in 8 bits, rescale to -1 .. 1, normalise by ImageNet's mean and deviation.

    Attributes:
        shortest_edge: target of the shorter side in pixels, aspect kept; or None.
        size: exact (height, width) target in pixels; or None. With neither, frames keep their size.
        rescale_factor: multiplies the 8-bit values; None leaves them.
        offset: whether 1 is subtracted after rescaling.
        mean, std: per channel, applied to the rescaled values; None for no normalisation.
    """

    shortest_edge: int | None = 224
    size: tuple[int, int] | None = None
    rescale_factor: float | None = 1 / 127.5
    offset: bool = True
    mean: tuple[float, ...] | None = (0.485, 0.456, 0.406)
    std: tuple[float, ...] | None = (0.229, 0.224, 0.225)

    @staticmethod
    def from_pretrained(folder: str | Path) -> AutoGazeImageProcessor:
        """Reads ``preprocessor_config.json`` of a Hugging Face folder.

        Raises:
            ProcessorError: if the file is missing or asks for something else than AutoGaze's processing.
        """
        path = Path(folder) / "preprocessor_config.json"
        try:
            text = path.read_text("utf-8")
        except OSError as error:
            raise ProcessorError(
                f"cannot read {path}: {error.strerror}; expected the checkpoint's file there"
            ) from None
        except UnicodeDecodeError:
            raise ProcessorError(f"{path} is not UTF-8 text: download it again") from None
        return AutoGazeImageProcessor.from_json(text)

    @staticmethod
    def from_json(text: str) -> AutoGazeImageProcessor:
        """A processor from the text of a ``preprocessor_config.json``.

        Raises:
            ProcessorError: if the text is not JSON or asks for something else than AutoGaze's processing.
        """
        try:
            values = parse_json(text, "preprocessor_config.json")
        except ValueError as error:
            raise ProcessorError(str(error)) from None
        return AutoGazeImageProcessor.from_dict(values)

    @staticmethod
    def from_dict(values: Any) -> AutoGazeImageProcessor:
        """A processor from the parsed ``preprocessor_config.json``; keys that it does not use are ignored.

        Raises:
            ProcessorError: naming the field.
        """
        if not isinstance(values, dict):
            raise ProcessorError("preprocessor_config.json must be a JSON object")
        if values.get("do_center_crop"):
            raise ProcessorError(
                "preprocessor_config.json: do_center_crop is true, but AutoGaze's frames are not cropped"
            )
        resize = values.get("do_resize", True)
        if resize and values.get("resample", _BILINEAR) != _BILINEAR:
            raise ProcessorError(
                f"preprocessor_config.json: resample is {values['resample']!r}, expected 2 (bilinear)"
            )
        shortest, size = _size(values.get("size", {"shortest_edge": 224})) if resize else (None, None)
        factor = values.get("rescale_factor", 1 / 127.5) if values.get("do_rescale", True) else None
        if factor is not None and not _is_number(factor):
            raise ProcessorError(f"preprocessor_config.json: rescale_factor must be a number, got {factor!r}")
        normalise = values.get("do_normalize", True)
        return AutoGazeImageProcessor(
            shortest_edge=shortest,
            size=size,
            rescale_factor=factor,
            offset=bool(values.get("offset", True)),
            mean=_channels(values, "image_mean", (0.485, 0.456, 0.406)) if normalise else None,
            std=_channels(values, "image_std", (0.229, 0.224, 0.225)) if normalise else None,
        )

    def without_resizing(self) -> AutoGazeImageProcessor:
        """The same for frames that keep their size, as tiles are cut from."""
        return replace(self, shortest_edge=None, size=None)

    def __call__(self, frames: NDArray[np.uint8] | Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Processes frames of one size.

        Args:
            frames: (T,H,W,3) uint8 RGB.

        Returns:
            (T,3,H',W') float32, about -6.5 .. 2.6 with the released settings.

        Raises:
            ValueError: if the frames have another shape or dtype.
        """
        try:
            video = np.asarray(frames)
        except ValueError:
            raise ValueError("all frames must have one size (H, W, 3)") from None
        if video.dtype != np.uint8:
            raise ValueError(f"frames must be uint8 values 0 .. 255, got {video.dtype}")
        if video.ndim != 4 or video.shape[3] != 3 or 0 in video.shape:
            raise ValueError(f"frames must have the shape (T, H, W, 3), got {video.shape}")
        height, width = self.target_size(video.shape[1], video.shape[2])
        out = np.empty((video.shape[0], 3, height, width), np.float32)
        for t, frame in enumerate(video):
            resized = resize_bilinear_u8(frame, height, width)
            self._normalise(np.ascontiguousarray(resized.transpose(2, 0, 1)), out[t])
        return out

    def normalised(self, values: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(3,H,W) 8-bit values, one plane for each channel, as the model takes them."""
        out = np.empty(values.shape, np.float32)
        self._normalise(values, out)
        return out

    def target_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) in pixels that a frame is resized to."""
        if self.size is not None:
            return self.size
        if self.shortest_edge is None:
            return height, width
        short, long = min(height, width), max(height, width)
        if short == self.shortest_edge:
            return height, width
        longer = int(self.shortest_edge * long / short)
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


def _size(value: Any) -> tuple[int | None, tuple[int, int] | None]:
    if isinstance(value, int):
        value = {"shortest_edge": value}
    if isinstance(value, dict):
        numbers = [value.get(key) for key in ("shortest_edge", "height", "width")]
        shortest, height, width = (
            n if isinstance(n, int) and not isinstance(n, bool) and n > 0 else None for n in numbers
        )
        if height and width:
            return None, (height, width)
        if shortest and value.get("longest_edge") is None:
            return shortest, None
    raise ProcessorError(
        f'preprocessor_config.json: size must be {{"shortest_edge": pixels}} or '
        f'{{"height": pixels, "width": pixels}}, got {value!r}'
    )


def _channels(values: dict[str, Any], key: str, default: tuple[float, ...]) -> tuple[float, ...]:
    value = values.get(key, default)
    if _is_number(value):
        value = [value] * 3
    if not isinstance(value, list | tuple) or len(value) != 3 or not all(_is_number(v) for v in value):
        raise ProcessorError(f"preprocessor_config.json: {key} must be three numbers, got {value!r}")
    if key == "image_std" and 0 in value:
        raise ProcessorError("preprocessor_config.json: image_std must not be 0")
    return tuple(float(v) for v in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
