"""A mask source that is a frame ahead: same frames, same choices, same errors; and it can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from threading import Event

import numpy as np
import pytest

from autogaze_web.batch.choosing_ahead import ChoosingAhead
from autogaze_web.batch.video_job import selected
from autogaze_web.frames.timed_frame import TimedFrame
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.choice import Choice, Description


class Corner:
    """Chooses one cell, whose column is the value of a frame's first byte; 13 is an error."""

    def __init__(self) -> None:
        self.chosen: list[int] = []

    def describe(self) -> Description:
        return {"name": "corner", "grids": [14]}

    def choose(self, frame: np.ndarray) -> Choice:
        assert frame.shape == (4, 6, 3)
        value = int(frame[0, 0, 0])
        if value == 13:
            raise ValueError("not this one")
        self.chosen.append(value)
        return Choice.of(Cells.of(14, 0, value))


def frames(*values: int) -> Iterator[TimedFrame]:
    return (TimedFrame(np.full((4, 6, 3), value, np.uint8)) for value in values)


def columns(ahead: ChoosingAhead, given: Iterator[TimedFrame]) -> Iterator[tuple[int, int]]:
    for timed in given:
        yield int(timed.image[0, 0, 1]), ahead.choose(timed.image).cells.col.item()


def test_each_frame_comes_with_its_own_choice_and_one_is_ahead() -> None:
    source = Corner()
    ahead = ChoosingAhead(lambda _check: source)
    assert ahead.describe()["name"] == "corner"
    for count, (value, column) in enumerate(columns(ahead, ahead.frames(frames(5, 0, 9, 2))), start=1):
        assert value == column
        assert len(source.chosen) <= count + 1
    assert source.chosen == [5, 0, 9, 2]


def test_an_error_comes_in_its_place() -> None:
    ahead = ChoosingAhead(lambda _check: Corner())
    given = columns(ahead, ahead.frames(frames(1, 2, 13, 4)))
    assert list(islice(given, 2)) == [(1, 1), (2, 2)]
    with pytest.raises(ValueError, match="not this one"):
        next(given)

    def broken() -> Iterator[TimedFrame]:
        yield from frames(3)
        raise OSError("gone")

    given = columns(ahead, ahead.frames(broken()))
    assert next(given) == (3, 3)
    with pytest.raises(OSError, match="gone"):
        next(given)


def test_closing_stops_among_frames_that_are_left_out() -> None:
    begun, pause = Event(), Event()
    read = 0

    def slow() -> Iterator[TimedFrame]:
        nonlocal read
        for timed in frames(*[1] * 6000):
            yield timed
            read += 1
            if read > 10:
                begun.set()
                pause.wait(0.01)

    ahead = ChoosingAhead(lambda _check: Corner())
    with closing(ahead.frames(selected(ahead.stoppable(slow()), 3000, None))) as given:
        next(given)
        assert begun.wait(60)
    assert 10 < read < 3000


def test_closing_stops_the_frame_in_work() -> None:
    begun, pause = Event(), Event()

    class Slow(Corner):
        def __init__(self, check: Callable[[object], None]) -> None:
            super().__init__()
            self.check = check

        def choose(self, frame: np.ndarray) -> Choice:
            if frame[0, 0, 0] == 2:
                begun.set()
                while not pause.wait(0.01):  # for ever, unless it is stopped
                    self.check(None)
            return super().choose(frame)

    sources: list[Slow] = []

    def make(check: Callable[[object], None]) -> Slow:
        sources.append(Slow(check))
        return sources[0]

    ahead = ChoosingAhead(make)
    with closing(ahead.frames(frames(1, 2, 3))) as given:
        next(given)
        assert begun.wait(60)
    assert sources[0].chosen == [1]
