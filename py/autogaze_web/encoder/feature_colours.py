"""Patch features as colours: their three main directions become red, green and blue.

The directions are the principal components of the features seen so far. They follow the video slowly and are
turned to where they were before, so that a patch keeps its colour while its features stay the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..model.tokens import ScaleLayout

Features = NDArray[np.float32]
Colours = NDArray[np.uint8]

COLOURS: Final = 3
# Standard deviations from the middle to full colour, and how much of a frame enters the directions.
_RANGE: Final = 2.0
_RATE: Final = 0.05
_FIRST_STEPS: Final = 12
_LEAST: Final = 1e-6


class FeatureColours:
    """Colours of features of ``hidden`` numbers each.

    Examples:
        >>> colours = FeatureColours(8)
        >>> features = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
        >>> first = colours.of(features)
        >>> first.shape, first.dtype
        ((20, 3), dtype('uint8'))
        >>> int(np.abs(first.astype(int) - colours.of(features)).max()) < 30
        True
    """

    def __init__(self, hidden: int) -> None:
        if hidden < COLOURS:
            raise ValueError(f"features have at least {COLOURS} numbers, got {hidden}")
        self._hidden = hidden
        self._mean: NDArray[np.float64] | None = None
        self._basis = np.zeros((hidden, COLOURS))
        self._spread = np.ones(COLOURS)

    @property
    def basis(self) -> NDArray[np.float64]:
        """(hidden, 3): the directions of red, green and blue, orthonormal."""
        return self._basis

    def of(self, features: Features, learn: bool = True) -> Colours:
        """The colours of some patches.

        Args:
            features: (n, hidden).
            learn: whether these features move the directions, as those of one frame after the other do.

        Returns:
            (n, 3) uint8.

        Raises:
            ValueError: for another shape.
        """
        if features.ndim != 2 or features.shape[1] != self._hidden:
            raise ValueError(f"features have the shape (n, {self._hidden}), got {features.shape}")
        values = features.astype(np.float64)
        if learn and len(values) > COLOURS:
            self._learn(values)
        if self._mean is None:
            return np.full((len(values), COLOURS), 128, np.uint8)
        places = (values - self._mean) @ self._basis / (_RANGE * self._spread)
        return np.round(127.5 + 127.5 * np.clip(places, -1, 1)).astype(np.uint8)

    def _learn(self, values: NDArray[np.float64]) -> None:
        if self._mean is None:
            self._mean = values.mean(axis=0)
            centred = values - self._mean
            self._basis = _main_directions(centred)
            self._spread = np.maximum((centred @ self._basis).std(axis=0), _LEAST)
            return
        self._mean = self._mean + _RATE * (values.mean(axis=0) - self._mean)
        centred = values - self._mean
        self._basis = _followed(self._basis, centred)
        spread = np.sqrt(np.square(centred @ self._basis).mean(axis=0))
        self._spread = np.maximum(self._spread + _RATE * (spread - self._spread), _LEAST)


def _main_directions(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """(hidden, 3): principal components by orthogonal iteration, the largest number of each positive."""
    hidden = centred.shape[1]
    # A start that favours no direction and is the same every time.
    basis = np.cos(np.arange(hidden)[:, None] * np.arange(1, COLOURS + 1) * 2.399963 + 1)
    basis = np.linalg.qr(basis)[0]
    for _ in range(_FIRST_STEPS):
        pulled = centred.T @ (centred @ basis)
        # What has no spread at all leaves directions open: the start then decides on them.
        basis = np.linalg.qr(pulled + _LEAST * max(float(np.linalg.norm(pulled)), 1.0) * basis)[0]
    sign = np.sign(basis[np.abs(basis).argmax(axis=0), np.arange(COLOURS)])
    return np.asarray(basis * sign, np.float64)


def _followed(basis: NDArray[np.float64], centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """A small part of a step of orthogonal iteration, turned to where the directions were.

    Of each pull only what leads out of the space of all counts, relative to the strength within, so that
    weak directions follow as strong ones do.
    """
    places = centred @ basis
    pulled = centred.T @ places
    within = places.T @ places
    least = _LEAST * max(float(np.trace(within)), _LEAST)
    out = (pulled - basis @ within) @ np.linalg.inv(within + least * np.eye(COLOURS))
    out /= np.maximum(np.linalg.norm(out, axis=0), 1)
    moved = np.linalg.qr(basis + _RATE * out)[0]
    return np.asarray(moved @ _turn(moved, basis), np.float64)


def _turn(basis: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3): the rotation that brings a basis nearest to another (orthogonal Procrustes)."""
    left, _, right = np.linalg.svd(basis.T @ target)
    return np.asarray(left @ right, np.float64)


def colour_picture(grids: Sequence[int], frames: Iterable[tuple[NDArray[np.int64], Colours]]) -> Colours:
    """A small picture of cells in their colours; where there is none it is transparent.

    Args:
        grids: cells per side of each scale, coarse to fine.
        frames: of each frame, oldest first, the ids of its patches and their colours. Newer ones cover older
            ones, and in a frame finer ones coarser ones.

    Returns:
        (S, S, 4) uint8 RGBA, S the smallest side that all grids divide.

    Examples:
        >>> picture = colour_picture([1, 2], [(np.array([1, 0]), np.array([[9, 9, 9], [5, 5, 5]], np.uint8))])
        >>> picture[..., 0].tolist(), picture[..., 3].tolist()
        ([[9, 5], [5, 5]], [[255, 255], [255, 255]])
    """
    side = int(np.lcm.reduce(np.array(grids, np.int64)))
    picture = np.zeros((side, side, 4), np.uint8)
    layout = ScaleLayout(tuple(grids))
    for ids, colours in frames:
        cells = layout.cells(ids)
        for grid in sorted(set(cells.grid.tolist())):
            blocks = picture.reshape(grid, side // grid, grid, side // grid, 4)
            at = np.flatnonzero(cells.grid == grid)
            rows, cols = cells.row[at], cells.col[at]
            blocks[rows, :, cols, :, :3] = colours[at][:, None, None]
            blocks[rows, :, cols, :, 3] = 255
    return picture
