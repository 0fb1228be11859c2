"""What several threads ask for is answered together; nobody waits for one that has left, or for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from autogaze_web.native.gathering import Gathering, Member, StoppedError


def halved(asked: list[list[int]], numbers: list[int]) -> list[int | Exception]:
    asked.append(sorted(numbers))
    return [ValueError(f"{number} is odd") if number % 2 else number // 2 for number in numbers]


def ask_all(member: Member[int, int], numbers: list[int]) -> list[int | str]:
    found: list[int | str] = []
    for number in numbers:
        try:
            found.append(member.ask(number))
        except ValueError as error:
            found.append(str(error))
    member.leave()
    member.leave()
    return found


def test_all_members_are_answered_together_until_they_leave() -> None:
    asked: list[list[int]] = []
    gathering = Gathering[int, int](lambda numbers: halved(asked, numbers))
    members = [gathering.member() for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(ask_all, members, [[2, 4], [6, 7, 8], [10]]))
    assert found == [[1, 2], [3, "7 is odd", 4], [5]]
    assert asked == [[2, 6, 10], [4, 7], [8]]


def test_a_failure_of_the_whole_is_raised_for_everyone_and_the_next_one_is_answered() -> None:
    fails = iter([True])

    def compute(numbers: list[int]) -> list[int]:
        if next(fails, False):
            raise RuntimeError("out of memory")
        return numbers

    gathering = Gathering[int, int](compute)
    members = [gathering.member() for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        for error in [each.exception() for each in [threads.submit(m.ask, 1) for m in members]]:
            assert str(error) == "out of memory"
        assert list(threads.map(Member.ask, members, [0, 2])) == [0, 2]


def test_who_waits_is_stopped() -> None:
    waits = Event()

    class Watched(Gathering[int, int]):
        def _ask(self, request: int) -> int:
            waits.set()
            return super()._ask(request)

    gathering = Watched(lambda numbers: numbers)
    first, second = gathering.member(), gathering.member()
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(first.ask, 1)
        assert waits.wait(60)
        gathering.stop()
        assert isinstance(waiting.exception(60), StoppedError)
    with pytest.raises(StoppedError):
        second.ask(2)
