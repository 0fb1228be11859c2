"""SigLIP's image processor: 8-bit frames to the video that `SiglipVisionModel` takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..frames.resize import resize_bicubic_u8, resize_bilinear_u8
from ..limits import MAX_SIDE, shown
from ..model.processor import AutoGazeImageProcessor, ProcessorSettings, channel_values

_BILINEAR, _BICUBIC = 2, 3
_RESCALE = 0.00392156862745098
_HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class SiglipImageProcessor(AutoGazeImageProcessor):
    """Squashes 8-bit frames to the model's square and normalises them to -1 .. 1.

    The bytes are those of Pillow up to version 12; see `AutoGazeImageProcessor`, whose calls are the same.

    Attributes:
        resample: Pillow's number of the filter: 2 (bilinear) in SigLIP 2, 3 (bicubic) in SigLIP.

    Examples:
        >>> import numpy as np
        >>> from autogaze_web import SiglipImageProcessor
        >>> video = SiglipImageProcessor()(np.full((16, 360, 640, 3), 255, np.uint8))
        >>> video.shape, float(video.max())
        ((16, 3, 224, 224), 1.0)
    """

    shortest_edge: int | None = None
    size: tuple[int, int] | None = (224, 224)
    rescale_factor: float | None = _RESCALE
    offset: bool = False
    mean: tuple[float, ...] | None = _HALF
    std: tuple[float, ...] | None = _HALF
    resample: int = _BICUBIC

    @classmethod
    def from_dict(cls, values: Any, **overrides: Any) -> Self:
        """A processor from the parsed ``preprocessor_config.json``; see `from_pretrained`.

        Raises:
            ProcessorError: naming the setting that cannot be followed.
        """
        settings = ProcessorSettings(values, overrides)
        normalise = settings.boolean("do_normalize", True)
        resize = settings.boolean("do_resize", True)
        resample = settings.get("resample", _BICUBIC)
        if resize and resample not in (_BILINEAR, _BICUBIC):
            raise settings.error("resample", f"is {shown(resample)}, expected 2 (bilinear) or 3 (bicubic)")
        return cls(
            size=_size(settings) if resize else None,
            rescale_factor=settings.number("rescale_factor", _RESCALE)
            if settings.boolean("do_rescale", True)
            else None,
            mean=channel_values(settings, "image_mean", _HALF) if normalise else None,
            std=channel_values(settings, "image_std", _HALF) if normalise else None,
            resample=resample if resize else _BICUBIC,
        )

    def _resized(self, frame: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
        resize = resize_bilinear_u8 if self.resample == _BILINEAR else resize_bicubic_u8
        return resize(frame, height, width)


def _size(settings: ProcessorSettings) -> tuple[int, int]:
    value = settings.get("size", {"height": 224, "width": 224})
    sides = value
    if isinstance(value, dict):
        sides = [value.get("height"), value.get("width")]
    elif isinstance(value, int):
        sides = [value, value]
    if (
        not isinstance(sides, list)
        or len(sides) != 2
        or not all(isinstance(n, int) and not isinstance(n, bool) and 0 < n <= MAX_SIDE for n in sides)
    ):
        raise settings.error(
            "size", f'must be {{"height": pixels, "width": pixels}}, 1 to {MAX_SIDE} each, got {shown(value)}'
        )
    return sides[0], sides[1]
