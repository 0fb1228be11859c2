"""Generation against recordings of NVIDIA's code: tokens exactly, numbers within the recorded tolerances."""

from __future__ import annotations

from typing import Any

import numpy as np
import oracle
import pytest
from recording import Call, RecordingVideo
from synthetic_formula import decoded

from autogaze_web.model.gaze import Gaze
from autogaze_web.model.square_tiles import SquareTiles

LOGITS, TASK_LOSS, ATTENTION = 1e-3, 1e-4, 2e-4


def check_slots(gaze: Gaze, expected: dict[str, Any]) -> None:
    np.testing.assert_array_equal(gaze.num_gazing_each_frame, expected["num_gazing_each_frame"])
    np.testing.assert_array_equal(gaze.if_padded_gazing, np.array(expected["if_padded_gazing"], bool))
    np.testing.assert_array_equal(gaze.gazing_pos, expected["gazing_pos"])
    assert (gaze.confidence[~gaze.if_padded_gazing] > 0).all()
    assert (gaze.confidence <= 1).all()
    assert (gaze.confidence[gaze.if_padded_gazing] == 0).all()
    chosen = sum(mask.sum(axis=2) for mask in gaze.gazing_mask)
    np.testing.assert_array_equal(np.transpose(chosen), expected["valid_each_frame"])


def check_calls(videos: list[RecordingVideo], expected: dict[str, Any], pad_id: int) -> None:
    """Each decoder call of each video: what was cached, fed, seen, and predicted."""
    losses = decoded(expected["call_task_loss_prediction"])
    for b, video in enumerate(videos):
        assert len(video.calls) == len(expected["calls"])
        for c, (call, (_, cached, fed, _)) in enumerate(zip(video.calls, expected["calls"], strict=True)):
            assert call.cached == cached
            positions = call.run.positions
            if call.is_frame:
                positions = positions[: -call.decisions.shape[2]][-fed:]
            assert [positions[0], positions[-1]] == expected["call_positions"][c][b]
            assert call.visible == expected["call_mask_sums"][c][b]
            np.testing.assert_allclose(call.decisions[1, 0], losses[c, b], rtol=0, atol=TASK_LOSS)
        check_first_logits([call for call in video.calls if call.is_frame], b, expected, pad_id)


def check_first_logits(frames: list[Call], b: int, expected: dict[str, Any], pad_id: int) -> None:
    """The raw logits of each frame's first call; our graph has already hidden end-of-sequence."""
    ids, top = np.array(expected["first_step_top3_ids"]), decoded(expected["first_step_top3_logits"])
    whole = dict(
        zip(expected["first_step_logits_frames"], decoded(expected["first_step_logits"]), strict=True)
    )
    for t, call in enumerate(frames):
        logits = call.probed["logits_0"][0]
        allowed = ids[t, b] != pad_id
        ours = np.take_along_axis(logits, ids[t, b], axis=1)
        np.testing.assert_allclose(ours[allowed], top[t, b][allowed], rtol=0, atol=LOGITS)
        if t in whole:
            np.testing.assert_allclose(logits[:, :pad_id], whole[t][b][:, :pad_id], rtol=0, atol=LOGITS)


@pytest.mark.parametrize(("model", "name"), oracle.case_params("generate", "batch", "steps"))
def test_generate(model: str, name: str, probed_model: Any, recorded: list[RecordingVideo]) -> None:
    case = oracle.read(model, name)
    gazer = probed_model(model)
    gaze = gazer.generate(oracle.video_of(case), **case["request"])
    check_slots(gaze, case["expected"])
    np.testing.assert_array_equal(gaze.decoder_steps_each_frame, case["expected"]["decoder_steps_each_frame"])
    check_calls(recorded, case["expected"], gazer.config.pad_id)


@pytest.mark.parametrize(("model", "name"), oracle.case_params("batch"))
def test_a_video_of_a_batch_run_alone(model: str, name: str, probed_model: Any) -> None:
    case = oracle.read(model, name)
    for clip, expected in zip(oracle.video_of(case), case["expected"]["alone"], strict=True):
        check_slots(probed_model(model).generate(clip[None], **case["request"]), expected)


@pytest.mark.parametrize(("model", "name"), oracle.case_params("stream"))
def test_stream(model: str, name: str, probed_model: Any, recorded: list[RecordingVideo]) -> None:
    case = oracle.read(model, name)
    gazer, expected = probed_model(model), case["expected"]
    stream = gazer.stream(**case["request"], window=None)
    gazes = [stream.step(frame) for frame in oracle.video_of(case)[0]]
    positions = np.concatenate([g.gazing_pos for g in gazes], axis=1)
    padded = np.concatenate([g.if_padded_gazing for g in gazes], axis=1)
    np.testing.assert_array_equal(positions.ravel(), np.ravel(expected["gazing_pos"]))
    np.testing.assert_array_equal(padded.ravel(), np.ravel(expected["if_padded_gazing"]).astype(bool))
    assert [int(g.num_gazing_each_frame[0]) for g in gazes] == expected["num_gazing_each_frame"]
    check_calls(recorded, expected, gazer.config.pad_id)


@pytest.mark.parametrize(("model", "name"), oracle.case_params("stream"))
def test_a_windowed_stream_equals_upstream_within_the_window(
    model: str, name: str, probed_model: Any
) -> None:
    case = oracle.read(model, name)
    stream = probed_model(model).stream(**case["request"])
    flat, start = np.ravel(case["expected"]["gazing_pos"]), 0
    for t, frame in enumerate(oracle.video_of(case)[0]):
        slots = case["expected"]["num_gazing_each_frame"][t]
        gaze = stream.step(frame)
        if t < 16:
            np.testing.assert_array_equal(gaze.gazing_pos[0], flat[start : start + slots])
        start += slots


@pytest.mark.parametrize(("model", "name"), oracle.case_params("tiles"))
def test_tiles(model: str, name: str, probed_model: Any, recorded: list[RecordingVideo]) -> None:
    case = oracle.read(model, name)
    gazer, expected, video = probed_model(model), case["expected"], oracle.video_of(case)
    request = dict(case["request"])
    gaze = gazer.generate(video, **request)
    check_slots(gaze, expected)
    assert gaze.num_vision_tokens_each_frame == expected["num_vision_tokens_each_frame"]
    ones = [
        [[np.flatnonzero(cells).tolist() for cells in clip] for clip in mask] for mask in gaze.gazing_mask
    ]
    assert ones == expected["gazing_mask"]
    check_calls(recorded, expected["tiles"], gazer.config.pad_id)

    square = SquareTiles.plan(gazer.config, request.pop("target_scales"), request.pop("target_patch_size"))
    assert square is not None
    tiles = square.split(video)
    assert list(tiles.shape) == expected["tiles_shape"]
    check_slots(gazer.generate(tiles, **request), expected["tiles"])


@pytest.mark.parametrize(("model", "name"), oracle.case_params("steps"))
def test_every_call_from_inside(
    model: str, name: str, probed_model: Any, recorded: list[RecordingVideo]
) -> None:
    case = oracle.read(model, name)
    gazer, expected = probed_model(model), case["expected"]
    gazer.generate(oracle.video_of(case), **case["request"])
    calls = recorded[0].calls
    heads, pad_id = gazer.config.decoder.num_multi_token_pred, gazer.config.pad_id
    for call, positions, tokens in zip(calls, expected["position_ids"], expected["input_ids"], strict=True):
        ours = call.run.positions[:-heads] if call.is_frame else call.run.positions
        np.testing.assert_array_equal(ours[-len(positions[0]) :], positions[0])
        if tokens is not None:
            np.testing.assert_array_equal(call.run.feeds["tokens"], tokens[0])
    for c, logits in zip(expected["call_logits_calls"], decoded(expected["call_logits"]), strict=True):
        ours = calls[c].probed["logits_0"][0]
        free = ours > -1e29
        assert not free[:, pad_id].any()
        np.testing.assert_allclose(ours[free], logits[0][free], rtol=0, atol=LOGITS)

    first, last_row = calls[0], heads + gazer.config.vision_tokens - 1
    layers = gazer.config.decoder.num_hidden_layers
    for i, wanted in enumerate(decoded(expected["prefill_last_token_layer_outputs"])):
        ours = first.probed[f"layer_outputs_{i}"][-1]
        np.testing.assert_allclose(ours, wanted[0], rtol=0, atol=case["tolerance"]["embeds"])
        key, value = first.new[i][:, last_row], first.new[layers + i][:, last_row]
        halves = np.concatenate([key[:, ::2], key[:, 1::2]], axis=1)  # our rotary pairs lie side by side
        np.testing.assert_allclose(
            halves, decoded(expected["prefill_last_token_k"])[i, 0], rtol=0, atol=ATTENTION
        )
        np.testing.assert_allclose(
            value, decoded(expected["prefill_last_token_v"])[i, 0], rtol=0, atol=ATTENTION
        )


@pytest.mark.parametrize(("model", "name"), oracle.case_params("embed"))
def test_vision_trunk(model: str, name: str, probed_model: Any, recorded: list[RecordingVideo]) -> None:
    case = oracle.read(model, name)
    gazer, expected = probed_model(model), case["expected"]
    gazer.generate(oracle.video_of(case), gazing_ratio=0)
    calls = recorded[0].calls
    tolerances = {
        "patch_conv": ATTENTION,
        "after_norm": ATTENTION,
        "video_embeds": case["tolerance"]["embeds"],
    }
    for kind, tolerance in tolerances.items():
        wanted, tokens = decoded(expected[kind]["values"])[0], expected[kind]["tokens"]
        ours = np.stack([call.probed[f"{kind}_0"] for call in calls])
        if kind == "patch_conv":  # (T,1,C,G,G) to (T,tokens,C)
            ours = ours.reshape(*ours.shape[:3], -1).transpose(0, 1, 3, 2)[:, 0]
        np.testing.assert_allclose(ours[:, tokens], wanted, rtol=0, atol=tolerance)
