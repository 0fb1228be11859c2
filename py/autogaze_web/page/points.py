"""What was chosen of one frame, as columns of plain numbers for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..live.record import Chosen
from ..masks.cells import Cells
from ..masks.fixations import Fixations
from ..masks.points import centres_and_sides
from ..model.gaze import Gaze

# What a pad's columns hold, as other tools have it: a point in the middle that nobody can see.
_PAD_CENTRE, _PAD_SIDE = 0.5, 0.25


@dataclass(frozen=True)
class Scale:
    """One of a mask source's scales.

    Attributes:
        grid: cells per side (of a tile).
        rows, columns: of its cells over the whole frame; None where these are on no common grid.
    """

    grid: int
    rows: int | None
    columns: int | None

    @staticmethod
    def of(grid: int, tiles: tuple[int, int] | None = (1, 1)) -> Scale:
        """A scale of so many rows and columns of tiles, or of tiles on no common grid."""
        return Scale(grid, None, None) if tiles is None else Scale(grid, grid * tiles[0], grid * tiles[1])


@dataclass(frozen=True)
class Choice:
    """What a mask source chose of a frame.

    Attributes:
        cells: in order of choice.
        tokens: (N,) the cells' ids in their source's numbering.
        scales: that the source has, coarse to fine.
        padded: slots in which the model chose to stop.
        steps: decoder steps.
        slots: (S,) bool, which slots are pads, in order; None where their order is not known.
        task_loss: (S,) float32, the loss predicted with each slot; None without.
    """

    cells: Cells | Fixations
    tokens: NDArray[np.int64]
    scales: Sequence[Scale]
    padded: int = 0
    steps: int = 0
    slots: NDArray[np.bool_] | None = None
    task_loss: NDArray[np.float32] | None = None

    @staticmethod
    def by_patch_diff(cells: Cells | Fixations, grid: int) -> Choice:
        """Of one grid, numbered row by row."""
        return Choice(cells, Chosen.by_patch_diff(cells).tokens, [Scale.of(grid)])

    @staticmethod
    def by_gaze(gaze: Gaze, grids: Sequence[int]) -> Choice:
        """Of a gaze at one frame."""
        slots = gaze.if_padded_gazing[0]
        return Choice(
            gaze.cells(),
            gaze.gazing_pos[0][~slots],
            [Scale.of(grid) for grid in grids],
            int(slots.sum()),
            int(gaze.decoder_steps_each_frame[0]),
            slots,
            None if gaze.task_loss_prediction is None else gaze.task_loss_prediction[0],
        )


def frame_points(choice: Choice, height: int, width: int) -> dict[str, Any]:
    """Scales and points of a frame of ``height x width`` pixels.

    Returns:
        ``scales``: of each `Scale` its fields.
        ``points``: columns, as lists in the order of choice, of the slots or else of the cells. ``x``, ``y``,
            ``width``, ``height`` are the centre and sides as shares of the frame; ``left``, ``top``,
            ``right``, ``bottom`` its pixels, ends exclusive; ``grid`` its scale; ``row`` and ``column`` its
            place among the scale's cells, -1 where these are on no common grid; ``token`` its id;
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
    return {"scales": [asdict(scale) for scale in choice.scales], "points": points}
