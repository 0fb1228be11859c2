"""A progress bar for the command line."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
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
        self._put(_line(label, count, total, time.monotonic() - self._start if rate else 0.0))

    def _put(self, text: str) -> None:
        if not self._out.isatty():
            return
        self._shown = time.monotonic()
        self._out.write("\r" + text.ljust(self._width))
        self._width = len(text)
        self._out.flush()


class BatchLine(ProgressLine):
    """The progress of many videos: how many are done, the rate and the time that is left.

    Args:
        sizes: of the videos in bytes, by name; what is left is estimated from them.
        out: stderr by default.
    """

    def __init__(self, sizes: Mapping[str, int], out: TextIO | None = None) -> None:
        super().__init__(out)
        self._sizes = dict(sizes)
        self._count, self._total = 0, len(sizes)
        self._done, self._all = 0, sum(sizes.values()) or 1

    def ended(self, name: str) -> None:
        """A video is done, or failed."""
        self._count += 1
        self._done += self._sizes.pop(name, 0)
        self._put(self._text(""))

    def frame(self, frames: int) -> None:
        """The video in work has as many frames now."""
        if time.monotonic() - self._shown >= _INTERVAL:
            self._put(self._text(f"  frame {frames}"))

    def message(self, text: str) -> None:
        """Writes a line of its own."""
        if self._out.isatty():
            self._out.write("\r" + " " * self._width + "\r")
            self._width = 0
        self._out.write(text + "\n")

    def close(self) -> None:
        """Ends the line."""
        if self._out.isatty() and self._width:
            self._out.write("\n")

    def _text(self, more: str) -> str:
        return (
            batch_line(self._count, self._total, self._done / self._all, time.monotonic() - self._start)
            + more
        )


def batch_line(count: int, total: int, share: float, seconds: float) -> str:
    """The text of a batch's progress.

    Args:
        share: of the work that is done, 0 .. 1.
        seconds: since the start.

    >>> batch_line(3, 12, 0.25, 90)
    'videos [#######.......................] 3/12  2.0/min  0:04:30 left'
    """
    done = min(_WIDTH, _WIDTH * count // max(total, 1))
    text = f"videos [{'#' * done}{'.' * (_WIDTH - done)}] {count}/{total}"
    if not count or not share or seconds <= 0:
        return text
    left = round(seconds / share - seconds)
    return f"{text}  {60 * count / seconds:.1f}/min  {left // 3600}:{left // 60 % 60:02}:{left % 60:02} left"


def _line(label: str, count: int, total: int | None, seconds: float) -> str:
    rate = f"{count / seconds:6.1f}/s" if seconds > 0 else ""
    if not total:
        return f"{label} {count} {rate}"
    done = min(_WIDTH, _WIDTH * count // total)
    return f"{label} [{'#' * done}{'.' * (_WIDTH - done)}] {count}/{total} {rate}"
