"""Reports the steps of the build: one line per step, with progress for slow steps."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_QUIET_SECONDS = 0.5
_ERASE = "\r\033[K"


class Step:
    """A running step; `progress` reports how far it is."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._started = time.monotonic()

    def progress(self, done: int, total: int) -> None:
        """Show the percentage done, in a terminal only and once the step has taken half a second."""
        if total and sys.stdout.isatty() and self.seconds() > _QUIET_SECONDS:
            print(f"\r  {self.text}: {100 * done // total} % of {total / 1e6:.1f} MB", end="", flush=True)

    def seconds(self) -> float:
        """Seconds since the step started."""
        return time.monotonic() - self._started


@contextmanager
def step(text: str) -> Iterator[Step]:
    """Prints one line with the step and its time; the caller reports the error of a failed step."""
    running = Step(text)
    if sys.stdout.isatty():
        print(f"  {text} ...", end="", flush=True)
    try:
        yield running
    except BaseException:
        print(_ERASE if sys.stdout.isatty() else "", end="", flush=True)
        raise
    print(f"{_ERASE if sys.stdout.isatty() else ''}  {text} ({running.seconds():.1f} s)", flush=True)
