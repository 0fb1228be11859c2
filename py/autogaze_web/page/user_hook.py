"""A user's own function, called with every frame: ``def on_frame(frame, trace, output)``.

It receives the frame and what was chosen of it, and makes the output panel's picture: by writing into
``output``, or by returning an image. Errors are reported with their line, and the stream goes on. A call that
takes too long is stopped and the hook removed: its lines are traced, so an endless loop is stopped without a
second thread. A single call of a C function cannot be stopped that way.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import FrameType, TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..frames.rgba import Rgba, as_frame
from ..masks.footprint import Footprint

FILE = "<hook>"
LIMIT_SECONDS = 1.0
# Imports take seconds on a slow machine, once.
FIRST_LIMIT_SECONDS = 5.0
MOST_PRINTED = 4000
FUNCTION = "on_frame"


class HookError(ValueError):
    """Code that cannot be a hook; ``line`` is where, 1 for the first, or None."""

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.line = line


class _Overtime(BaseException):
    """Ends a call; not an Exception, so that a hook's own ``except`` lets it pass."""


@dataclass(frozen=True)
class HookTrace:
    """What was chosen of the frame that a hook is given.

    Attributes:
        index: frames of this stream before it.
        tokens: (N,) int64, the mask source's ids in the order of choice.
        footprint: the cells' pixels.
    """

    index: int
    tokens: NDArray[np.int64]
    footprint: Footprint

    @property
    def rectangles(self) -> NDArray[np.int32]:
        """(N, 4) int32: y0, x0, y1, x1 of each cell, the last two exclusive."""
        return self.footprint.rectangles

    @property
    def grid(self) -> NDArray[np.int32]:
        """(N,) int32: cells per side of the grid that each cell belongs to."""
        return self.footprint.fixations.grid

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """(H, W) bool: which pixels are in a cell."""
        return self.footprint.plan.pixels()


@dataclass(frozen=True)
class HookReport:
    """The outcome of one call.

    Attributes:
        problem: what went wrong, empty if nothing did.
        line: the line of the hook where it did, or None.
        printed: what it printed, cut short.
        ms: milliseconds that it took.
        stopped: whether the hook was ended because it took too long.
    """

    problem: str
    line: int | None
    printed: str
    ms: float
    stopped: bool


class Hook:
    """A hook made of its source.

    >>> hook = Hook("def on_frame(frame, trace, output):\\n    output[:] = 255 - frame")

    Raises:
        HookError: if the code cannot be compiled or run, or has no function ``on_frame``.
    """

    def __init__(
        self,
        code: str,
        limit_seconds: float = LIMIT_SECONDS,
        first_limit_seconds: float = FIRST_LIMIT_SECONDS,
    ) -> None:
        self._limit = limit_seconds
        self._names: dict[str, Any] = {"__name__": "hook", "np": np}
        try:
            compiled = compile(code, FILE, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            line = error.lineno if isinstance(error, SyntaxError) else None
            raise HookError(_sentence(error), line) from None
        outside = f"the code outside {FUNCTION}"
        report = self._call(lambda: exec(compiled, self._names), first_limit_seconds, outside)
        if report.problem:
            raise HookError(report.problem, report.line)
        if not callable(self._names.get(FUNCTION)):
            raise HookError(f"There is no function {FUNCTION}(frame, trace, output): define it.", None)

    def run(self, frame: Rgba, trace: HookTrace, output: Rgba) -> tuple[Rgba | None, HookReport]:
        """Calls the hook.

        Args:
            frame: (H, W, 4) uint8; the hook cannot write into it.
            trace: what was chosen.
            output: (H, W, 4) uint8, the hook's to write into.

        Returns:
            The picture to show, (H, W, 4) uint8, None if the call failed; and what became of it.
        """
        readable = frame.view()
        readable.flags.writeable = False
        answers: list[Any] = []

        def call() -> None:
            answers.append(self._names[FUNCTION](readable, trace, output))

        report = self._call(call, self._limit, "one call")
        if report.problem:
            return None, report
        if answers[0] is None:
            return output, report
        try:
            image = as_frame(np.asarray(answers[0]))
            if image.shape != output.shape:
                raise ValueError(f"the picture is {image.shape[:2]} instead of {output.shape[:2]}")
        except (TypeError, ValueError) as error:
            problem = f"{FUNCTION} returned no picture to show: {error}"
            return None, HookReport(problem, None, report.printed, report.ms, False)
        return image, report

    def _call(self, function: Callable[[], object], limit: float, what: str) -> HookReport:
        printed = _Bounded()
        start = time.perf_counter()
        problem, line, stopped = "", None, False
        before = sys.gettrace()
        sys.settrace(_deadline(start + limit))
        try:
            with contextlib.redirect_stdout(printed):
                function()
        except _Overtime as error:
            stopped, line = True, _line(error.__traceback__)
        except BaseException as error:
            # Also SystemExit and KeyboardInterrupt: nothing in a hook may end the page's Python.
            problem, line = _sentence(error), _line(error.__traceback__)
        finally:
            sys.settrace(before)
        seconds = time.perf_counter() - start
        if stopped:
            problem = f"stopped after {seconds:.1f} s: {what} may take {limit:g} s"
        return HookReport(problem, line, printed.getvalue(), seconds * 1000, stopped)


class _Bounded(io.StringIO):
    """Keeps the first characters that are printed."""

    def write(self, text: str) -> int:
        room = MOST_PRINTED - self.tell()
        if room > 0:
            super().write(text[:room] + ("…" if len(text) > room else ""))
        return len(text)


def _deadline(end: float) -> Callable[[FrameType, str, object], Any]:
    """A trace function that stops the hook's own lines after the deadline and costs other code little."""

    def line(_frame: FrameType, _event: str, _argument: object) -> Any:
        if time.perf_counter() > end:
            raise _Overtime
        return line

    def call(frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename != FILE:
            return None
        # Not every jump back is a line to Python: ``while True: pass`` is none.
        frame.f_trace_opcodes = True
        return line(frame, event, argument)

    return call


def _sentence(error: BaseException) -> str:
    return traceback.format_exception_only(error)[-1].strip()


def _line(trace: TracebackType | None) -> int | None:
    lines = [entry.lineno for entry in traceback.extract_tb(trace) if entry.filename == FILE]
    return lines[-1] if lines else None
