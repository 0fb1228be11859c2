"""What an update plan does to pixels, in two ways with one result.

*Sparse*: rectangle by rectangle, which costs as much as the pixels and a little for each rectangle.
*Dense*: the whole frame through a mask, whatever the plan. Which is faster depends on how many pixels there
are for each rectangle; ``python tests/bench/crossover.py`` measures where they meet.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import changes
from .frames import Rgba, words
from .packed import BlendWeights, blend, both_lanes
from .update_plan import UpdatePlan

WHITE = 255

# Plans with fewer pixels of the frame for each rectangle are dense.
DENSE_BELOW = 2500

# Rows that are blended at once, which bounds the memory.
_ROWS = 64


def is_dense(plan: UpdatePlan) -> bool:
    """Whether the plan has so many rectangles that the whole frame is less work."""
    return int(plan.lattice.rows[-1]) * int(plan.lattice.columns[-1]) < DENSE_BELOW * len(plan.rectangles)


def copy_plan(output: Rgba, frame: Rgba, plan: UpdatePlan) -> None:
    """Copies the planned pixels of a frame into the output."""
    (copy_dense if is_dense(plan) else copy_sparse)(output, frame, plan)


def copy_sparse(output: Rgba, frame: Rgba, plan: UpdatePlan) -> None:
    """``copy_plan`` by rectangles."""
    for y0, x0, y1, x1 in plan.rectangles.tolist():
        output[y0:y1, x0:x1] = frame[y0:y1, x0:x1]


def copy_dense(output: Rgba, frame: Rgba, plan: UpdatePlan) -> None:
    """``copy_plan`` through a mask."""
    np.copyto(_whole(output), _whole(frame), where=plan.pixels())


def lighten_plan(output: Rgba, frame: Rgba, plan: UpdatePlan, alpha: float) -> None:
    """Writes the planned pixels, blended with white by alpha, into the output."""
    (lighten_dense if is_dense(plan) else lighten_sparse)(output, frame, plan, alpha)


def lighten_sparse(output: Rgba, frame: Rgba, plan: UpdatePlan, alpha: float) -> None:
    """``lighten_plan`` by rectangles."""
    weights, white = _white(alpha)
    source = words(frame)
    for y0, x0, y1, x1 in plan.rectangles.tolist():
        first = x0 // 2
        mixed = blend(source[y0:y1, first : -(-x1 // 2)], white, weights).view(np.uint8)
        mixed = mixed.reshape(y1 - y0, -1, 4)
        output[y0:y1, x0:x1] = mixed[:, x0 - 2 * first : x1 - 2 * first]


def lighten_dense(output: Rgba, frame: Rgba, plan: UpdatePlan, alpha: float) -> None:
    """``lighten_plan`` through a mask."""
    weights, white = _white(alpha)
    source, target, mask = words(frame), _whole(output), plan.pixels()
    for y in range(0, len(source), _ROWS):
        rows = slice(y, y + _ROWS)
        mixed = blend(source[rows], white, weights).view(np.uint32)
        np.copyto(target[rows], mixed[:, : target.shape[1]], where=mask[rows])


def covered_blocks(plan: UpdatePlan) -> tuple[changes.BlockFlags, changes.BlockFlags]:
    """Which blocks (``changes.block_grid``) a plan touches, and which of them hold no other pixels.

    By rectangles a block that two of them share may count as not covered as a whole.
    """
    return (covered_blocks_dense if is_dense(plan) else covered_blocks_sparse)(plan)


def covered_blocks_sparse(plan: UpdatePlan) -> tuple[changes.BlockFlags, changes.BlockFlags]:
    """``covered_blocks`` by rectangles."""
    rows, pixels = changes.BLOCK_ROWS, 2 * changes.BLOCK_WORDS
    height, width = int(plan.lattice.rows[-1]), int(plan.lattice.columns[-1])
    grid = (-(-height // rows), -(-width // pixels))
    touched, inside = np.zeros(grid, np.bool_), np.zeros(grid, np.bool_)
    for y0, x0, y1, x1 in plan.rectangles.tolist():
        touched[y0 // rows : -(-y1 // rows), x0 // pixels : -(-x1 // pixels)] = True
        last_row = grid[0] if y1 == height else y1 // rows
        last_column = grid[1] if x1 == width else x1 // pixels
        inside[-(-y0 // rows) : last_row, -(-x0 // pixels) : last_column] = True
    return touched, inside


def covered_blocks_dense(plan: UpdatePlan) -> tuple[changes.BlockFlags, changes.BlockFlags]:
    """``covered_blocks`` from the lattice: exactly."""
    return _blocks(plan, True), ~_blocks(plan, False)


def _blocks(plan: UpdatePlan, covered: bool) -> changes.BlockFlags:
    """Blocks with any pixel that is, or is not, covered."""
    lattice, atoms = plan.lattice, plan.covered if covered else ~plan.covered
    for axis, (lines, size) in enumerate(
        ((lattice.rows, changes.BLOCK_ROWS), (lattice.columns, 2 * changes.BLOCK_WORDS))
    ):
        # Each atom of the axis is cut at the blocks' edges; every piece is in one block then.
        edges = np.union1d(lines, np.arange(0, int(lines[-1]), size))[:-1]
        pieces = np.take(atoms, np.searchsorted(lines, edges, side="right") - 1, axis=axis)
        atoms = np.logical_or.reduceat(pieces, np.flatnonzero(edges % size == 0), axis=axis)
    return atoms


def _white(alpha: float) -> tuple[BlendWeights, NDArray[np.uint64]]:
    weights = BlendWeights.of(alpha)
    return weights, both_lanes(weights.addend([WHITE] * 3)).reshape(3, 1, 1)


def _whole(image: Rgba) -> NDArray[np.uint32]:
    """(H, W): the pixels as whole numbers."""
    return image.view(np.uint32)[..., 0]
