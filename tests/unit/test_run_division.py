"""How the steps of a frame are divided into runs: what a frame costs follows the tokens that it takes."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from released import RELEASED

from autogaze_web.graph.export import FRAME_STEPS, MORE_STEPS
from autogaze_web.model.config import AutoGazeConfig
from autogaze_web.model.generation import Videos
from autogaze_web.model.graph_choice import choose_graphs, graphs_of

CONFIG = AutoGazeConfig.from_dict(RELEASED)
HEADS = CONFIG.decoder.num_multi_token_pred


def runs_of(videos: Videos, budget: int, stop_after: int | None = None) -> list[tuple[str, int]]:
    """Graph and steps of each run of a frame whose requirement is met in step ``stop_after``, 1 or later."""
    frame = videos.frame([None], budget, [None if stop_after is None else 0.5])
    ((_, run),) = next(frame)
    runs, done = [], 0
    while True:
        runs.append((run.graph, run.steps))
        decisions = np.ones((3, run.steps, HEADS), np.float32)
        decisions[0] = np.arange(run.steps * HEADS).reshape(run.steps, HEADS) + done * HEADS
        if stop_after is not None and done < stop_after <= done + run.steps:
            decisions[1, stop_after - 1 - done, 1:] = 0.1
        done += run.steps
        try:
            ((_, run),) = frame.send([decisions])
        except StopIteration as stop:
            slots = stop.value
            break
    assert slots.steps == [stop_after or -(-budget // HEADS)]
    return runs


def new_video() -> Videos:
    return Videos(CONFIG, 1, None, FRAME_STEPS, MORE_STEPS)


def steps(*counts: int) -> list[tuple[str, int]]:
    first, *more = counts
    return [("frame", first), *(("steps", count) for count in more)]


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (1, steps(2)),
        (20, steps(2)),
        (30, steps(3)),
        (31, steps(3, 1)),
        (64, steps(3, 4)),
        (60, steps(3, 4)),
        (100, steps(3, 8)),
        (150, steps(3, 8, 4)),
        (198, steps(3, 8, 8, 1)),
        (265, steps(3, 8, 8, 8)),
    ],
)
def test_a_budget_that_nothing_ends_early_takes_just_its_steps(
    budget: int, expected: list[tuple[str, int]]
) -> None:
    assert runs_of(new_video(), budget) == expected


@pytest.mark.parametrize("budget", range(31, 266))
def test_above_the_frame_graphs_one_step_at_most_is_computed_in_vain_and_runs_are_few(budget: int) -> None:
    runs = runs_of(new_video(), budget)
    assert 0 <= sum(count for _, count in runs) - -(-budget // HEADS) <= 1
    assert len(runs) <= 5


def test_a_frame_is_expected_to_take_the_steps_of_the_frame_before() -> None:
    video = new_video()
    # Nothing is known of the first frame: after a frame graph ever more steps are tried.
    assert runs_of(video, 198, stop_after=9) == steps(3, 1, 2, 4)
    assert runs_of(video, 198, stop_after=9) == steps(3, 4, 2)
    assert runs_of(video, 198, stop_after=1) == steps(3)
    assert runs_of(video, 198, stop_after=1) == steps(2)
    assert runs_of(video, 198, stop_after=2) == steps(2)
    assert runs_of(video, 198, stop_after=20) == steps(2, 1, 2, 4, 8, 4)
    assert runs_of(video, 198, stop_after=20) == steps(3, 8, 8, 1)
    assert runs_of(video, 198, stop_after=4) == steps(3, 8)
    # A small budget that one run covers is not divided.
    assert runs_of(video, 25, stop_after=1) == steps(3)


def test_steps_computed_in_vain_are_less_than_those_of_two_frames() -> None:
    random = np.random.default_rng(0)
    video, last = new_video(), 3
    for _ in range(300):
        taken = int(random.integers(1, 21))
        computed = sum(count for _, count in runs_of(video, 198, stop_after=taken))
        assert computed - taken <= max(2, taken, last)
        last = taken


def graph(kind: str, count: int, capacity: int | None, target: str) -> dict[str, Any]:
    name = {"file": f"{kind}-{count}-{capacity}-{target}.onnx", "kind": kind, "steps": count}
    return {**name, "capacity": capacity, "target": target, "inputs": {}, "outputs": {}, "weights": []}


def chosen(
    graphs: list[dict[str, Any]], tokens: int, target: str, more: bool = False
) -> list[tuple[str, int, int | None]]:
    manifest = {"version": 2, "architecture": asdict(CONFIG), "graphs": graphs}
    found = json.loads(choose_graphs(json.dumps(manifest), CONFIG, tokens, more, target))
    return [(each["kind"], each["steps"], each["capacity"]) for each in found]


EXPORTED = [
    *(graph("frame", count, None, "cpu") for count in (2, 3)),
    *(graph("steps", count, None, "cpu") for count in (1, 8)),
    *(graph("tiles", count, None, "cpu") for count in (2, 3)),
    *(graph("frame", *each, "gpu") for each in ((2, 384), (3, 768), (2, 1152), (3, 1152))),
    *(graph("steps", count, 1152, "gpu") for count in (1, 8)),
    *(graph("tiles", count, None, "gpu") for count in (2, 3, 20)),
]


def test_small_budgets_take_one_small_graph_and_large_ones_those_that_share_a_context() -> None:
    all_of_cpu = [*(("frame", s, None) for s in (2, 3)), *(("steps", s, None) for s in (1, 8))]
    assert chosen(EXPORTED, 16, "cpu") == [("frame", 2, None), ("tiles", 2, None)]
    assert chosen(EXPORTED, 24, "cpu") == [("frame", 3, None), ("tiles", 3, None)]
    assert chosen(EXPORTED, 198, "cpu") == all_of_cpu
    all_of_gpu = [*(("frame", s, 1152) for s in (2, 3)), *(("steps", s, 1152) for s in (1, 8))]
    assert chosen(EXPORTED, 16, "gpu") == [("frame", 2, 384), ("tiles", 2, None)]
    assert chosen(EXPORTED, 24, "gpu") == [("frame", 3, 768), ("tiles", 3, None)]
    assert chosen(EXPORTED, 198, "gpu") == [*all_of_gpu, ("tiles", 20, None)]
    # Padding a batch takes steps graphs, whatever the budget.
    assert chosen(EXPORTED, 16, "gpu", more=True) == [*all_of_gpu, ("tiles", 2, None)]


def test_graphs_of_earlier_exports_still_run() -> None:
    """One frame graph for each budget, of a context of its own, and one steps graph."""
    earlier = [
        *(graph("frame", *each, "cpu") for each in ((2, 300), (20, 900))),
        graph("steps", 1, 900, "cpu"),
    ]
    assert chosen(earlier, 16, "cpu") == [("frame", 2, 300)]
    assert chosen(earlier, 198, "cpu") == [("frame", 20, 900)]
    assert chosen(earlier, 265, "cpu") == [("frame", 20, 900), ("steps", 1, 900)]
    graphs = graphs_of(json.dumps(earlier[1:]))
    assert (graphs.frame_steps, graphs.more_steps, graphs.capacity) == ((20,), (1,), 900)


def test_frame_and_steps_graphs_without_a_common_context() -> None:
    """Steps graphs of a larger context than any frame graph has help nobody."""
    more = [*EXPORTED, graph("steps", 4, 2048, "gpu")]
    assert chosen(more, 198, "gpu") == chosen(EXPORTED, 198, "gpu")
    apart = [graph("frame", 2, 384, "gpu"), graph("steps", 1, 1152, "gpu")]
    assert chosen(apart, 16, "gpu") == [("frame", 2, 384)]
    for tokens, padded in ((198, False), (16, True)):
        with pytest.raises(ValueError, match=r"no frame graph with the context of a steps graph .*export"):
            chosen(apart, tokens, "gpu", padded)
