"""Streams that share one session and are computed as one batch choose what each of them alone chooses."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from autogaze_web import AutoGaze, Tiling
from autogaze_web.model.gaze import Gaze
from autogaze_web.model.generation import NotFiniteError
from autogaze_web.native import batch
from autogaze_web.native.batch import NativeBatch
from autogaze_web.native.devices import CPU, CUDA
from autogaze_web.native.runtime import NativeRuntime

MODEL = Path(__file__).parents[2] / "site" / "model"
WINDOW, TOKENS = 3, 12
"""Some rows of the context are used again, and the second step's budget is cut."""


@pytest.fixture(scope="module")
def model() -> AutoGaze:
    return AutoGaze.from_pretrained(MODEL, threads=1)


@pytest.fixture(scope="module")
def clips() -> NDArray[np.float32]:
    """(4,6,3,224,224): noise that moves, so that frames differ in what they need."""
    stream = np.random.default_rng(20)
    noise = stream.normal(size=(4, 1, 3, 224, 224)) * stream.uniform(0.1, 1, size=(4, 6, 1, 1, 1))
    return np.roll(noise, 9, axis=-1).astype(np.float32)


@pytest.fixture(scope="module")
def alone(model: AutoGaze, clips: NDArray[np.float32]) -> list[list[Gaze]]:
    streams = [model.stream(1.0, 0.7, WINDOW, TOKENS) for _ in clips]
    return [[stream.step(frame) for frame in clip] for stream, clip in zip(streams, clips, strict=True)]


def assert_same(ours: Gaze | None, theirs: Gaze) -> None:
    assert ours is not None
    np.testing.assert_array_equal(ours.gazing_pos, theirs.gazing_pos)
    np.testing.assert_array_equal(ours.if_padded_gazing, theirs.if_padded_gazing)
    np.testing.assert_allclose(ours.confidence, theirs.confidence, atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_group_chooses_what_its_streams_alone_choose(
    count: int, model: AutoGaze, clips: NDArray[np.float32], alone: list[list[Gaze]]
) -> None:
    streams = model.streams(count, 1.0, 0.7, WINDOW, TOKENS)
    assert len(streams) == count
    stopped = 0
    for index in range(clips.shape[1]):
        for place, gaze in enumerate(streams.step(list(clips[:count, index]))):
            assert_same(gaze, alone[place][index])
            stopped += bool(gaze is not None and gaze.if_padded_gazing.any())
    assert stopped, "some frames are to end early"


def test_a_place_that_nobody_asked_for_changes_nothing(
    model: AutoGaze,
    clips: NDArray[np.float32],
    alone: list[list[Gaze]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    computed: list[int] = []
    run = NativeBatch._run

    def counted(self: NativeBatch, session: Any, feeds: Any, *more: Any) -> Any:
        if "frame" in feeds:  # it also moves contexts
            computed.append(len(feeds["frame"]))
        return run(self, session, feeds, *more)

    monkeypatch.setattr(NativeBatch, "_run", counted)
    monkeypatch.setattr(batch, "places_for", lambda size, _: size + 1)
    streams = model.streams(2, 1.0, 0.7, WINDOW, TOKENS)
    for index in range(clips.shape[1]):
        for place, gaze in enumerate(streams.step(list(clips[:2, index]))):
            assert_same(gaze, alone[place][index])
    assert set(computed) == {3}


def test_only_a_stream_that_there_is_can_be_restarted(model: AutoGaze) -> None:
    streams = model.streams(2, max_tokens=TOKENS)
    for place in (-1, 2, 0.0, True):
        with pytest.raises(ValueError, match=r"the streams are 0 to 1, got"):
            streams.restart(place)  # type: ignore[arg-type]


def test_no_stream_is_restarted_while_a_frame_is_computed(model: AutoGaze) -> None:
    streams = model.streams(2, max_tokens=TOKENS)
    with streams._in_use, pytest.raises(RuntimeError, match="another thread"):
        streams.restart(0)


def test_cuda_computes_no_batch_of_as_many_videos_as_heads(model: AutoGaze) -> None:
    heads = model.config.decoder.num_attention_heads
    cpu = model.runtime
    cuda: Any = SimpleNamespace(providers=[CUDA, CPU], checkpoint=cpu.checkpoint)
    sizes = range(1, 2 * heads)
    assert [batch.places_for(size, cpu) for size in sizes] == list(sizes)
    assert [batch.places_for(size, cuda) for size in sizes] == [size + (size == heads) for size in sizes]


def test_a_place_takes_another_video_when_one_has_ended(
    model: AutoGaze, clips: NDArray[np.float32], alone: list[list[Gaze]]
) -> None:
    """Videos of 2 and of 4 frames, then a third in the place of the first; nothing of it remains."""
    streams = model.streams(2, 1.0, 0.7, WINDOW, TOKENS)
    for index in range(2):
        streams.step([clips[0, index], clips[1, index]])
    ended, gaze = streams.step([None, clips[1, 2]])
    assert ended is None
    assert_same(gaze, alone[1][2])
    with pytest.raises(ValueError, match="stream 0 has ended: restart it before its next frame"):
        streams.step([clips[2, 0], clips[1, 3]])
    streams.restart(0)
    for index in range(4):
        gazes = streams.step([clips[2, index], clips[1, 3 + index] if index < 3 else None])
        assert_same(gazes[0], alone[2][index])
        if index < 3:
            assert_same(gazes[1], alone[1][3 + index])
    assert streams.step([None, None]) == [None, None]


def test_a_place_that_computed_nan_can_be_used_again(
    model: AutoGaze, clips: NDArray[np.float32], alone: list[list[Gaze]], monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = model.streams(2, 1.0, 0.7, WINDOW, TOKENS)
    with monkeypatch.context() as patch:
        patch.setattr("autogaze_web.native.streams.check_frame", lambda frame: frame)
        patch.setattr("autogaze_web.model.clips.check_frame", lambda frame: frame)
        with pytest.raises(NotFiniteError):
            streams.step([np.full_like(clips[0, 0], np.nan), clips[1, 0]])
    for place in range(2):
        with pytest.raises(ValueError, match="has ended"):
            streams.step([clips[0, 0], clips[1, 0]])
        streams.restart(place)
    for index in range(2):
        for place, gaze in enumerate(streams.step(list(clips[:2, index]))):
            assert_same(gaze, alone[place][index])


def test_wrong_arguments_end_in_a_sentence(model: AutoGaze, clips: NDArray[np.float32]) -> None:
    with pytest.raises(ValueError, match="the number of streams is 1 to 1024, got 0"):
        model.streams(0)
    streams = model.streams(2, 1.0, 0.7, WINDOW, TOKENS)
    with pytest.raises(ValueError, match="a frame or None for each of 2 streams, got 1"):
        streams.step([clips[0, 0]])
    with pytest.raises(ValueError, match="a frame must have the shape"):
        streams.step([clips[0, 0], clips[0]])
    streams.step(list(clips[:2, 0]))  # the wrong calls ended nothing


def test_on_a_gpu_a_stream_keeps_its_context_on_the_device(
    model: AutoGaze, clips: NDArray[np.float32], alone: list[list[Gaze]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same calls on the CPU: a frame is one run of the graph for batches."""
    monkeypatch.setattr(NativeRuntime, "batches", True)
    stream = model.stream(1.0, 0.7, WINDOW, TOKENS)
    for frame, theirs in zip(clips[0], alone[0], strict=True):
        assert_same(stream.step(frame), theirs)


def test_on_a_gpu_tiles_are_a_batch(
    model: AutoGaze, clips: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three tiles in batches of two: the last one has a tile."""
    clip = np.concatenate(list(clips[:3, :2]), axis=-1)
    tiling = Tiling.anyres(*clip.shape[2:])

    def chosen() -> list[NDArray[np.float32]]:
        *_, last = model.generate_tiled(clip, tiling, 1.0, 0.7, max_tokens=TOKENS, batch_size=2)
        assert (last.done, last.total) == (3, 3)
        return [np.column_stack([f.start, f.end, f.confidence]) for f in last.frames]

    theirs = chosen()
    monkeypatch.setattr(NativeRuntime, "batches", True)
    for ours, expected in zip(chosen(), theirs, strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_on_a_cpu_tiles_of_one_step_are_batches(
    model: AutoGaze, clips: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = np.concatenate(list(clips[:3, :2]), axis=-1)
    tiling = Tiling.anyres(*clip.shape[2:])
    sizes = []
    execute = NativeBatch.execute
    monkeypatch.setattr(
        NativeBatch, "execute", lambda batch, runs: sizes.append(len(runs)) or execute(batch, runs)
    )

    def chosen() -> list[NDArray[np.float32]]:
        *_, last = model.generate_tiled(clip, tiling, 1.0, 0.7, max_tokens=8)
        return [np.column_stack([f.start, f.end, f.confidence]) for f in last.frames]

    together = chosen()
    assert sizes == [3, 3]
    monkeypatch.setattr("autogaze_web.native.autogaze.TILES_ON_CPU", 1)
    for ours, expected in zip(together, chosen(), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-5)
