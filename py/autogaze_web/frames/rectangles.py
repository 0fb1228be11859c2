"""Boolean tables as rectangles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def rectangles_of(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Disjoint rectangles that hold every True of a table (R, C) and nothing else.

    Runs of True along the rows; where neighbouring rows are equal, theirs become one.

    Returns:
        (M, 4) of first row, first column, end row, end column, in reading order.
    """
    new_row = np.ones(flags.shape[0], np.bool_)
    new_row[1:] = (flags[1:] != flags[:-1]).any(axis=1)
    first = np.flatnonzero(new_row)
    end = np.append(first[1:], flags.shape[0])
    steps = np.diff(flags[first].astype(np.int8), axis=1, prepend=0, append=0)
    row, start = np.nonzero(steps == 1)
    _, stop = np.nonzero(steps == -1)
    return np.stack([first[row], start, end[row], stop], axis=-1)
