"""Fixations as points, the form in which other tools store them: a centre, two sides, a confidence.

Points are floats. Cell edges computed from them are slightly off, which can add or drop a row of pixels.
Therefore a point that matches a cell of a grid becomes exactly that cell.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..limits import MAX_PARTS
from .fixations import Fixations

# Points that match no cell of a grid become fractions with this denominator.
FREE_PARTS = 1 << 20

# How far, in cells, a point may be from a cell's centre and sides. On a 14x14 grid float16 is within 7e-3.
CELL_TOLERANCE = 1e-2
MIN_SIDE = 1e-6


def centres_and_sides(fixations: Fixations) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres (N, 2: y, x) and sides (N, 2: height, width), as fractions of the frame."""
    centre = (fixations.start + fixations.end) / (2 * fixations.parts)
    return centre, (fixations.end - fixations.start) / fixations.parts


def fixations_of_points(
    centre: NDArray[Any], sides: NDArray[Any], confidence: NDArray[Any], grid: NDArray[Any] | None = None
) -> Fixations:
    """Fixations from points.

    Args:
        centre: (N, 2) of y, x, clamped to 0 .. 1.
        sides: (N, 2) of height, width, clamped to 1e-6 .. 1.
        confidence: (N,).
        grid: (N,), the scales in cells per side; by default how often the longer side fits into the frame.

    Raises:
        ValueError: if a centre or side is not a finite number.
    """
    centre, sides = centre.astype(np.float64).reshape(-1, 2), sides.astype(np.float64).reshape(-1, 2)
    if not (np.isfinite(centre).all() and np.isfinite(sides).all()):
        raise ValueError("centres and sides of points are finite numbers, got NaN or infinity")
    centre, sides = np.clip(centre, 0, 1), np.clip(sides, MIN_SIDE, 1)
    parts = np.rint(1 / sides)
    cell = np.rint(centre * parts - 0.5)
    is_cell = (np.abs(sides * parts - 1) < CELL_TOLERANCE) & (cell >= 0) & (cell < parts)
    is_cell &= np.abs(centre * parts - 0.5 - cell) < CELL_TOLERANCE
    free_start = np.clip(np.rint((centre - sides / 2) * FREE_PARTS), 0, FREE_PARTS - 1)
    free_end = np.clip(np.rint((centre + sides / 2) * FREE_PARTS), free_start + 1, FREE_PARTS)
    if grid is None:
        grid = np.rint(1 / sides.max(axis=1, initial=MIN_SIDE))
    if (grid < 1).any():
        raise ValueError(f"a grid has at least 1 cell per side, got {int(grid.min())}")
    return Fixations(
        np.where(is_cell, cell, free_start).astype(np.int64),
        np.where(is_cell, cell + 1, free_end).astype(np.int64),
        np.where(is_cell, parts, FREE_PARTS).astype(np.int64),
        grid.astype(np.int32),
        confidence.astype(np.float32),
    )


def fixations_of_edges(edges: NDArray[Any], grid: NDArray[Any], confidence: NDArray[Any]) -> Fixations:
    """Fixations from exact edges (N, 6): start, end and parts, each for rows and columns.

    Raises:
        ValueError: if an edge is out of order or beyond the frame, or a grid is below 1.
    """
    edges = edges.astype(np.int64).reshape(-1, 6)
    start, end, parts = edges[:, :2], edges[:, 2:4], edges[:, 4:]
    if ((parts < 1) | (start < 0) | (start >= parts) | (end <= start)).any():
        raise ValueError("exact edges have 0 <= start < parts and start < end: this trace is damaged")
    if ((parts > MAX_PARTS) | (end > MAX_PARTS)).any():
        raise ValueError(f"exact edges are fractions with at most {MAX_PARTS} parts: this trace is damaged")
    if ((grid < 1) | (grid > np.iinfo(np.int32).max)).any():
        raise ValueError(f"a grid has at least 1 cell per side, got {int(grid.min())}")
    return Fixations(start, end, parts, grid.astype(np.int32), confidence.astype(np.float32))
