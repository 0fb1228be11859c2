import asyncio

import numpy as np
import pytest

from autogaze_web.live.gazer import GazeProgress, Gazer, Pace
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.choice import Choice


class Model:
    """A model whose runs end when the test says so; a gaze's cells are the frame's first pixel."""

    def __init__(self, batches=1):
        self.batches = batches
        self.streams = []
        self.runs = []
        self.updates = []
        self.time = 0.0
        self.gazer = Gazer(self.open, self.updates.append, lambda: self.time)
        self.gazer.timing = "newest"

    def open(self):
        self.streams.append(Stream(self))
        return self.streams[-1]

    async def end_run(self, seconds=0.0, fault=None):
        """Ends the run that is under way, and lets everybody react."""
        self.time += seconds
        run = self.runs.pop(0)
        if fault is None:
            run.set_result(None)
        else:
            run.set_exception(fault)
        await settle()

    async def submit(self, value, requirement=None, shape=(4, 4)):
        await self.gazer.submit(frame(value, shape), requirement)
        await settle()

    @property
    def latest(self):
        """Value and age in frames of the latest cells."""
        latest = self.gazer.latest
        if latest is None:
            return None
        return int(latest.gaze.choice.cells.row[0]), self.gazer.index - latest.index


class Stream:
    def __init__(self, model):
        self.model = model
        self.submitted = []
        self.aborted = 0

    def submit(self, image, requirement):
        value = int(image[0, 0, 0])  # copied before anything is waited for
        self.submitted.append((value, requirement))
        return self.states(value)

    async def states(self, value):
        count = self.model.batches
        try:
            for batch in range(count):
                run = asyncio.get_running_loop().create_future()
                self.model.runs.append(run)
                await run
                yield GazeProgress(Choice.of(Cells.of(99, [value], [batch])), (batch + 1) / count)
        except GeneratorExit:
            self.aborted += 1
            raise


def frame(value, shape=(4, 4)):
    return np.full((*shape, 4), value, np.uint8)


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


def test_frames_are_shown_while_the_model_works_on_the_newest():
    async def main():
        model = Model()
        for value in (0, 1, 2, 3):
            await model.submit(value)
        assert model.latest is None
        await model.end_run()
        assert model.latest == (0, 3)
        await model.submit(4)
        assert model.latest == (0, 4)
        await model.end_run()
        assert model.latest == (3, 1), "frames 1 and 2 were no longer the newest when the model was free"
        await model.end_run()
        assert model.latest == (4, 0), "the last frame is run without waiting for another"
        assert not model.runs
        assert model.streams[0].submitted == [(0, None), (3, None), (4, None)]
        assert model.gazer.gazes == len(model.updates) == 3

    asyncio.run(main())


def test_a_frame_may_be_overwritten_once_submitted():
    async def main():
        model = Model()
        image = frame(7)
        await model.gazer.submit(image, None)
        await settle()
        image[:] = 8
        await model.end_run()
        assert model.latest == (7, 0)

    asyncio.run(main())


def test_own_cells_are_waited_for():
    async def main():
        model = Model()
        model.gazer.timing = "own"
        for value in (0, 1):
            shown = asyncio.ensure_future(model.gazer.submit(frame(value), 0.5))
            await settle()
            assert not shown.done()
            await model.end_run()
            assert shown.done()
            assert model.latest == (value, 0)

    asyncio.run(main())


def test_own_cells_come_after_what_is_under_way():
    async def main():
        model = Model()
        await model.submit(0)
        model.gazer.timing = "own"
        shown = asyncio.ensure_future(model.gazer.submit(frame(1), None))
        await settle()
        await model.end_run()
        assert not shown.done()
        await model.end_run()
        assert shown.done()
        assert model.latest == (1, 0)

    asyncio.run(main())


@pytest.mark.parametrize("change", ["stream", "size", "requirement"])
def test_gazes_started_before_a_change_are_not_shown(change):
    async def main():
        model = Model()
        await model.submit(0)
        if change == "stream":
            model.gazer.restart()
        await model.submit(
            1,
            requirement=0.5 if change == "requirement" else None,
            shape=(6, 4) if change == "size" else (4, 4),
        )
        await model.end_run()
        assert model.latest is None
        assert model.gazer.gazes == 0
        await model.end_run()
        assert model.latest == (1, 0)
        # A run that is complete leaves the stream's context as it should be: only its cells are stale.
        assert len(model.streams) == (1 if change == "requirement" else 2)
        assert model.gazer.index == (1 if change == "requirement" else 0)

    asyncio.run(main())


def test_partial_gazes_are_shown_and_a_stale_one_is_aborted_between_batches():
    async def main():
        model = Model(batches=4)
        await model.submit(0)
        for batch in range(2):
            await model.end_run(seconds=1)
            latest = model.gazer.latest
            assert latest.gaze.progress == (batch + 1) / 4
            assert latest.gaze.choice.cells.col[0] == batch
            assert latest.seconds == batch + 1
            assert model.gazer.gazes == 0
        await model.submit(1, requirement=0.5)
        await model.end_run()
        assert model.streams[0].aborted == 1
        assert model.latest == (0, 1), "cells that were accepted in time stay until there are better ones"
        assert len(model.streams) == 2, "a stream that was aborted in mid-gaze cannot be used any more"
        for _ in range(4):
            await model.end_run()
        assert model.latest == (1, 0)
        assert model.gazer.gazes == 1
        assert not model.runs

    asyncio.run(main())


@pytest.mark.parametrize("timing", ["own", "newest"])
def test_a_failure_is_reported_once_and_closes_the_gazer(timing):
    async def main():
        model = Model()
        model.gazer.timing = timing
        shown = asyncio.ensure_future(model.gazer.submit(frame(0), None))
        await settle()
        await model.end_run(fault=ValueError("the model computed NaN"))
        assert shown.done()
        shown.result()
        assert model.updates == ["the model computed NaN"]
        assert model.gazer.closed
        await model.submit(1)
        assert not model.runs
        assert model.latest is None

    asyncio.run(main())


def test_a_failure_of_a_replaced_stream_is_ignored():
    async def main():
        model = Model()
        await model.submit(0)
        model.gazer.restart()
        await model.submit(1)
        await model.end_run(fault=RuntimeError("gone"))
        await model.end_run()
        assert model.latest == (1, 0)
        assert model.updates == [None]
        model.gazer.close()
        await model.submit(2)
        assert not model.runs

    asyncio.run(main())


def test_auto_waits_for_a_model_once_it_is_known_to_keep_up():
    async def main():
        model = Model()
        model.gazer.timing = "auto"
        for value, seconds in enumerate((5, 0.04, 0.04)):
            assert not model.gazer.waits
            await model.submit(value)
            await model.end_run(seconds)
        assert model.gazer.waits
        model.gazer.restart()
        assert model.gazer.waits, "another stream does not change how fast the model is"

    asyncio.run(main())


def test_the_pace_does_not_flutter():
    pace = Pace()
    history = []
    for milliseconds in (60, 60, 60, 40, 40, 40, 60, 60, 60, 60, 60, 70, 70, 70, 60, 60, 60, 40, 40, 40):
        pace.add(milliseconds / 1000)
        history.append(pace.keeps_up)
    assert history == [False] * 5 + [True] * 8 + [False] * 6 + [True]
