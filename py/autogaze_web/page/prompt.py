"""Coroutines between JavaScript and Python without turns of the event loop.

An event loop resumes whoever waits in a turn of its own. In a page each of these turns stands in a queue with
timers, messages and the browser's own work, such as bringing the last frame's canvases to the screen, which
can take as long as a stage of the frame that waits. A coroutine that is begun with `begin` runs at once until
it waits; if it waits for a promise `promptly`, it goes on in the very turn in which the promise is settled.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import Context
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


def begin(work: Coroutine[Any, Any, Result], answer: Callable[[Result], object]) -> asyncio.Task[Result]:
    """Begins a coroutine, as far as it gets without waiting; before Python 3.12 in the loop's next turn.

    Args:
        answer: called with its result in the turn in which it ends; the task's own callbacks come a turn
            later.

    Returns:
        Its task, which also has what it raised.
    """

    async def answered() -> Result:
        result = await work
        answer(result)
        return result

    loop = asyncio.get_running_loop()
    if sys.version_info >= (3, 12):
        return asyncio.Task(answered(), loop=loop, eager_start=True)
    return loop.create_task(answered())


def promptly(promise: Any) -> Awaitable[Any]:
    """A promise of JavaScript to wait for in a task; a coroutine or a future as it is."""
    if isinstance(promise, Coroutine | asyncio.Future):
        return promise
    return _Prompt(promise)


class _Prompt(Generic[Result]):
    """Something like a future, as asyncio calls it: it calls who waits at once, not in another turn."""

    _asyncio_future_blocking = False

    def __init__(self, promise: Any) -> None:
        self._loop = asyncio.get_running_loop()
        self._done = False
        self._result: Result
        self._error: BaseException | None = None
        self._cancelled: asyncio.CancelledError | None = None
        self._waiting: tuple[Callable[[Any], object], Context | None] | None = None
        promise.then(self._fulfil, self._reject)

    def __await__(self) -> Generator[Any, None, Result]:
        if not self._done:
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    def _fulfil(self, result: Result) -> None:
        if self._cancelled is not None:
            self._reject(self._cancelled)
        elif not self._done:
            self._result = result
            self._end()

    def _reject(self, reason: object) -> None:
        if not self._done:
            reason = self._cancelled or reason
            self._error = reason if isinstance(reason, BaseException) else RuntimeError(str(reason))
            self._end()

    def _end(self) -> None:
        self._done = True
        if self._waiting is not None:
            resume, context = self._waiting
            if asyncio.current_task(self._loop) is not None:
                # Not from JavaScript: a task cannot go on within another one.
                self._loop.call_soon(resume, self, context=context)
            elif context is None:
                resume(self)
            else:
                context.run(resume, self)

    # What tasks call.

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def add_done_callback(self, resume: Callable[[Any], object], *, context: Context | None = None) -> None:
        self._waiting = (resume, context)

    def result(self) -> Result:
        if self._error is not None:
            raise self._error
        return self._result

    def cancel(self, msg: object = None) -> bool:
        if not self._done and self._cancelled is None:
            self._cancelled = asyncio.CancelledError(msg)
            self._loop.call_soon(self._reject, self._cancelled)
        return not self._done
