"""How near what an encoder sees of the gazed patches is to what it sees of all."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def mean_cosine(features: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """The mean cosine of the angles between rows.

    Args:
        features, others: (n, hidden) each; row i of one belongs to row i of the other.

    Returns:
        -1 .. 1, where 1 means that all point the same way; NaN without rows. A row of zeros counts as 0.

    Raises:
        ValueError: if the shapes differ.

    Examples:
        >>> rows = np.array([[1, 0], [0, 2]], np.float32)
        >>> mean_cosine(rows, 3 * rows), mean_cosine(rows, rows[::-1]), mean_cosine(rows, -rows)
        (1.0, 0.0, -1.0)
    """
    if features.shape != others.shape or features.ndim != 2:
        raise ValueError(f"both have the shape (n, hidden), got {features.shape} and {others.shape}")
    if len(features) == 0:
        return math.nan
    first, second = features.astype(np.float64), others.astype(np.float64)
    product = (first * second).sum(axis=1)
    length = np.sqrt(np.square(first).sum(axis=1) * np.square(second).sum(axis=1))
    return float(np.divide(product, length, out=np.zeros_like(product), where=length > 0).mean())


def picture_psnr(picture: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The PSNR of two pictures' colours in dB; infinite if they are equal.

    Args:
        picture, other: (H, W, 3 or 4) uint8; a fourth channel does not count.

    Raises:
        ValueError: if the shapes differ.

    Examples:
        >>> black = np.zeros((2, 2, 3), np.uint8)
        >>> picture_psnr(black, black), picture_psnr(black, black + 255)
        (inf, 0.0)
    """
    if picture.shape != other.shape:
        raise ValueError(f"both have one shape, got {picture.shape} and {other.shape}")
    error = np.square(picture[..., :3].astype(np.float64) - other[..., :3]).mean()
    return math.inf if error == 0 else float(10 * np.log10(255**2 / error))
