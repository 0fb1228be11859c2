"""Videos side by side are the same videos alone, and share what does not depend on their tokens."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from released import RELEASED

from autogaze_web.model import layout
from autogaze_web.model.config import AutoGazeConfig
from autogaze_web.model.coverage import CoverageStop
from autogaze_web.model.generation import NotFiniteError, Videos
from autogaze_web.model.run import Run
from autogaze_web.model.slots import Slots
from autogaze_web.model.tokens import ScaleLayout
from autogaze_web.page.bridge import pack_batch

CONFIG = AutoGazeConfig.from_dict(RELEASED)
HEADS = CONFIG.decoder.num_multi_token_pred
STEPS = 6
REQUIREMENT = 0.5
Script = NDArray[np.float32]
"""(videos, frames, 3, S, K): what the model decides, however a frame is divided into runs."""


def script(seed: int, videos: int, frames: int, stop: float) -> Script:
    random = np.random.default_rng(seed)
    shape = videos, frames, STEPS * HEADS
    tokens = random.permuted(np.broadcast_to(np.arange(265), (videos, frames, 265)), axis=2)
    decisions = np.stack(
        [
            tokens[..., : shape[2]],
            np.where(random.uniform(size=shape) < stop, 0.1, 1),
            random.uniform(0.01, 1, shape),
        ],
        axis=2,
    )
    return decisions.reshape(videos, frames, 3, STEPS, HEADS).astype(np.float32)


def play(videos: Videos, decisions: Script, budget: int, requirement: float | None) -> list[tuple]:
    """Of each frame what was decided, and each video's runs."""
    frames = []
    for t in range(decisions.shape[1]):
        done, runs_of = [0] * len(videos), [[] for _ in range(len(videos))]
        rounds = videos.frame([None] * len(videos), budget, [requirement] * len(videos), padded=False)
        runs = next(rounds)
        try:
            while True:
                answers = []
                for place, run in runs:
                    runs_of[place].append(run)
                    start = done[place]
                    done[place] += run.steps
                    answer = np.ones((3, run.steps, HEADS), np.float32)
                    there = decisions[place, t, :, start : done[place]]
                    answer[:, : there.shape[1]] = there
                    answers.append(answer)
                runs = rounds.send(answers)
        except StopIteration as stop:
            frames.append((stop.value, runs_of))
    return frames


def rows_of(slots: Slots, row: int) -> list[list[float]]:
    count = slots.counts[row]
    parts = (slots.tokens, slots.padded, slots.task_loss, slots.confidence)
    return [part[row, :count].tolist() for part in parts]


def assert_same_run(ours: Run, theirs: Run) -> None:
    assert (ours.graph, ours.capacity, ours.copies) == (theirs.graph, theirs.capacity, theirs.copies)
    assert ours.feeds.keys() == theirs.feeds.keys()
    for name, feed in ours.feeds.items():
        np.testing.assert_array_equal(feed, theirs.feeds[name])


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 999),
    stop=st.sampled_from([0, 0.03, 0.3]),
    budget=st.sampled_from([1, 10, 24, 60]),
    window=st.sampled_from([1, 2, 3, None]),
    graphs=st.sampled_from([((STEPS,), ()), ((1, 2), (1, 2))]),
    coverage=st.sampled_from([None, 0.4]),
)
def test_videos_side_by_side_are_the_videos_alone(
    seed: int,
    stop: float,
    budget: int,
    window: int | None,
    graphs: tuple[tuple[int, ...], tuple[int, ...]],
    coverage: float | None,
) -> None:
    decisions = script(seed, videos=4, frames=3, stop=stop)

    def new(count: int) -> Videos:
        videos = Videos(CONFIG, count, window, *graphs)
        videos.coverage = coverage and CoverageStop(ScaleLayout.of(CONFIG), coverage)
        return videos

    together = play(new(4), decisions, budget, REQUIREMENT)
    for row in range(4):
        alone = play(new(1), decisions[row : row + 1], budget, REQUIREMENT)
        for (ours, runs), (theirs, own_runs) in zip(together, alone, strict=True):
            assert rows_of(ours, row) == rows_of(theirs, 0)
            assert ours.steps[row] == theirs.steps[0]
            if not graphs[1]:  # else runs may be divided otherwise, since videos side by side expect the same
                assert_same_run(runs[row][0], own_runs[0][0])
            assert ours.pads == sum(int(ours.padded[each, : ours.counts[each]].sum()) for each in range(4))


def test_videos_with_the_same_pads_share_all_feeds_but_their_tokens() -> None:
    decisions = script(1, videos=3, frames=3, stop=0)
    decisions[2, 0, 1, 1, 4] = 0.1  # the last one stops in its first frame
    for t, (_, runs) in enumerate(play(Videos(CONFIG, 3, 2, (2,), ()), decisions, 20, REQUIREMENT)):
        (first,), (second,), (third,) = runs
        shared = [name for name, feed in first.feeds.items() if feed is second.feeds[name]]
        assert shared == ["rope_cos", "rope_sin", "context_bias", "pending_bias"]
        assert (first.feeds["context_bias"] is third.feeds["context_bias"]) == (t == 0)
        for name in shared:
            with pytest.raises(ValueError, match="read-only"):
                first.feeds[name][...] = 0


@pytest.mark.parametrize(
    ("window", "rows", "remembered"),
    [(2, None, layout.REMEMBERED), (2, layout.REMEMBERED_ROWS + 1, 0), (None, None, 0)],
)
def test_layouts_of_a_stream_take_no_more_memory_however_long_it_is(
    window: int | None, rows: int | None, remembered: int
) -> None:
    layout._remembered.cache_clear()
    videos, decisions = Videos(CONFIG, 1, window, (1,), (), rows), script(5, videos=1, frames=1, stop=0)
    for _ in range(layout.REMEMBERED + 3):
        play(videos, decisions, 1, None)
    assert layout._remembered.cache_info().currsize == remembered


def test_a_batch_is_packed_as_its_runs_one_after_the_other() -> None:
    decisions = script(2, videos=3, frames=2, stop=0.1)
    (_, runs_of) = play(Videos(CONFIG, 3, 2, (2,), ()), decisions, 20, REQUIREMENT)[1]
    runs = [run for (run,) in runs_of]
    header, block = pack_batch(5, list(enumerate(runs, 5)), 4, {"first": 7, "age": 0})
    run = json.loads(header)
    assert (run["video"], run["batch"], run["first"], run["age"]) == (5, 4, 7, 0)
    copies = [[place, c.source, c.count, c.row] for place, each in enumerate(runs) for c in each.copies]
    assert np.reshape(run["copies"], (-1, 4)).tolist() == copies
    for name, dtype, start, size in run["feeds"]:
        places = block[start : start + size].view(dtype).reshape(4, -1)
        for place, each in zip(places, [*runs, runs[0]], strict=True):
            np.testing.assert_array_equal(place, each.feeds[name].ravel())


@pytest.mark.parametrize("step", [0, 1, 2])
def test_only_steps_that_count_must_be_finite(step: int) -> None:
    decisions = script(3, videos=2, frames=1, stop=0)
    decisions[1, 0, 1, 1, 3] = 0.1  # the second video stops in its second step
    decisions[1, 0, 2, step, 9] = np.nan
    videos = Videos(CONFIG, 2, 2, (STEPS,), ())
    if step == 2:
        play(videos, decisions, 60, REQUIREMENT)
    else:
        with pytest.raises(NotFiniteError):
            play(videos, decisions, 60, REQUIREMENT)


def test_a_pad_that_was_chosen_as_a_cell_is_a_fault() -> None:
    decisions = script(4, videos=1, frames=1, stop=0)
    decisions[0, 0, 0, 0, 3] = CONFIG.pad_id
    with pytest.raises(NotFiniteError, match="id of a pad as a cell"):
        play(Videos(CONFIG, 1, 2, (STEPS,), ()), decisions, 60, None)
