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
        >>> memory = FeatureMemory(window=4, width=8, patches=49)
        >>> memory.add(np.full((2, 8), 1.0, np.float32), [0, 7])
        >>> memory.add(np.full((1, 8), 2.0, np.float32), [7])
        >>> rows = memory.rows()
        >>> rows.patch_ids.tolist(), rows.ages.tolist(), rows.features[:, 0].tolist()
        ([0, 7], [1, 0], [1.0, 2.0])
    """

    def __init__(self, window: int, width: int, patches: int) -> None:
        """Args:
        window: the decoder's; higher ages count as ``window - 1``.
        width: H, of a feature.
        patches: number of patches of a frame, over all scales.
        """
        self._window, self._width, self._patches = window, width, patches
        self._frames = 0
        self._newest: dict[int, tuple[int, Floats]] = {}

    @staticmethod
    def of(config: FrameDecoderConfig) -> FeatureMemory:
        """An empty memory for a decoder."""
        return FeatureMemory(config.window, config.encoder_hidden_size, config.patches)

    def add(self, features: Any, patch_ids: Any) -> None:
        """Takes the features of the next frame.

        Args:
            features: (k, H), finite; k may be 0.
            patch_ids: (k,) integers, the patch of each within its frame; of one patch the last counts.

        Raises:
            ValueError: if an argument has another shape, or a patch is not possible; the memory stays as it
                was.
        """
        values, patches = _numbers(features), _integers(patch_ids, "patch_ids")
        if values.shape != (patches.size, self._width) or patches.ndim != 1:
            raise ValueError(
                f"features has the shape (k, {self._width}), patch_ids has (k,), got {values.shape} and "
                f"{patches.shape}"
            )
        _check_ranges(values, patches, self._patches)
        self._frames += 1
        for feature, patch in zip(values.copy(), patches.tolist(), strict=True):
            self._newest[patch] = (self._frames, feature)

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
    values = _numbers(features)
    patches, old = (_integers(each, name) for each, name in ((patch_ids, "patch_ids"), (ages, "ages")))
    width = config.encoder_hidden_size
    if values.shape != (patches.size, width) or patches.ndim != 1 or patches.shape != old.shape:
        raise ValueError(
            f"features has the shape (m, {width}), patch_ids and ages have (m,), got {values.shape}, "
            f"{patches.shape} and {old.shape}"
        )
    _check_ranges(values, patches, config.patches)
    if old.size and old.min() < 0:
        raise ValueError(f"ages count frames into the past, 0 or more, got {old.min()}")
    order = np.lexsort((-np.arange(patches.size), old, patches))
    first = np.r_[True, np.diff(patches[order]) > 0][: patches.size]
    chosen = order[first]
    limited = np.minimum(old[chosen], config.window - 1)
    return DecoderRows(values[chosen], patches[chosen].astype(np.int32), limited.astype(np.int32))


def expect_rows_of(config: FrameDecoderConfig, rows: DecoderRows) -> None:
    """Raises unless rows are of a decoder's width, patches and window, as those of another one are not.

    Raises:
        ValueError: naming what differs.
    """
    width = config.encoder_hidden_size
    if rows.features.shape != (rows.patch_ids.size, width) or rows.ages.shape != rows.patch_ids.shape:
        raise ValueError(
            f"the rows are of another decoder: features has the shape (m, {width}) here, "
            f"got {rows.features.shape}"
        )
    if rows.patch_ids.size and not (
        0 <= rows.patch_ids.min() <= rows.patch_ids.max() < config.patches
        and 0 <= rows.ages.min() <= rows.ages.max() < config.window
    ):
        raise ValueError(
            f"the rows are of another decoder: this one has patches 0 to {config.patches - 1} and ages 0 to "
            f"{config.window - 1}"
        )


def _check_ranges(values: Floats, patches: NDArray[np.int64], count: int) -> None:
    if not np.isfinite(values).all():
        raise ValueError("features are finite numbers, got NaN or infinity")
    if patches.size and not 0 <= patches.min() <= patches.max() < count:
        raise ValueError(
            f"patch_ids count the patches of one frame, 0 to {count - 1}, got {patches.min()} to "
            f"{patches.max()}: subtract {count} for each earlier frame"
        )


def _numbers(features: Any) -> Floats:
    array = _array(features, "features")
    # An empty list has no numbers to tell its type by.
    if array.dtype.kind == "c" or (array.size and array.dtype.kind not in "fiu"):
        raise ValueError(f"features are numbers, got {shown(str(array.dtype))}")
    return array.astype(np.float32, copy=False)


def _integers(values: Any, name: str) -> NDArray[np.int64]:
    array = _array(values, name)
    if array.size and array.dtype.kind not in "iu":
        raise ValueError(f"{name} are integers, got {shown(str(array.dtype))}")
    return array.astype(np.int64)


def _array(values: Any, name: str) -> NDArray[Any]:
    try:
        return np.asarray(widened(values))
    except (ValueError, OverflowError):  # lists of several lengths
        raise ValueError(f"{name} must be an array, got {shown(values)}") from None
