"""What the frame decoder reads: for each patch of a frame, the newest feature that the encoder gave for it.

A gaze skips what does not change, so a patch that was encoded long ago may still show the frame as it is. The
memory keeps one feature of each patch, however old; its size never exceeds the number of patches of a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..frames.arrays import widened
from ..limits import shown
from .frame_decoder import FrameDecoderConfig

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]


@dataclass(frozen=True)
class DecoderRows:
    """The inputs of the frame decoder's graph; no patch occurs twice.

    Attributes:
        features: (m, H) float32.
        patch_ids: (m,) int32, the number of each row's patch within its frame, over all scales.
        ages: (m,) int32, how many frames ago it was encoded, at most the decoder's ``window - 1``.
    """

    features: Floats
    patch_ids: Ids
    ages: Ids

    def feeds(self) -> dict[str, NDArray[Any]]:
        """The graph's inputs by name."""
        return {"features": self.features, "patch_ids": self.patch_ids, "ages": self.ages}


class FeatureMemory:
    """The newest feature of each patch of one stream.

    Examples:
        >>> import numpy as np
        >>> from autogaze_web.encoder import FeatureMemory
        >>> memory = FeatureMemory(window=4, width=8)
        >>> memory.add(np.full((2, 8), 1.0, np.float32), [0, 7])
        >>> memory.add(np.full((1, 8), 2.0, np.float32), [7])
        >>> rows = memory.rows()
        >>> rows.patch_ids.tolist(), rows.ages.tolist(), rows.features[:, 0].tolist()
        ([0, 7], [1, 0], [1.0, 2.0])
    """

    def __init__(self, window: int, width: int) -> None:
        """Args:
        window: the decoder's; higher ages count as ``window - 1``.
        width: H, of a feature.
        """
        self._window, self._width = window, width
        self._frames = 0
        self._newest: dict[int, tuple[int, Floats]] = {}

    @staticmethod
    def of(config: FrameDecoderConfig) -> FeatureMemory:
        """An empty memory for a decoder."""
        return FeatureMemory(config.window, config.encoder_hidden_size)

    def add(self, features: Any, patch_ids: Any) -> None:
        """Takes the next frame's features (k, H) and the patches (k,) that they are of; k may be 0."""
        self._frames += 1
        for feature, patch in zip(np.array(features, np.float32), patch_ids, strict=True):
            self._newest[int(patch)] = (self._frames, feature)

    def rows(self) -> DecoderRows:
        """The decoder's rows for the last frame that was added, by ascending patch."""
        patches = sorted(self._newest)
        features = np.array([self._newest[each][1] for each in patches], np.float32)
        ages = [min(self._frames - self._newest[each][0], self._window - 1) for each in patches]
        return DecoderRows(
            features.reshape(-1, self._width), np.array(patches, np.int32), np.array(ages, np.int32)
        )


def newest_rows(features: Any, patch_ids: Any, ages: Any, config: FrameDecoderConfig) -> DecoderRows:
    """The decoder's rows among any: of each patch the newest; of two of one frame the later one.

    Args:
        features: (m, H), finite.
        patch_ids, ages: (m,) integers; ages of ``window`` and more count as ``window - 1``.

    Raises:
        ValueError: if an argument has another shape, or a patch or an age is not possible.
    """
    values = np.asarray(widened(features), np.float32)
    patches, old = (_integers(each, name) for each, name in ((patch_ids, "patch_ids"), (ages, "ages")))
    width = config.encoder_hidden_size
    if values.shape != (patches.size, width) or patches.shape != old.shape:
        raise ValueError(
            f"features has the shape (m, {width}), patch_ids and ages have (m,), got {values.shape}, "
            f"{patches.shape} and {old.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError("features are finite numbers, got NaN or infinity")
    if patches.size and not 0 <= patches.min() <= patches.max() < config.patches:
        raise ValueError(
            f"patch_ids count the patches of one frame, 0 to {config.patches - 1}, got {patches.min()} to "
            f"{patches.max()}: subtract {config.patches} for each earlier frame"
        )
    if old.size and old.min() < 0:
        raise ValueError(f"ages count frames into the past, 0 or more, got {old.min()}")
    order = np.lexsort((-np.arange(patches.size), old, patches))
    first = np.r_[True, np.diff(patches[order]) > 0][: patches.size]
    chosen = order[first]
    limited = np.minimum(old[chosen], config.window - 1)
    return DecoderRows(values[chosen], patches[chosen].astype(np.int32), limited.astype(np.int32))


def _integers(values: Any, name: str) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.size and array.dtype.kind not in "iu":
        raise ValueError(f"{name} are integers, got {shown(array.dtype)}")
    return array.astype(np.int64)
