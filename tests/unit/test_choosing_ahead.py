"""A mask source that is a frame ahead: same frames, same choices, same errors; and it can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import numpy as np
import pytest

from autogaze_web.batch import video_job
from autogaze_web.batch.ahead import ahead
from autogaze_web.batch.choosing_ahead import ChoosingAhead
from autogaze_web.batch.planning import Source
from autogaze_web.batch.settings import BatchSettings
from autogaze_web.batch.video_job import Job, VideoWorker, selected
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


def test_what_depends_on_the_frame_alone_is_done_while_the_one_before_is_chosen_from() -> None:
    ready = Event()

    class InTwoSteps(Corner):
        def processed(self, frame: np.ndarray) -> np.ndarray:
            if frame[0, 0, 0] == 9:
                ready.set()
            return frame + np.uint8(1)

        def choose_from(self, image: np.ndarray) -> Choice:
            if image[0, 0, 0] == 6:
                assert ready.wait(60), "the next frame is not prepared meanwhile"
            return self.choose(image)

    ahead = ChoosingAhead(lambda _check: InTwoSteps())
    assert list(columns(ahead, ahead.frames(frames(5, 9, 0)))) == [(5, 6), (9, 10), (0, 1)]


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


class Model(Corner):
    """A model in a batch: its second frame can only be stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead, self.pause = Event(), Event()

    def made(self, check: Callable[[object], None] | None = None) -> Model:
        self.check = check
        return self

    def choose(self, frame: np.ndarray) -> Choice:
        if self.chosen:
            self.ahead.set()
            assert self.check is not None
            while not self.pause.wait(0.01):
                self.check(None)
        return super().choose(frame)


def interrupted(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    given: Iterator[TimedFrame],
    at: Callable[[Model], bool],
    settings: BatchSettings,
) -> None:
    """Runs a video whose first frame's numbers are made while ``at`` waits; then the batch is interrupted."""
    clip = SimpleNamespace(frames=lambda: given, frames_per_second=10, damage=None)
    monkeypatch.setattr(video_job, "open_clip", lambda *_: clip)
    monkeypatch.setattr(VideoWorker, "patch_size", 16)
    (folder / "a.mp4").write_bytes(b"frames")
    worker = VideoWorker(BatchSettings())
    worker.settings, worker.loaded, model = settings, SimpleNamespace(), Model()  # type: ignore[assignment]
    monkeypatch.setattr(worker, "source", model.made)

    def interrupt(_count: int) -> None:
        assert at(model), "the thread is not ahead"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker.run(Job(Source(str(folder / "a.mp4"), "a.mp4"), str(folder / "out"), "s"), interrupt)
    assert model.check is not None, "it has to be told when to stop"
    assert model.chosen == [1]


def test_a_batch_chooses_ahead_and_stops_in_the_middle_of_a_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(
        monkeypatch,
        tmp_path,
        frames(1, 2, 3),
        lambda model: model.ahead.wait(20),
        BatchSettings(outputs=("trace",)),
    )


def test_a_batch_stops_among_frames_that_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, pause = Event(), Event()
    read = 0

    def slow() -> Iterator[TimedFrame]:
        nonlocal read
        for timed in frames(*[1] * 2000):
            yield timed
            read += 1
            if read > 10:
                begun.set()
                pause.wait(0.01)

    settings = BatchSettings(every=1000, outputs=("trace",))
    interrupted(monkeypatch, tmp_path, slow(), lambda _: begun.wait(20), settings)
    assert 10 < read < 1000


def test_the_item_in_work_learns_that_no_more_are_wanted():
    stopped, begun = Event(), Event()

    def items() -> Iterator[int]:
        yield 1
        begun.set()
        yield 2 if stopped.wait(60) else 3

    with closing(ahead(items(), "items", stopped.set)) as following:
        assert next(following) == 1
        assert begun.wait(60)
    assert stopped.is_set()


def test_an_interrupt_during_the_wait_for_the_item_in_work_is_not_replaced(monkeypatch):
    go_on, begun = Event(), Event()

    def items() -> Iterator[int]:
        yield 1
        begun.set()
        go_on.wait(60)
        yield 2

    def interrupted(_thread: ThreadPoolExecutor, **_how: bool) -> None:
        raise KeyboardInterrupt  # the second one, while the first one waits for the thread

    following = ahead(items(), "items")
    assert next(following) == 1
    assert begun.wait(60)
    with monkeypatch.context() as patched:
        patched.setattr(ThreadPoolExecutor, "shutdown", interrupted)
        with pytest.raises(KeyboardInterrupt):
            following.close()
    go_on.set()
