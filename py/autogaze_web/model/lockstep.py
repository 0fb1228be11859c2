"""The runs of several videos side by side, so that they can be executed as one batch."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .run import Decisions, Run

Result = TypeVar("Result")

Runs = list[tuple[int, Run]]
"""The next run of each video that is not done, with the video's place."""

Answers = Sequence[Decisions] | NDArray[np.float32]
"""The decisions of each of some runs; where all have the same number of steps they may be one array."""

Rounds = Generator[Runs, Answers, list[Result]]
"""Yields runs and wants their decisions, in the same order."""


def lockstep(videos: Sequence[Generator[tuple[int, Run], Decisions, Result]]) -> Rounds[Result]:
    """Advances the runs of several videos together.

    Args:
        videos: of each one its runs. The indices that they yield are ignored.

    Yields:
        The place of each video that is not done, and its next run; wants their decisions in this order.

    Returns:
        What the runs of each video returned.

    Examples:
        >>> from autogaze_web.model.lockstep import lockstep
        >>> def video(runs):
        ...     decisions = []
        ...     for run in runs:
        ...         decisions.append((yield 0, run))
        ...     return decisions
        >>> rounds = lockstep([video("ab"), video("c")])
        >>> next(rounds), rounds.send([1, 2])
        ([(0, 'a'), (1, 'c')], [(0, 'b')])
    """
    results: dict[int, Result] = {}
    waiting: Runs = []

    def advance(place: int, decisions: Decisions | None) -> None:
        try:
            runs = videos[place]
            _, run = next(runs) if decisions is None else runs.send(decisions)
            waiting.append((place, run))
        except StopIteration as stop:
            results[place] = stop.value

    for place in range(len(videos)):
        advance(place, None)
    while waiting:
        answers = yield waiting
        done, waiting = waiting, []
        for (place, _), decisions in zip(done, answers, strict=True):
            advance(place, decisions)
    return [results[place] for place in range(len(videos))]


def in_turn(rounds: Generator[Runs, Answers, Result]) -> Generator[tuple[int, Run], Decisions, Result]:
    """The runs of rounds one after the other.

    Examples:
        >>> from autogaze_web.model.lockstep import in_turn
        >>> def rounds():
        ...     return (yield [(0, "a"), (1, "c")]) + (yield [(0, "b")])
        >>> runs = in_turn(rounds())
        >>> next(runs), runs.send(1), runs.send(2)
        ((0, 'a'), (1, 'c'), (0, 'b'))
    """
    try:
        waiting = next(rounds)
        while True:
            answers = []
            for place, run in waiting:
                answers.append((yield place, run))
            waiting = rounds.send(answers)
    except StopIteration as stop:
        result: Result = stop.value
        return result
