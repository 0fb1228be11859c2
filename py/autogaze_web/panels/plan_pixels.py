"""What an update plan does to pixels, in two ways with one result.

*Sparse*: rectangle by rectangle, which costs as much as the pixels and a little for each rectangle.
*Dense*: the whole frame through a mask, whatever the plan. Which is faster depends on how many pixels there
are for each rectangle; ``python tests/bench/crossover.py`` measures where they meet.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..frames import changes
from ..frames.rgba import Rgba, words
from ..frames.words import BlendWeights, blend, both_lanes
from ..masks.cells import IntArray
from ..masks.update_plan import UpdatePlan, bands

WHITE = 255

# Plans with fewer pixels of the frame for each rectangle are dense: to copy them, and to blend them.
DENSE_BELOW, DENSE_BLEND_BELOW = 2500, 6000


def is_dense(plan: UpdatePlan, blended: bool = False) -> bool:
    """Whether the plan has so many rectangles that the whole frame is less work to copy, or to blend."""
    limit = DENSE_BLEND_BELOW if blended else DENSE_BELOW
    return int(plan.lattice.rows[-1]) * int(plan.lattice.columns[-1]) < limit * len(plan.rectangles)


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
    (lighten_dense if is_dense(plan, blended=True) else lighten_sparse)(output, frame, plan, alpha)


def lighten_sparse(output: Rgba, frame: Rgba, plan: UpdatePlan, alpha: float) -> None:
    """``lighten_plan`` by rectangles."""
    weights, white = _white(alpha)
    source = words(frame)
    target = _whole(output)
    for rectangle in plan.rectangles.tolist():
        for y0, x0, y1, x1 in bands(rectangle):
            mixed = blend(source[y0:y1, x0 // 2 : -(-x1 // 2)], white, weights).view(np.uint32)
            target[y0:y1, x0:x1] = mixed[:, x0 % 2 : x0 % 2 + x1 - x0]


def lighten_dense(output: Rgba, frame: Rgba, plan: UpdatePlan, alpha: float) -> None:
    """``lighten_plan`` through a mask."""
    weights, white = _white(alpha)
    source, target, mask = words(frame), _whole(output), plan.pixels()
    for y0, _, y1, _ in bands((0, 0, *frame.shape[:2])):
        rows = slice(y0, y1)
        mixed = blend(source[rows], white, weights).view(np.uint32)
        np.copyto(target[rows], mixed[:, : target.shape[1]], where=mask[rows])


def covered_blocks(plan: UpdatePlan) -> tuple[changes.BlockFlags, changes.BlockFlags]:
    """Which blocks (``changes.block_grid``) a plan touches, and which of them hold no other pixels."""
    rows, columns = plan.lattice.rows, plan.lattice.columns
    y, x, area = _block_edges(int(rows[-1]), int(columns[-1]))
    heights = _sums_between(y, plan.covered.T, rows).T
    pixels = _sums_between(x, heights, columns)
    return pixels > 0, pixels == area


@lru_cache(maxsize=8)
def _block_edges(height: int, width: int) -> tuple[IntArray, IntArray, IntArray]:
    """A frame's blocks: their edges along both axes, and how many pixels each of them has."""
    y, x = (
        np.minimum(np.arange(0, extent + size, size, dtype=np.int32), extent)
        for extent, size in ((height, changes.BLOCK_ROWS), (width, 2 * changes.BLOCK_WORDS))
    )
    return y, x, np.multiply.outer(np.diff(y), np.diff(x))


def _sums_between(edges: IntArray, values: NDArray[Any], lines: IntArray) -> IntArray:
    """Sums over the pixels between neighbouring edges, (N, edges - 1), of what has one value for each atom.

    Args:
        edges: ascending, from the first to the last line.
        values: (N, A) of the atoms between the A + 1 lines.
        lines: of a lattice.
    """
    before = np.zeros((len(values), len(lines)), np.int32)
    np.cumsum(values * (lines[1:] - lines[:-1]), axis=1, out=before[:, 1:])
    atom = np.searchsorted(lines[1:-1], edges, side="right")
    up_to: IntArray = before[:, atom] + values[:, atom] * (edges - lines[atom])
    return up_to[:, 1:] - up_to[:, :-1]


def _white(alpha: float) -> tuple[BlendWeights, NDArray[np.uint64]]:
    weights = BlendWeights.of(alpha)
    return weights, both_lanes(weights.addend([WHITE] * 3)).reshape(3, 1, 1)


def _whole(image: Rgba) -> NDArray[np.uint32]:
    """(H, W): the pixels as whole numbers."""
    return image.view(np.uint32)[..., 0]
