"""What upstream has no word for: the sliding window, however long the stream has run."""

from __future__ import annotations

from typing import Any

import numpy as np
import oracle
import pytest
from recording import RecordingVideo

from autogaze_web import AutoGaze
from autogaze_web.model.controls import StreamControls
from autogaze_web.model.coverage import CoverageStop
from autogaze_web.model.gaze import Gaze
from autogaze_web.native.streams import Stream

FRAMES = oracle.video_of(oracle.read("tiny", "stream_20"))[0]
POSITIONS_OF_100000_FRAMES = 100_000 * (16 + 21)


@pytest.fixture(scope="module")
def model(folder: Any) -> AutoGaze:
    return AutoGaze.from_pretrained(folder("tiny"))


def same(one: Gaze, other: Gaze) -> bool:
    return np.array_equal(one.gazing_pos, other.gazing_pos) and np.array_equal(
        one.if_padded_gazing, other.if_padded_gazing
    )


@pytest.mark.parametrize("window", [1, 4, 16, None])
def test_positions_may_be_as_large_as_they_like(model: AutoGaze, window: int | None) -> None:
    early, late = (
        Stream(model, StreamControls(0.75, 0.7, window, first_position=start))
        for start in (0, POSITIONS_OF_100000_FRAMES)
    )
    for frame in FRAMES:
        one, other = early.step(frame), late.step(frame)
        assert same(one, other)
        np.testing.assert_allclose(one.confidence, other.confidence, atol=1e-4)


def test_memory_is_constant(model: AutoGaze, recorded: list[RecordingVideo]) -> None:
    stream = model.stream(0.75, window=4)
    capacities = []
    for _ in range(8):
        for frame in FRAMES:
            stream.step(frame)
        capacities.append(recorded[0]._context[0].shape[1])
    assert len(set(capacities)) == 1
    assert capacities[0] <= 4 * (16 + 21) + 256 + 8


def test_a_window_forgets_what_lies_before_it(model: AutoGaze, recorded: list[RecordingVideo]) -> None:
    """Rows in sight: those of the last frames alone, and no more than the window holds."""
    stream = model.stream(0.75, window=3)
    gazes = [stream.step(frame) for frame in FRAMES]
    for t, gaze in enumerate(gazes):
        frame_calls = [call for call in recorded[0].calls if call.is_frame]
        kept = gazes[max(0, t - 2) : t]
        visible = int((~np.concatenate([g.if_padded_gazing[0] for g in [*kept, gaze]])).sum())
        assert frame_calls[t].visible <= 16 * (len(kept) + 1) + visible


def test_a_window_of_one_frame_sees_that_frame_alone(model: AutoGaze) -> None:
    """The trunk remembers two frames, so the same frame three times over gives the same answer ever after."""
    stream = model.stream(0.75, 0.7, window=1)
    for _ in range(2):
        stream.step(FRAMES[3])
    first = stream.step(FRAMES[3])
    other = model.stream(0.75, 0.7, window=1)
    for frame in FRAMES[:7]:
        other.step(frame)
    for _ in range(2):
        other.step(FRAMES[3])
    assert same(first, other.step(FRAMES[3]))


def test_ids_count_from_zero_in_every_frame(model: AutoGaze) -> None:
    stream = model.stream(0.5)
    for frame in FRAMES[:3]:
        gaze = stream.step(frame)
        assert gaze.gazing_pos.max() < 21
        assert len(gaze.cells()) == 10


def test_streams_do_not_share_state(model: AutoGaze) -> None:
    one, other = model.stream(0.75), model.stream(0.75)
    first = [one.step(frame) for frame in FRAMES[:3]]
    assert all(same(gaze, other.step(frame)) for gaze, frame in zip(first, FRAMES[:3], strict=True))


@pytest.mark.parametrize("window", [0, -1, 1.5, True, "all"])
def test_windows_that_are_none(model: AutoGaze, window: Any) -> None:
    with pytest.raises(ValueError, match="window must be"):
        model.stream(window=window)


@pytest.mark.parametrize("share", [0.3, 0.75])
def test_a_frame_ends_once_its_cells_cover_enough(model: AutoGaze, share: float) -> None:
    stop = CoverageStop(model.layout, share)
    heads = model.config.decoder.num_multi_token_pred
    whole, ended = (model.stream(1.0, coverage_stop=value) for value in (None, share))
    for index, frame in enumerate(FRAMES[:4]):
        gaze = ended.step(frame)
        tokens = gaze.gazing_pos[0].tolist()
        budget = stop.budget(model.layout.tokens, heads)
        assert stop.met(tokens) or len(tokens) == budget
        assert not stop.met(tokens[:-heads])
        if index == 0:  # later frames have another past
            assert tokens == whole.step(frame).gazing_pos[0].tolist()[: len(tokens)]
