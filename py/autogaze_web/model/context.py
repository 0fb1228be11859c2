"""Which rows of the context are in use, and which of those a query may see."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

HIDDEN = -1e30
"""Added to a score it hides a key, to a logit a token: far below any value, and finite, so never a NaN."""


class ContextFullError(ValueError):
    """More rows are wanted than a context of fixed capacity has."""


@dataclass(frozen=True)
class Copy:
    """``count`` rows to copy from row ``source`` of a run's new keys and values to context row ``row``."""

    source: int
    count: int
    row: int


class ContextRows:
    """Book-keeping of context rows; the keys and values themselves lie with whoever runs the graph.

    Rows never move. New rows go to free ones, searched onwards from the last row given out and around the
    end, so that with first-in-first-out release a frame's rows nearly always lie side by side. The order of
    rows means nothing to attention: positions are in the keys.

    Attributes:
        bias: (1, capacity) float32, 0 where a row may be seen and `HIDDEN` elsewhere.
    """

    def __init__(self, capacity: int, growth: int = 0) -> None:
        """Args:
        capacity: rows at the start, at least 1.
        growth: rows to add when more are needed; 0 keeps the capacity fixed.
        """
        self.bias: NDArray[np.float32] = np.full((1, capacity), HIDDEN, np.float32)
        self._used = np.zeros(capacity, bool)
        self._growth = growth
        self._next = 0

    @property
    def capacity(self) -> int:
        """Rows there are, in use or not."""
        return int(self._used.size)

    def copy(self) -> ContextRows:
        """Rows in the same state that can be changed by themselves."""
        other = ContextRows(1, self._growth)
        other.bias, other._used, other._next = self.bias.copy(), self._used.copy(), self._next
        return other

    def frozen(self) -> ContextRows:
        """These rows, from now on unchangeable; a copy can be changed."""
        self.bias.flags.writeable = self._used.flags.writeable = False
        return self

    def place(self, visible: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Takes a row for each entry of ``visible`` into use; see `copies_to` for filling them.

        Args:
            visible: (n,) whether each row may be seen.

        Returns:
            (n,) the rows.

        Raises:
            ContextFullError: if the capacity is fixed and too small.
        """
        count = int(visible.size)
        free = np.flatnonzero(~self._used)
        if free.size < count:
            self._grow(count - int(free.size))
            free = np.flatnonzero(~self._used)
        start = int(np.searchsorted(free, self._next))
        rows = np.concatenate([free[start : start + count], free[: max(0, start + count - free.size)]])
        self._used[rows] = True
        self.bias[0, rows] = np.where(visible, 0.0, HIDDEN)
        if count:
            self._next = int(rows[-1]) + 1
        return rows

    def hide(self, rows: NDArray[np.intp]) -> None:
        """Keeps rows in use but out of sight."""
        self.bias[0, rows] = HIDDEN

    def release(self, rows: NDArray[np.intp]) -> None:
        """Frees rows for new ones."""
        self._used[rows] = False
        self.bias[0, rows] = HIDDEN

    def _grow(self, missing: int) -> None:
        if not self._growth:
            raise ContextFullError(
                f"the context has {self.capacity} rows and needs {missing} more: "
                "use a graph with a larger capacity, a smaller window or a smaller budget"
            )
        added = -(-missing // self._growth) * self._growth
        self.bias = np.concatenate([self.bias, np.full((1, added), HIDDEN, np.float32)], axis=1)
        self._used = np.concatenate([self._used, np.zeros(added, bool)])


def copies_to(rows: NDArray[np.intp], sources: NDArray[np.intp]) -> tuple[Copy, ...]:
    """The copies that fill context rows from rows of a run, as few as possible; both (n,)."""
    if not rows.size:
        return ()
    breaks = (rows[1:] != rows[:-1] + 1) | (sources[1:] != sources[:-1] + 1)
    starts = [0, *(np.flatnonzero(breaks) + 1).tolist(), rows.size]
    return tuple(Copy(int(sources[a]), b - a, int(rows[a])) for a, b in pairwise(starts))
