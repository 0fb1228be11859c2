"""What was chosen of one frame: the same for patch-diff, AutoGaze, and AutoGaze in tiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..limits import expect
from .cells import Cells
from .fixations import Fixations

Description = dict[str, Any]
"""A mask source and its settings as a trace has them (``docs/trace.md``); ``grids`` are its scales."""


@dataclass(frozen=True)
class Choice:
    """The cells that a mask source chose of a frame.

    Attributes:
        cells: N of them, in the order of choice; fixations where they come from tiles.
        tokens: (N,) int64, the cells' ids in their source's numbering.
        padded: number of slots in which the model chose to stop; 0 for other sources.
        steps: decoder steps; 0 for other sources.
        slots: (S,) bool, which slots are padding, in the order of choice; None if that order is not known.
        task_loss: (S,) float32, the task loss predicted for each slot; None if there is no prediction.

    Examples:
        >>> from autogaze_web import Cells, Choice
        >>> Choice.of(Cells.of(grid=14, row=[0, 2], col=[3, 1])).tokens.tolist()
        [3, 29]
        >>> choice = model({"video": video}).choice(frame=1)
        >>> len(choice.tokens) == len(choice.cells), choice.steps > 0
        (True, True)
    """

    cells: Cells | Fixations
    tokens: NDArray[np.int64]
    padded: int = 0
    steps: int = 0
    slots: NDArray[np.bool_] | None = None
    task_loss: NDArray[np.float32] | None = None

    @staticmethod
    def of(cells: Cells | Fixations, padded: int = 0, steps: int = 0) -> Choice:
        """A choice of cells that have no ids of their own.

        A cell's id is ``row * grid + column``; fixations are numbered consecutively.

        >>> Choice.of(Cells.of(14, [0, 2], [3, 1])).tokens.tolist()
        [3, 29]
        """
        expect(cells, (Cells, Fixations), "the cells")
        if isinstance(cells, Fixations):
            return Choice(cells, np.arange(len(cells), dtype=np.int64), padded, steps)
        return Choice(cells, cells.row.astype(np.int64) * cells.grid + cells.col, padded, steps)

    @staticmethod
    def none() -> Choice:
        """No cells at all."""
        return Choice.of(Cells.none())
