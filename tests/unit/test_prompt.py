"""Tests of coroutines that go on in the turn of the promise that they wait for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from autogaze_web.page.prompt import begin, promptly

EAGER = sys.version_info >= (3, 12)


class Promise:
    """A promise as Pyodide gives it to Python."""

    def __init__(self) -> None:
        self.settle: list[tuple[Callable[[Any], None], Callable[[Any], None]]] = []

    def then(self, fulfilled: Callable[[Any], None], rejected: Callable[[Any], None]) -> None:
        self.settle.append((fulfilled, rejected))

    def fulfil(self, value: object) -> None:
        self.settle[0][0](value)

    def reject(self, reason: object) -> None:
        self.settle[0][1](reason)


async def sum_of(promises: list[Promise]) -> int:
    return sum([await promptly(each) for each in promises])


async def from_javascript(call: Callable[[], None], seen: Callable[[], Any]) -> Any:
    """Calls something in a turn of the loop that is no task's, and returns what is seen in the same turn."""
    loop = asyncio.get_running_loop()
    outcome = loop.create_future()

    def turn() -> None:
        call()
        outcome.set_result(seen())

    loop.call_soon(turn)
    return await outcome


async def begun(promises: list[Promise], answers: list[int]) -> asyncio.Task[int]:
    task = begin(sum_of(promises), answers.append)
    if not EAGER:
        await asyncio.sleep(0)
    assert [len(each.settle) for each in promises] == [1, 0]
    return task


def run(test: Coroutine[Any, Any, None]) -> None:
    """Runs a test that waits for nothing outside it: a task that is never resumed fails it."""
    asyncio.run(asyncio.wait_for(test, 60))


def test_a_coroutine_goes_on_and_ends_within_the_turns_of_its_promises():
    async def test() -> None:
        answers: list[int] = []
        first, second = Promise(), Promise()
        task = await begun([first, second], answers)
        assert await from_javascript(lambda: first.fulfil(3), lambda: len(second.settle)) == 1
        assert await from_javascript(lambda: second.fulfil(4), lambda: list(answers)) == [7]
        assert await task == 7

    run(test())


def test_a_promise_that_a_task_settles_is_waited_for_as_well():
    async def test() -> None:
        answers: list[int] = []
        promises = [Promise(), Promise()]
        task = await begun(promises, answers)
        promises[0].fulfil(3)
        await asyncio.sleep(0)
        promises[1].fulfil(4)
        assert await task == 7

    run(test())


@pytest.mark.skipif(not EAGER, reason="Python before 3.12 cannot begin a task at once")
def test_a_coroutine_that_waits_for_nothing_ends_at_once():
    async def test() -> None:
        answers: list[int] = []
        assert begin(sum_of([]), answers.append).done()
        assert answers == [0]

    run(test())


@pytest.mark.parametrize("reason", [ValueError("the GPU was lost"), "the GPU was lost"])
def test_what_a_promise_is_rejected_with_is_raised_and_the_task_has_it(reason):
    async def test() -> None:
        answers: list[int] = []
        promises = [Promise(), Promise()]
        task = await begun(promises, answers)
        await from_javascript(lambda: promises[0].reject(reason), lambda: None)
        with pytest.raises((ValueError, RuntimeError), match="the GPU was lost"):
            await task
        assert not answers

    run(test())


def test_a_task_that_waits_can_be_cancelled():
    async def test() -> None:
        promises = [Promise(), Promise()]
        task = await begun(promises, [])
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        promises[0].fulfil(1)

    run(test())


def test_a_promise_may_be_settled_before_anybody_waits_for_it():
    async def test() -> None:
        promise = Promise()
        waiting = promptly(promise)
        promise.fulfil(5)
        assert await waiting == 5

    run(test())


def test_other_awaitables_stay_as_they_are():
    async def test() -> None:
        future = asyncio.get_running_loop().create_future()
        assert promptly(future) is future
        future.set_result(6)
        assert await promptly(future) == 6
        assert await promptly(asyncio.sleep(0, 7)) == 7

    run(test())
