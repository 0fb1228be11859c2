"""The choice of one frame as columns of plain numbers, for JavaScript and other programs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..masks.choice import Choice, Description
from ..masks.fixations import Fixations
from ..masks.points import centres_and_sides
from ..options import REALTIME
from ..tiles.tiling import Tiling

# What a pad's columns hold, as in other AutoGaze tools: an invisible point in the middle.
_PAD_CENTRE, _PAD_SIDE = 0.5, 0.25


def scales_of(source: Description, height: int, width: int) -> list[dict[str, int | None]]:
    """The scales of a mask source in frames of ``height x width`` pixels, coarse to fine.

    Returns:
        Of each scale its ``grid``, cells per side (of a tile), and the ``rows`` and ``columns`` of its cells
        over the whole frame; None where tiles may overlap and their cells share no grid.
    """
    mode, grids = source.get("mode", REALTIME), source["grids"]
    if mode == "full-resolution":
        return [{"grid": grid, "rows": None, "columns": None} for grid in grids]
    rows = columns = 1
    if mode != REALTIME:
        tiling = Tiling.anyres(height, width, source["tile"])
        rows, columns = tiling.rows, tiling.columns
    return [{"grid": grid, "rows": grid * rows, "columns": grid * columns} for grid in grids]


def frame_points(choice: Choice, source: Description, height: int, width: int) -> dict[str, Any]:
    """Scales and points of a frame of ``height x width`` pixels.

    Args:
        choice: what ``source`` chose of the frame.

    Returns:
        ``scales``: see `scales_of`.
        ``points``: lists in the order of choice, with an entry for each slot or, without slots, each cell.
            ``x``, ``y``, ``width``, ``height`` are the centre and sides as shares of the frame; ``left``,
            ``top``, ``right``, ``bottom`` its pixels, ends exclusive; ``grid`` its scale; ``row`` and
            ``column`` its place among the scale's cells, -1 where these share no grid; ``token`` its id;
            ``confidence``; ``taskLoss``, None where it is not known. A pad has ``padded`` True, confidence 0
            and token -1.
    """
    cells = Fixations.of(choice.cells)
    padded = np.zeros(len(cells), np.bool_) if choice.slots is None else choice.slots
    real = np.flatnonzero(~padded)

    def column(values: Any, pad: float = 0) -> list[Any]:
        column = np.full(padded.size, pad, np.asarray(values).dtype)
        column[real] = values
        return list(column.tolist())

    centre, sides = centres_and_sides(cells)
    boxes = cells.rectangles(height, width)
    on_grid = (cells.end - cells.start == 1).all(axis=1)
    place = np.where(on_grid[:, None], cells.start, -1)
    points = {
        "token": column(choice.tokens, -1),
        "padded": padded.tolist(),
        "confidence": column(cells.confidence),
        "taskLoss": [None] * padded.size if choice.task_loss is None else choice.task_loss.tolist(),
        "grid": column(cells.grid),
        "row": column(place[:, 0], -1),
        "column": column(place[:, 1], -1),
        "x": column(centre[:, 1], _PAD_CENTRE),
        "y": column(centre[:, 0], _PAD_CENTRE),
        "width": column(sides[:, 1], _PAD_SIDE),
        "height": column(sides[:, 0], _PAD_SIDE),
        "top": column(boxes[:, 0]),
        "left": column(boxes[:, 1]),
        "bottom": column(boxes[:, 2]),
        "right": column(boxes[:, 3]),
    }
    return {"scales": scales_of(source, height, width), "points": points}
