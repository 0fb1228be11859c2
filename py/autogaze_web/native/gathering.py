"""Brings together what several threads ask for, so that it is computed at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Condition
from typing import Generic, TypeVar

Request = TypeVar("Request")
Answer = TypeVar("Answer")


class StoppedError(Exception):
    """Ends the work on something that nobody waits for any more."""


class Gathering(Generic[Request, Answer]):
    """Answers the requests of several threads together, as soon as all of them have asked.

    All members are waited for, so what is computed together does not depend on how fast their threads are.

    Args:
        compute: answers requests, at least one; one that fails has an exception in place of its answer. It
            is called by one of the threads, and never by two at a time.
    """

    def __init__(self, compute: Callable[[list[Request]], Sequence[Answer | Exception]]) -> None:
        self._compute = compute
        self._changed = Condition()
        self._members = 0
        self._waiting: list[_Question[Request, Answer]] = []
        self._computing = False
        self._stopped = False

    def member(self) -> Member[Request, Answer]:
        """What a thread asks through; the others wait for it until it leaves."""
        self._join(1)
        return Member(self)

    def stop(self) -> None:
        """From now on, whoever asks or waits gets a `StoppedError`."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _join(self, members: int) -> None:
        with self._changed:
            self._members += members
            self._changed.notify_all()

    def _ask(self, request: Request) -> Answer:
        question = _Question[Request, Answer](request)
        with self._changed:
            self._waiting.append(question)
            while question.answer is None:
                if self._stopped:
                    raise StoppedError
                if self._computing or len(self._waiting) < self._members:
                    self._changed.wait()
                else:
                    self._answer_all()
        if isinstance(question.answer, Exception):
            raise question.answer
        return question.answer

    def _answer_all(self) -> None:
        """Answers everyone who waits; others may ask meanwhile."""
        questions, self._waiting = self._waiting, []
        self._computing = True
        self._changed.release()
        answers: Sequence[Answer | Exception] = [StoppedError()] * len(questions)
        try:
            answers = self._compute([each.request for each in questions])
        except Exception as error:
            answers = [error] * len(questions)
        finally:
            self._changed.acquire()
            self._computing = False
            for question, answer in zip(questions, answers, strict=True):
                question.answer = answer
            self._changed.notify_all()


class Member(Generic[Request, Answer]):
    """One of those whose requests are answered together; see `Gathering.member`."""

    def __init__(self, gathering: Gathering[Request, Answer]) -> None:
        self._gathering = gathering
        self._left = False

    def ask(self, request: Request) -> Answer:
        """Waits until all members have asked; returns the answer.

        Raises:
            Exception: what answering this request raised.
            StoppedError: if the gathering is stopped.
        """
        assert not self._left, "nobody would wait for it"
        return self._gathering._ask(request)

    def leave(self) -> None:
        """Nobody waits for this member from now on. It may be called again, but not while it asks."""
        if not self._left:
            self._left = True
            self._gathering._join(-1)


class _Question(Generic[Request, Answer]):
    """A request and, once there is one, its answer; no answer is None."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.answer: Answer | Exception | None = None
