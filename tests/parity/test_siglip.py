"""SiglipVisionModel answers what NVIDIA's code answers: clips, streams, batches, pads and plain images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import oracle
import pytest
import siglip_cases as cases
import synthetic_formula as formula

from autogaze_web import AutoGaze, GazingInfo, SiglipImageProcessor, SiglipVisionModel
from autogaze_web.encoder import encoding
from autogaze_web.encoder.rows import attention_bias, plan_rows
from autogaze_web.graph.encoder import position_table
from autogaze_web.graph.nodes import GraphBuilder
from autogaze_web.readout.encoder_input import gazed_patches, position_pyramid


@pytest.mark.parametrize("name", cases.names())
def test_features_are_upstreams(name, folder):
    case = cases.read(name)
    model = cases.model_of(case, folder)
    assert list(model.config.scales) == case["expected"]["scales"]
    assert model.config.patch_scales.patches == case["expected"]["tokens_each_frame"]
    output = model(cases.video_of(case), gazing_info=cases.gaze_of(case), output_hidden_states=True)
    assert cases.share_of_tolerance(case, output) <= 1


def streamed(name):
    """Whether a case can be fed frame by frame: no frame sees later ones or names patches of others."""
    return not any(word in str(name) for word in ("causal_", "bidirectional", "strays", "frame_independent"))


@pytest.mark.parametrize("name", [name for name in cases.names() if streamed(name)])
def test_streams_are_one_call(name, folder):
    case = cases.read(name)
    gaze, video = cases.gaze_of(case), cases.video_of(case)
    model = cases.model_of(case, folder)
    stream, parts, pooled = model.stream(), [], []
    ends = np.cumsum(gaze.num_gazing_each_frame)
    for frame, (end, count) in enumerate(zip(ends, gaze.num_gazing_each_frame, strict=True)):
        slots = slice(end - count, end)
        now = GazingInfo(
            gaze.gazing_pos[:, slots] - frame * model.config.patch_scales.patches,
            gaze.if_padded_gazing[:, slots],
            np.array([count]),
        )
        output = stream.step(video[:, frame : frame + 1], now)
        parts.append(output.last_hidden_state)
        pooled.append(output.pooler_output)
    expected, tolerance = case["expected"], case["tolerance"]
    whole = np.concatenate(parts, axis=1)
    assert cases.error(whole, expected["last_hidden_state"]) <= tolerance["last_hidden_state"]
    assert cases.error(pooled[-1], expected["pooler_output"]) <= tolerance["pooler_output"]
    if "prefix_pooler_output" in expected:
        got = np.stack(pooled)
        assert cases.error(got, expected["prefix_pooler_output"]) <= tolerance["pooler_output"]
    assert stream.cached_rows == int((~gaze.if_padded_gazing).sum())


@pytest.mark.parametrize("name", ["tiny_batch_3", "base2_batch_2"])
def test_without_padding_a_video_is_what_it_is_alone(name, folder):
    if name not in cases.names():
        pytest.skip(oracle.HOW_TO)
    case = cases.read(name)
    gaze = cases.gaze_of(case)
    output = cases.model_of(case, folder)(cases.video_of(case), gaze, encode_padding=False)
    expected, tolerance = case["expected"], case["tolerance"]
    assert cases.error(output.pooler_output, expected["alone_pooler_output"]) <= tolerance["pooler_output"]
    assert not output.last_hidden_state[gaze.if_padded_gazing].any()
    assert output.encoded_rows.tolist() == (~gaze.if_padded_gazing).sum(axis=1).tolist()


@pytest.mark.parametrize("name", ["tiny_layers_3", "tiny_pads_4", "tiny_only_pads_4", "tiny_strays_2"])
def test_who_sees_whom_is_upstreams(name, folder):
    case = cases.read(name)
    gaze, config = cases.gaze_of(case), cases.model_of(case, folder).config
    for video, counts in enumerate(case["expected"]["visible_keys"]):
        rows = plan_rows(gaze, video, config, True)
        bias = attention_bias(rows, slice(0, len(rows)), 0, config)[:, 1:]
        sees = (bias == 0)[rows.row_of_entry][:, rows.row_of_entry]
        # One row stands for all pads of a frame, of which a pad sees itself alone.
        padded = gaze.if_padded_gazing[video]
        sees[np.ix_(padded, padded)] = np.eye(int(padded.sum()), dtype=bool)
        assert sees.sum(axis=1).tolist() == counts
        if "attention_mask" in case["expected"]:
            mask = case["expected"]["attention_mask"][video]
            assert ["".join("01"[each] for each in row) for row in sees.astype(int)] == mask


@pytest.mark.parametrize("name", ["tiny_embed_2", "patch14_embed_1"])
def test_pixels_and_positions_of_patches_are_upstreams(name, folder):
    case = cases.read(name)
    expected, gaze = case["expected"], cases.gaze_of(case)
    model, video = cases.model_of(case, folder), cases.video_of(case)
    scales = model.config.patch_scales
    patches = gazed_patches(video, gaze, scales)
    wanted = expected["patches"]
    assert np.abs(patches[:, wanted["tokens"]] - formula.decoded(wanted["values"])).max() <= 5e-5
    weights = formula.checkpoint_tensors(oracle.recipe(case["recipe"]))
    table = position_pyramid(weights["vision_model.embeddings.position_embedding.weight"], scales)
    ids = np.where(gaze.if_padded_gazing, 0, gaze.gazing_pos) % scales.patches
    assert cases.error(table[ids], expected["position_embeddings"]) <= 1e-5


def test_the_processor_is_transformers():
    """Every case has the horizontal pass first, as Pillow before 13."""
    for recorded in cases.read("image_processor").values():
        processor = SiglipImageProcessor.from_dict(recorded["processor"])
        (clip,) = formula.clip_u8(recorded["input"]).transpose(0, 1, 3, 4, 2)
        size = processor.target_size(*clip.shape[1:3])
        resized = np.stack([processor._resized(frame, *size) for frame in clip]).transpose(0, 3, 1, 2)
        assert formula.digest(resized) == recorded["resized_u8"]["sha256"]
        assert formula.digest(processor(clip)) == recorded["processed"]["sha256"]


def test_long_clips_are_encoded_in_several_runs(folder, monkeypatch):
    for name in ("tiny_frames_16", "tiny_only_pads_4", "tiny_frame_independent_4"):
        case = cases.read(name)
        video, gaze, model = cases.video_of(case), cases.gaze_of(case), cases.model_of(case, folder)
        with monkeypatch.context() as patch:
            patch.setattr(encoding, "MOST_SCORES", 700)
            several = model(video, gaze, output_hidden_states=True)
        assert cases.share_of_tolerance(case, several) <= 1


def test_no_gaze_is_all_patches(folder):
    case = cases.read("tiny_all_patches_2")
    output = cases.model_of(case, folder)(cases.video_of(case))
    assert cases.share_of_tolerance(case, output) <= 1


def test_pads_cost_one_row_a_frame_however_many_there_are(folder):
    model = SiglipVisionModel.from_pretrained(folder("siglip_tiny"), scales="16+32+64")
    random = np.random.default_rng(0)
    video = random.standard_normal((1, 4, 3, 64, 64)).astype(np.float32)
    rows = []
    for pads in (0, 5, 200):
        position = np.concatenate(
            [np.r_[np.arange(6) + 21 * t, np.full(pads, 21 + 21 * t)] for t in range(4)]
        )
        padded = np.tile(np.arange(6 + pads) >= 6, 4)
        gaze = GazingInfo(position[None], padded[None], np.full(4, 6 + pads))
        output = model(video, gaze)
        rows.append(int(output.encoded_rows[0]))
        alone = model(video, gaze, encode_padding=False)
        real = output.last_hidden_state[0][~padded]
        np.testing.assert_allclose(real, alone.last_hidden_state[0][~padded], atol=2e-5)
        assert int(alone.encoded_rows[0]) == 24
    assert rows == [24, 28, 28]


def test_a_window_bounds_the_cache_and_equals_no_window_until_it_is_full(folder):
    case = cases.read("tiny_stream_6")
    model, video, gaze = cases.model_of(case, folder), cases.video_of(case), cases.gaze_of(case)
    ends = np.cumsum(gaze.num_gazing_each_frame)
    streams = {window: model.stream(window=window) for window in (None, 1, 3, 6)}
    outputs: dict = {window: [] for window in streams}
    cached: dict = {window: [] for window in streams}
    for frame, (end, count) in enumerate(zip(ends, gaze.num_gazing_each_frame, strict=True)):
        slots = slice(end - count, end)
        now = replace(
            gaze,
            gazing_pos=gaze.gazing_pos[:, slots] - 21 * frame,
            if_padded_gazing=gaze.if_padded_gazing[:, slots],
            num_gazing_each_frame=np.array([count]),
        )
        for window, stream in streams.items():
            outputs[window].append(stream.step(video[:, frame : frame + 1], now))
            cached[window].append(stream.cached_rows)
    real = [
        int((~gaze.if_padded_gazing)[:, end - n : end].sum())
        for end, n in zip(ends, gaze.num_gazing_each_frame, strict=True)
    ]
    assert cached[3] == [sum(real[max(0, frame - 1) : frame + 1]) for frame in range(6)]
    assert cached[1] == [0] * 6
    for frame in range(6):
        for window in (3, 6):
            if frame < window:
                ours, whole = outputs[window][frame], outputs[None][frame]
                np.testing.assert_allclose(ours.last_hidden_state, whole.last_hidden_state, atol=1e-5)
                np.testing.assert_allclose(ours.pooler_output, whole.pooler_output, atol=1e-6)
    alone = cases.model_of(case, folder, frame_independent_encoding=True)(video, gaze)
    first = np.concatenate([output.last_hidden_state for output in outputs[1]], axis=1)
    kept = ~gaze.if_padded_gazing
    np.testing.assert_allclose(first[kept], alone.last_hidden_state[kept], atol=1e-5)
    # What a window changes: later frames differ, and not by rounding.
    last = outputs[3][5].last_hidden_state - outputs[None][5].last_hidden_state
    assert np.abs(last).max() > 0.01


def test_causal_tokens_are_streamed_without_padding(folder):
    case = cases.read("tiny_causal_4")
    model, video, gaze = cases.model_of(case, folder), cases.video_of(case), cases.gaze_of(case)
    whole = model(
        video[:1], replace(gaze, gazing_pos=gaze.gazing_pos[:1], if_padded_gazing=gaze.if_padded_gazing[:1])
    )
    stream, parts = model.stream(encode_padding=False), []
    for frame, (end, count) in enumerate(
        zip(np.cumsum(gaze.num_gazing_each_frame), gaze.num_gazing_each_frame, strict=True)
    ):
        slots = slice(end - count, end)
        now = GazingInfo(
            gaze.gazing_pos[:1, slots] - 21 * frame, gaze.if_padded_gazing[:1, slots], np.array([count])
        )
        parts.append(stream.step(video[0, frame], now).last_hidden_state)
    kept = ~gaze.if_padded_gazing[:1]
    np.testing.assert_allclose(np.concatenate(parts, axis=1)[kept], whole.last_hidden_state[kept], atol=2e-5)
    with pytest.raises(ValueError, match=r"use stream\(encode_padding=False\)"):
        model.stream()
    with pytest.raises(ValueError, match="every token sees later frames"):
        cases.model_of(case, folder, attn_type="bidirectional").stream()


def test_an_empty_gaze_has_the_pooled_vector_of_the_biases(folder):
    model = SiglipVisionModel.from_pretrained(folder("siglip_tiny"), scales="16")
    nothing = GazingInfo(np.zeros((2, 0), np.int64), np.zeros((2, 0), bool), np.zeros(3, np.int64))
    video = np.zeros((2, 3, 3, 64, 64), np.float32)
    output = model(video, nothing, output_hidden_states=True)
    assert output.last_hidden_state.shape == (2, 0, 32)
    assert [layer.shape for layer in output.hidden_states] == [(2, 0, 32)] * 3
    weights = formula.checkpoint_tensors(oracle.recipe("siglip_tiny"))
    head = {name.removeprefix("vision_model.head."): array for name, array in weights.items()}
    x = head["attention.out_proj.bias"]
    normed = (x - x.mean()) / np.sqrt(x.var() + 1e-6) * head["layernorm.weight"] + head["layernorm.bias"]
    inner = head["mlp.fc1.weight"] @ normed + head["mlp.fc1.bias"]
    inner = 0.5 * inner * (1 + np.tanh(np.sqrt(2 / np.pi) * (inner + 0.044715 * inner**3)))
    expected = x + head["mlp.fc2.weight"] @ inner + head["mlp.fc2.bias"]
    np.testing.assert_allclose(output.pooler_output, [expected] * 2, atol=1e-5)
    stream = model.stream()
    full = GazingInfo(np.zeros((2, 1), np.int64), np.zeros((2, 1), bool), np.ones(1, np.int64))
    empty = GazingInfo(np.zeros((2, 0), np.int64), np.zeros((2, 0), bool), np.zeros(1, np.int64))
    before = stream.step(video[:, :1], full).pooler_output
    np.testing.assert_allclose(stream.step(video[:, :1], empty).pooler_output, before, atol=1e-6)


def test_it_takes_what_autogaze_returns(folder):
    """The ids of AutoGaze's tiny checkpoint are those of these scales."""
    gazer = AutoGaze.from_pretrained(folder("tiny"))
    random = np.random.default_rng(0)
    video = random.standard_normal((2, 2, 3, 64, 64)).astype(np.float32)
    gaze = gazer({"video": video}, gazing_ratio=0.5, task_loss_requirement=0.7)
    model = SiglipVisionModel.from_pretrained(folder("siglip_tiny"), scales="16+32+64")
    assert model(video, gazing_info=gaze).last_hidden_state.shape[:2] == gaze.gazing_pos.shape


def test_a_position_table_of_the_trained_grid_is_the_tensor_itself(folder):
    config = SiglipVisionModel.from_pretrained(folder("siglip_tiny"), scales="64").config
    g = GraphBuilder({"vision_model.embeddings.position_embedding.weight": (16, 32)})
    assert position_table(g, config) == "vision_model.embeddings.position_embedding.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"video": np.zeros((1, 3, 64, 64), np.float32)}, "an image is a video of one frame"),
        ({"video": np.zeros((1, 1, 3, 64, 64), np.uint8)}, "from SiglipImageProcessor, got uint8"),
        ({"video": np.zeros((2, 1, 3, 64, 64), np.float32)}, "of 1 videos, but pixel_values are of 2"),
        ({"gazing_pos": [[21]]}, "but there are 21 patches"),
        ({"gazing_pos": [[-22]]}, "but there are 21 patches"),
        ({"num_gazing_each_frame": [2]}, "adds up to 2 slots"),
    ],
)
def test_error_for_what_does_not_fit(folder, change, message):
    model = SiglipVisionModel.from_pretrained(folder("siglip_tiny"), scales="16+32+64")
    video = change.pop("video", np.zeros((1, 1, 3, 64, 64), np.float32))
    gaze = {"gazing_pos": [[0]], "if_padded_gazing": [[False]], "num_gazing_each_frame": [1], **change}
    with pytest.raises(ValueError, match=message):
        model(video, gazing_info=gaze)


def test_a_negative_position_counts_from_the_end(folder):
    model = SiglipVisionModel.from_pretrained(folder("siglip_tiny"), scales="16+32+64")
    video = np.random.default_rng(0).standard_normal((1, 2, 3, 64, 64)).astype(np.float32)
    gaze = {"gazing_pos": [[3, -1]], "if_padded_gazing": [[0, 0]], "num_gazing_each_frame": [1, 1]}
    last = {**gaze, "gazing_pos": [[3, 41]]}
    np.testing.assert_array_equal(model(video, gaze).last_hidden_state, model(video, last).last_hidden_state)
