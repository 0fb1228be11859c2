"""Batches on the tiles graph against NVIDIA's recordings, whatever the size of a batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import oracle
import pytest
from native_batch import NativeBatch, drive_batches

from autogaze_web.graph.build import TARGETS, Target
from autogaze_web.model.checkpoint import Checkpoint
from autogaze_web.model.clips import Graphs, StreamGeneration, context_capacity
from autogaze_web.model.controls import StreamControls, resolve_controls
from autogaze_web.model.gaze import assemble
from autogaze_web.model.generation import Videos
from autogaze_web.model.lockstep import lockstep
from autogaze_web.model.square_tiles import SquareTiles
from autogaze_web.native.runtime import NativeRuntime, NativeVideo, drive

STEPS, CAPACITY = 7, 520


@pytest.fixture(scope="module")
def runtime(folder: Callable[[str], Path]) -> NativeRuntime:
    return NativeRuntime(Checkpoint.from_folder(folder("tiny")), 1)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("size", [1, 3, 16])
@pytest.mark.parametrize(("model", "name"), oracle.case_params("tiles", "batch", models=("tiny",)))
def test_recorded_batches(model: str, name: str, size: int, target: Target, runtime: NativeRuntime) -> None:
    """Upstream's own batches, in which rows that stop early are padded (rule 19)."""
    case = oracle.read(model, name)
    config, request, clip = runtime.checkpoint.config, dict(case["request"]), oracle.video_of(case)
    square = None
    if case["kind"] == "tiles":
        square = SquareTiles.plan(config, request.pop("target_scales"), request.pop("target_patch_size"))
        assert square is not None
        clip = square.split(clip)
    count, frames = clip.shape[:2]
    controls = resolve_controls(config, **request, batch=count, frames=frames)
    videos = Videos(config, count, None, (STEPS,), (1,), CAPACITY)
    batches = [NativeBatch(runtime, size, CAPACITY, STEPS, target) for _ in range(-(-count // size))]
    gazes = []
    for t, budget in enumerate(controls.budgets):
        images = [np.ascontiguousarray(frame[None]) for frame in clip[:, t]]
        wanted = [row[t] for row in controls.requirements]
        gazes.append(drive_batches(videos.frame(images, budget, wanted), batches))
    gaze = assemble(gazes, config, controls.requirements)
    expected = case["expected"]["tiles"] if square else case["expected"]
    np.testing.assert_array_equal(gaze.gazing_pos, expected["gazing_pos"])
    np.testing.assert_array_equal(gaze.if_padded_gazing, np.array(expected["if_padded_gazing"], bool))
    np.testing.assert_array_equal(gaze.num_gazing_each_frame, expected["num_gazing_each_frame"])


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("requirement", "window"), [(None, 2), (0.7, 2), (0.7, 1), (0.7, 4)])
def test_streams_side_by_side_are_the_streams_alone(
    requirement: float | None, window: int, target: Target, runtime: NativeRuntime
) -> None:
    """The context of a window never runs full, and the last place of the batch stays empty."""
    config = runtime.checkpoint.config
    capacity = context_capacity(config, STEPS, window)
    clips = np.random.default_rng(7).normal(size=(3, 7, 3, 64, 64)).astype(np.float32)
    controls = StreamControls(0.75, requirement, window)
    together = [StreamGeneration(config, Graphs((STEPS,), (), capacity), controls) for _ in clips]
    alone = [StreamGeneration(config, Graphs(), controls) for _ in clips]
    tensors = [NativeVideo(runtime) for _ in clips]
    batch = NativeBatch(runtime, 4, capacity, STEPS, target)
    for frames in clips.transpose(1, 0, 2, 3, 4):
        rounds = lockstep([stream.runs(frame) for stream, frame in zip(together, frames, strict=True)])
        ours = drive_batches(rounds, [batch])
        for gaze, stream, frame, tensor in zip(ours, alone, frames, tensors, strict=True):
            theirs = drive(stream.runs(frame), [tensor])
            np.testing.assert_array_equal(gaze.gazing_pos, theirs.gazing_pos)
            np.testing.assert_array_equal(gaze.if_padded_gazing, theirs.if_padded_gazing)
            np.testing.assert_allclose(gaze.confidence, theirs.confidence, atol=1e-5)
