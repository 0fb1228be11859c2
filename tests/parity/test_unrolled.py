"""The browser's way of running, natively: steps unrolled, static shapes, a context of fixed capacity."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import oracle
import pytest

from autogaze_web.graph.attention import gpu_capacity
from autogaze_web.graph.build import TARGETS, Target
from autogaze_web.model.checkpoint import Checkpoint
from autogaze_web.model.clips import context_capacity
from autogaze_web.model.context import ContextFullError
from autogaze_web.model.controls import resolve_controls
from autogaze_web.model.gaze import Gaze, assemble
from autogaze_web.model.generation import Videos
from autogaze_web.model.lockstep import in_turn
from autogaze_web.native.runtime import NativeRuntime, NativeVideo, drive

GENERATING = ("generate", "batch", "stream", "steps")
CONFIGURATIONS = {
    "one run a frame": ((7,), (1,)),
    "a short and a long graph": ((2, 5), (1,)),
    "chunks of steps": ((1,), (2,)),
    "more steps than needed": ((3,), (4,)),
    "as many steps as expected": ((1, 2), (1, 2, 4)),
}


def run_case(
    case: oracle.Case,
    runtime: NativeRuntime,
    steps: tuple[tuple[int, ...], tuple[int, ...]],
    capacity: int | None,
) -> tuple[Gaze, list[int]]:
    """The case's gaze, ids counted over all frames, and how many runs each frame of a video took."""
    config = runtime.checkpoint.config
    clip = oracle.video_of(case)
    batch, frames = clip.shape[:2]
    controls = resolve_controls(config, **case["request"], batch=batch, frames=frames)
    videos = Videos(config, batch, None, *steps, capacity)
    tensors = [NativeVideo(runtime) for _ in range(batch)]
    runs: list[int] = []
    gazes = []
    for t, budget in enumerate(controls.budgets):
        images = [np.ascontiguousarray(frame[None]) for frame in clip[:, t]]
        frame = in_turn(videos.frame(images, budget, [row[t] for row in controls.requirements]))
        runs.append(0)

        def counted(frame=frame):  # type: ignore[no-untyped-def]
            decisions = None
            while True:
                try:
                    request = frame.send(decisions)
                except StopIteration as stop:
                    return stop.value
                runs[-1] += 1
                decisions = yield request

        gazes.append(drive(counted(), tensors))
    return assemble(gazes, config, controls.requirements), runs


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_tokens_are_the_same_however_steps_are_unrolled(
    name: str, target: Target, folder: Callable[[str], Path]
) -> None:
    capacity = 20 * (16 + 24) + 24
    if target == "gpu":
        capacity = gpu_capacity(capacity)
    runtime = NativeRuntime(Checkpoint.from_folder(folder("tiny")), capacity=capacity, target=target)
    for param in oracle.case_params(*GENERATING, models=("tiny",)):
        case = oracle.read(*param.values)
        if case["input"].get("width") != 64:
            continue
        gaze, runs = run_case(case, runtime, CONFIGURATIONS[name], capacity)
        expected = case["expected"]
        frame = np.repeat(np.arange(len(runs)), gaze.num_gazing_each_frame)
        offset = 21 * frame if case["kind"] == "stream" else 0
        ids = gaze.gazing_pos - offset
        assert ids.ravel().tolist() == np.ravel(expected["gazing_pos"]).tolist(), param.id
        assert (
            gaze.if_padded_gazing.ravel().tolist()
            == np.ravel(expected["if_padded_gazing"]).astype(bool).tolist()
        )
        if name == "one run a frame" and case["kind"] != "batch":
            assert set(runs) == {1}


@pytest.mark.parametrize("target", TARGETS)
def test_full_in_one_run_a_frame(target: Target, folder: Callable[[str], Path]) -> None:
    if not (oracle.FULL / "cases" / "full").exists():
        pytest.skip(oracle.HOW_TO)
    case = oracle.read("full", "generate_4")
    checkpoint = Checkpoint.from_folder(folder("full"))
    capacity = context_capacity(checkpoint.config, 20)
    if target == "gpu":
        capacity = gpu_capacity(capacity)
    runtime = NativeRuntime(checkpoint, capacity=capacity, target=target)
    gaze, runs = run_case(case, runtime, ((2, 20), (1,)), capacity)
    assert gaze.gazing_pos.tolist() == case["expected"]["gazing_pos"]
    assert runs == [1] * 4


def test_the_exported_capacity_holds_a_window(folder: Callable[[str], Path]) -> None:
    config = Checkpoint.from_folder(folder("tiny")).config
    capacity = context_capacity(config, 5)

    def stream(rows: int) -> None:
        video = Videos(config, 1, config.max_num_frames, (5,), (1,), rows)
        decisions = np.zeros((3, 5, 3), np.float32)
        decisions[0] = np.arange(15).reshape(5, 3)
        for _ in range(40):
            frame = video.frame([None], 15, [None])
            next(frame)
            with pytest.raises(StopIteration):
                frame.send([decisions])

    stream(capacity)
    spare = config.decoder.num_multi_token_pred  # the newest frame's last step still waits
    stream(capacity - spare)
    with pytest.raises(ContextFullError):
        stream(capacity - spare - 1)


def test_a_budget_that_no_graph_can_run(folder: Callable[[str], Path]) -> None:
    config = Checkpoint.from_folder(folder("tiny")).config
    frame = Videos(config, 1, 16, (2,), ()).frame([None], 7, [None])
    with pytest.raises(ValueError, match="7 tokens takes 3 steps, but the largest frame graph has 2"):
        next(frame)
