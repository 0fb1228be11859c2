"""A progress bar for the command line."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

Item = TypeVar("Item")

_WIDTH = 30
_INTERVAL = 0.1


def progress(
    items: Iterable[Item], label: str, total: int | None = None, out: TextIO | None = None
) -> Iterator[Item]:
    """Yields the items and shows on a terminal their count, the total and the rate.

    Args:
        total: number of items; None or 0 if unknown.
        out: stderr by default; a bar is drawn only if it is a terminal.
    """
    bar = ProgressLine(out)
    count = 0
    bar.show(label, count, total)
    try:
        for item in items:
            yield item
            count += 1
            bar.show(label, count, total)
        total = total and count  # it was an estimate
    finally:
        bar.end(label, count, total)


class ProgressLine:
    """A line on a terminal that shows the progress; nothing is written if the output is no terminal.

    Args:
        out: stderr by default.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = sys.stderr if out is None else out
        self._start = time.monotonic()
        self._shown = -math.inf
        self._width = 0

    def show(self, label: str, count: int, total: int | None = None, rate: bool = True) -> None:
        """Shows a state, at most ten times a second."""
        if time.monotonic() - self._shown >= _INTERVAL:
            self._write(label, count, total, rate)

    def end(self, label: str, count: int, total: int | None = None) -> None:
        """Shows the last state and ends the line."""
        self._write(label, count, total, True)
        if self._out.isatty():
            self._out.write("\n")

    def _write(self, label: str, count: int, total: int | None, rate: bool) -> None:
        if not self._out.isatty():
            return
        self._shown = time.monotonic()
        text = _line(label, count, total, self._shown - self._start if rate else 0.0)
        self._out.write("\r" + text.ljust(self._width))
        self._width = len(text)
        self._out.flush()


def _line(label: str, count: int, total: int | None, seconds: float) -> str:
    rate = f"{count / seconds:6.1f}/s" if seconds > 0 else ""
    if not total:
        return f"{label} {count} {rate}"
    done = min(_WIDTH, _WIDTH * count // total)
    return f"{label} [{'#' * done}{'.' * (_WIDTH - done)}] {count}/{total} {rate}"
