"""The runs of several videos side by side, so that they can be executed as one batch."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeVar

from .run import Decisions, Run

Result = TypeVar("Result")

Rounds = Generator[list[tuple[int, Run]], Sequence[Decisions], list[Result]]
"""Yields the next run of each video that is not done, with the video's place; wants their decisions."""


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
    waiting: list[tuple[int, Run]] = []

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
