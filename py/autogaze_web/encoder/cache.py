"""The keys and values of a video's earlier rows, which the encoder's graph takes as inputs."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .config import SiglipConfig

Arrays = dict[str, NDArray[Any]]
Integers = NDArray[np.int64]


class RowCache(Protocol):
    """Cached rows of all layers, in the order in which they were appended."""

    def inputs(self) -> Arrays:
        """Inputs of the graph's next run; empty if the cache lies where the graph runs."""

    def append(self, outputs: Arrays, rows: Integers) -> None:
        """Appends rows (k,) of the last run, given that run's outputs."""

    def drop(self, count: int) -> None:
        """Drops the oldest rows."""


class ArrayCache:
    """A cache in arrays: ``past_key_l`` and ``past_value_l`` (heads, 1 + rows, d); the first row is zero."""

    def __init__(self, config: SiglipConfig) -> None:
        empty = np.zeros((config.num_attention_heads, 1, config.head_dim), np.float32)
        names = (f"{kind}_{i}" for kind in ("key", "value") for i in range(config.num_hidden_layers))
        self._arrays: Arrays = dict.fromkeys(names, empty)

    def inputs(self) -> Arrays:
        """See `RowCache`."""
        return {f"past_{name}": array for name, array in self._arrays.items()}

    def append(self, outputs: Arrays, rows: Integers) -> None:
        """See `RowCache`."""
        for name, past in self._arrays.items():
            self._arrays[name] = np.concatenate([past, outputs[f"new_{name}"][:, rows]], axis=1)

    def drop(self, count: int) -> None:
        """See `RowCache`."""
        for name, past in self._arrays.items():
            self._arrays[name] = np.delete(past, np.s_[1 : 1 + count], axis=1)


class DistantCache:
    """A cache that lies where the graph runs: it is told which rows to append and how many to drop.

    Examples:
        >>> cache = DistantCache()
        >>> cache.append({}, np.array([0, 1, 2]))
        >>> cache.drop(1)
        >>> cache.changes(), cache.changes()
        (([0, 1, 2], 1), ([], 0))
    """

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._dropped = 0

    def inputs(self) -> Arrays:
        """See `RowCache`."""
        return {}

    def append(self, outputs: Arrays, rows: Integers) -> None:  # noqa: ARG002 (they stay where they are)
        """See `RowCache`."""
        self._rows = rows.tolist()

    def drop(self, count: int) -> None:
        """See `RowCache`."""
        self._dropped += count

    def changes(self) -> tuple[list[int], int]:
        """Since the last call: rows of the last run that were appended, and how many were then dropped."""
        rows, dropped = self._rows, self._dropped
        self._rows, self._dropped = [], 0
        return rows, dropped
