"""What generation asks for and what it returns: runs of a graph, and the gaze of a frame."""

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
        feeds: the graph's other inputs by name. The arrays are not written to after the run was yielded,
            except ``context_bias``.
        positions: (R,) the position of each row fed, for tests and traces.
    """

    graph: str
    steps: int
    capacity: int
    copies: tuple[Copy, ...]
    feeds: dict[str, NDArray[np.generic]]
    positions: NDArray[np.int64]


@dataclass(frozen=True)
class FrameGaze:
    """What one frame's generation chose: parallel arrays of length n, in order of choice.

    Attributes:
        tokens: (n,) int32 ids 0 .. N - 1, N for a pad.
        padded: (n,) bool, whether a slot is a pad.
        task_loss: (n,) float32, the task loss predicted for each slot.
        confidence: (n,) float32, the softmax probability of each token among those its head could still
            choose; 0 for a pad.
        steps: decoder steps that the frame took, 1 or more.
    """

    tokens: NDArray[np.int32]
    padded: NDArray[np.bool_]
    task_loss: FloatArray
    confidence: FloatArray
    steps: int
