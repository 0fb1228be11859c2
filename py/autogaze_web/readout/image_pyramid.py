"""Masked image pyramids: an image pooled to several grids, each cell weighted by how much of it is gazed at.

This is a simple input for models that do not know AutoGaze: few tokens, those with the most gaze first.
Images are (B, C, H, W), masks (B, 1, H, W).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..masks.cells import Cells, cell_edges
from ..masks.fixations import Fixations
from ..masks.update_plan import Lattice
from .token_grids import ImageGrid

Floats = NDArray[np.float32]


def image_mask(frames: Sequence[Cells | Fixations], height: int, width: int) -> Floats:
    """Masks that are 1 inside the fixations of a frame and 0 elsewhere.

    Returns:
        (B, 1, height, width) float32.
    """
    masks = np.zeros((len(frames), 1, height, width), np.float32)
    for mask, frame in zip(masks, frames, strict=True):
        rectangles = Fixations.of(frame).visible().rectangles(height, width)
        lattice = Lattice.of(rectangles, height, width)
        covered = lattice.covered(rectangles)
        mask[0] = covered.repeat(np.diff(lattice.rows), axis=0).repeat(np.diff(lattice.columns), axis=1)
    return masks


def apply_image_mask(image: Floats, mask: Floats, fill: float = 0.0) -> Floats:
    """``image * mask + fill * (1 - mask)``.

    Args:
        image: (B, C, H, W).
        mask: (B or 1, any channels, any height, any width), 0 .. 1; its channels are averaged, and its pixels
            are repeated to the image's size (nearest neighbour).
        fill: value of the image where the mask is 0.

    Raises:
        ValueError: if a rank is not 4 or the batch sizes do not match.
    """
    image, mask = _batch_of("image", image), _batch_of("mask", mask)
    if len(mask) not in (1, len(image)):
        raise ValueError(f"{len(image)} images need as many masks or a single one, got {len(mask)}")
    weight = mask.mean(axis=1, keepdims=True)
    rows = np.arange(image.shape[2]) * mask.shape[2] // image.shape[2]
    columns = np.arange(image.shape[3]) * mask.shape[3] // image.shape[3]
    weight = weight[:, :, rows[:, None], columns]
    return np.asarray(image * weight + fill * (1 - weight), np.float32)


@dataclass(frozen=True)
class PyramidLevel:
    """The mask's coverage of the cells of one grid.

    Attributes:
        grid: the cells.
        density: (B, height, width) float32, fraction of each cell that the mask covers, 0 .. 1.
        active: (B, height, width) bool, whether the density exceeds the threshold.
    """

    grid: ImageGrid
    density: Floats
    active: NDArray[np.bool_]


def pyramid_masks(mask: Floats, grids: Sequence[ImageGrid], threshold: float = 0.0) -> list[PyramidLevel]:
    """The coverage of several grids by a mask (B, any channels, H, W)."""
    weight = _batch_of("mask", mask).mean(axis=1, keepdims=True)
    densities = [(grid, adaptive_average_pool(weight, grid)[:, 0]) for grid in grids]
    return [PyramidLevel(grid, density, density > threshold) for grid, density in densities]


@dataclass(frozen=True)
class PyramidTokens:
    """The tokens of a pyramid, level after level.

    Attributes:
        tokens: (B, N, C) float32, the mean colour of each cell times its weight.
        weights: (B, N, 1) float32, the density of each cell, or 0 if it is not active.
        levels: start and end of each level's tokens within N.
        indices: (B, N) int64, index of each token in the whole pyramid.
    """

    tokens: Floats
    weights: Floats
    levels: list[tuple[int, int]]
    indices: NDArray[np.int64]


def pyramid_tokens(
    image: Floats, mask: Floats, grids: Sequence[ImageGrid], threshold: float = 0.0
) -> PyramidTokens:
    """The cells of several grids of an image as tokens, weighted by a mask.

    Args:
        image: (B, C, H, W).
        mask: (B, any channels, any height, any width), 0 .. 1.
        grids: the levels, at least one.
        threshold: cells with this density or less get the weight 0.

    Raises:
        ValueError: if there is no level, a rank is not 4 or the batch sizes differ.
    """
    image, mask = _batch_of("image", image), _batch_of("mask", mask)
    if len(image) != len(mask):
        raise ValueError(f"each of {len(image)} images needs a mask of its own, got {len(mask)}")
    if not grids:
        raise ValueError("a pyramid has at least one level: give one grid or more")
    tokens, weights, levels, start = [], [], [], 0
    for level in pyramid_masks(mask, grids, threshold):
        weight = (level.density * level.active).reshape(len(image), -1, 1)
        pooled = adaptive_average_pool(image, level.grid)
        tokens.append(pooled.reshape(*image.shape[:2], -1).transpose(0, 2, 1) * weight)
        weights.append(weight)
        levels.append((start, start + len(level.grid)))
        start += len(level.grid)
    indices = np.tile(np.arange(start), (len(image), 1))
    return PyramidTokens(np.concatenate(tokens, axis=1), np.concatenate(weights, axis=1), levels, indices)


def sparsify(pyramid: PyramidTokens, max_tokens: int) -> PyramidTokens:
    """The tokens of each image with the largest weights, largest first, ties in the pyramid's order.

    Args:
        pyramid: the tokens.
        max_tokens: number of tokens to return; clamped to 1 .. N.

    Returns:
        The selected tokens, with empty ``levels``.
    """
    count = min(max(max_tokens, 1), pyramid.weights.shape[1])
    order = np.argsort(-pyramid.weights[..., 0], axis=1, kind="stable")[:, :count]
    return PyramidTokens(
        np.take_along_axis(pyramid.tokens, order[..., None], axis=1),
        np.take_along_axis(pyramid.weights, order[..., None], axis=1),
        [],
        np.take_along_axis(pyramid.indices, order, axis=1),
    )


def adaptive_average_pool(image: Floats, grid: ImageGrid) -> Floats:
    """Means over the cells of a grid, whose edges are those of ``cell_edges``.

    Args:
        image: (B, C, H, W).

    Returns:
        (B, C, grid.height, grid.width) float32.
    """
    sums, area = np.asarray(image, np.float64), np.ones((1, 1), np.int64)
    for axis, cells in ((2, grid.height), (3, grid.width)):
        start, end = cell_edges(cells, image.shape[axis])
        running = np.insert(np.cumsum(sums, axis=axis), 0, 0, axis=axis)
        sums = np.take(running, end, axis=axis) - np.take(running, start, axis=axis)
        length = (end - start).astype(np.int64)
        area = area * (length[:, None] if axis == 2 else length)
    # A single division at the end: sums of a mask of 0 and 1 are exact, and an empty cell is exactly 0.
    return np.asarray(sums / area, np.float32)


def _batch_of(name: str, images: Floats) -> Floats:
    images = np.asarray(images, np.float32)
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(
            f"the {name} is (batch, channels, height, width), none of them 0, got {images.shape}"
        )
    return images
