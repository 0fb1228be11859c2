"""The numbers of a frame: PSNR, incremental squared errors, moving averages, and how they are formatted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..frames import changes
from ..frames.pixel_kernels import installed
from ..frames.rgba import Rgba, Words, as_words
from ..frames.words import sum_squared_differences

BlockErrors = NDArray[np.int64]

EMA_WEIGHT = 0.15

# Blocks processed together: enough to amortise NumPy's overhead per call, few enough for the CPU cache.
_BLOCKS_AT_ONCE = 192
_WORDS_AT_ONCE = _BLOCKS_AT_ONCE * changes.BLOCK_ROWS * changes.BLOCK_WORDS


def psnr_of(squared_error: int, pixels: int) -> float:
    """PSNR in dB from the sum of squared differences of red, green and blue bytes over a frame.

    ``10 log10(255^2 / MSE)`` with ``MSE = squared_error / (3 * pixels)``; identical frames give infinity.
    """
    if squared_error == 0:
        return math.inf
    return 10 * math.log10(255**2 * 3 * pixels / squared_error)


def psnr(reference: Rgba, image: Rgba) -> float:
    """PSNR in dB between two frames over red, green and blue; infinity if they are equal.

    Raises:
        ValueError: if the sizes differ.
    """
    if reference.shape != image.shape:
        raise ValueError(f"PSNR compares frames of one size, got {reference.shape[:2]} and {image.shape[:2]}")
    return psnr_of(
        squared_error(as_words(reference), as_words(image)), reference.shape[0] * reference.shape[1]
    )


def squared_error(a: Words, b: Words) -> int:
    """Sum of squared differences of the colour bytes of two arrays of words (H, W / 2) of equal shape."""
    rows = max(1, _WORDS_AT_ONCE // a.shape[1])
    return sum(
        int(sum_squared_differences(a[y : y + rows], b[y : y + rows]).sum(dtype=np.int64))
        for y in range(0, len(a), rows)
    )


def blocks_below(errors: BlockErrors, height: int, width: int, decibels: float) -> changes.BlockFlags:
    """Blocks (``changes.block_grid``) of a frame of ``height x width`` pixels whose PSNR is below so many dB.

    Args:
        errors: the squared error of each block.
    """
    rows, columns = (
        np.diff(np.append(np.arange(0, length, side), length))
        for length, side in ((height, changes.BLOCK_ROWS), (width, 2 * changes.BLOCK_WORDS))
    )
    flags: changes.BlockFlags = errors > rows[:, None] * columns * (255**2 * 3 / 10 ** (decibels / 10))
    return flags


class SquaredErrorMap:
    """The squared error between two streams of frames, stored per block and updated only where needed.

    ``update`` computes only the blocks that may have changed in either stream since the last call, so a still
    background costs nothing.
    """

    def __init__(self, height: int, width: int):
        self._errors: BlockErrors = np.zeros(changes.block_grid((height, -(-width // 2))), np.int64)

    def update(self, reference: Rgba, image: Rgba, dirty: changes.BlockFlags) -> int:
        """Updates the dirty blocks and returns the sum of squared differences over the whole frame.

        Args:
            reference, image: (H, W, 4) uint8 frames.
            dirty: (ceil(H / 16), ceil(W / 32)) bool, the blocks to update (``changed_blocks``).
        """
        a, b = as_words(reference), as_words(image)
        if kernels := installed():
            kernels.squared_errors(a, b, dirty, self._errors)
        else:
            self._update_with_numpy(a, b, dirty)
        return int(self._errors.sum())

    def _update_with_numpy(self, reference: Words, image: Words, dirty: changes.BlockFlags) -> None:
        tables = zip(changes.block_tables(reference), changes.block_tables(image), strict=True)
        for (where, a), (_, b) in tables:
            errors, (rows, columns) = self._errors[where], np.nonzero(dirty[where])
            for first in range(0, len(rows), _BLOCKS_AT_ONCE):
                y, x = rows[first : first + _BLOCKS_AT_ONCE], columns[first : first + _BLOCKS_AT_ONCE]
                errors[y, x] = sum_squared_differences(
                    changes.words_of_blocks(a, y, x), changes.words_of_blocks(b, y, x)
                )

    @property
    def errors(self) -> BlockErrors:
        """(ceil(H / 16), ceil(W / 32)) int64: squared error of each block, valid until the next update."""
        return self._errors

    def clear(self, blocks: changes.BlockFlags) -> None:
        """Sets the error of blocks to zero, after both streams have become equal in them."""
        self._errors[blocks] = 0


@dataclass
class Ema:
    """Exponential moving average ``0.85 * previous + 0.15 * sample``, initialised by its first sample.

    If the average or the sample is not finite, the sample replaces the average. The average is therefore
    finite again after an infinite PSNR.

    Attributes:
        value: the average, NaN before the first sample.
        weight: weight of the newest sample, 0 .. 1.
    """

    value: float = math.nan
    weight: float = EMA_WEIGHT

    def add(self, sample: float) -> float:
        """Adds a sample and returns the new average."""
        if math.isfinite(self.value) and math.isfinite(sample):
            self.value += self.weight * (sample - self.value)
        else:
            self.value = sample
        return self.value


def format_ratio(ratio: float) -> str:
    """A ratio of 0 .. 1 as a percentage such as ``42.1%``, or ``-`` for NaN."""
    return "-" if math.isnan(ratio) else f"{min(max(ratio, 0.0), 1.0) * 100:.1f}%"


def format_psnr(decibel: float) -> str:
    """A PSNR in dB as a number such as ``33.8``, ``inf`` for equal frames, or ``-`` for NaN."""
    return "-" if math.isnan(decibel) else f"{decibel:.1f}"
