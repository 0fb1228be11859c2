"""What generation asks for and is sent: runs of a graph, and what they decided."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .context import Copy

FloatArray = NDArray[np.float32]
Decisions = FloatArray
"""(3,S,K): token ids, task-loss predictions and confidences of the S steps of a run."""


class NotFiniteError(ValueError):
    """The model computed NaN or infinity, or what follows from numbers that overflow."""


@dataclass(frozen=True)
class Run:
    """One run of a graph.

    To execute it: grow the video's context to ``capacity`` rows if it is smaller; copy rows from the new keys
    and values of this video's *previous* run into the context, as ``copies`` say; run the graph with
    ``feeds``, the context and, for a frame, the trunk's past; keep its new keys and values for the next run;
    send back its decisions.

    Attributes:
        graph: ``frame`` or ``steps``.
        steps: S of the graph to run, one of those that the video was told of.
        capacity: rows of the context.
        copies: rows to copy first.
        feeds: the graph's other inputs by name. Runs of several videos may share arrays: never write to them.
        positions: (R,) the position of each row fed, for tests and traces.
    """

    graph: str
    steps: int
    capacity: int
    copies: tuple[Copy, ...]
    feeds: dict[str, NDArray[np.generic]]
    positions: NDArray[np.int64]
