"""Each bad argument ends in one sentence, and results have the documented form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import oracle
import pytest
import synthetic_formula as formula
import torch

from autogaze_web import AutoGaze
from autogaze_web.model.checkpoint import Checkpoint
from autogaze_web.model.generation import NotFiniteError
from autogaze_web.readout.gazing_info import GazingInfo

VIDEO = oracle.video_of(oracle.read("tiny", "generate_4"))


@pytest.fixture(scope="module")
def model(folder: Any) -> AutoGaze:
    return AutoGaze.from_pretrained(folder("tiny"))


@pytest.mark.parametrize(
    ("video", "message"),
    [
        (VIDEO[0], "5 dimensions"),
        (VIDEO[0].tolist(), "NumPy array"),
        (VIDEO.astype(np.float64), "float32"),
        ((VIDEO * 20).astype(np.uint8), "float32"),
        (VIDEO[:, :, :1], "3 colour channels"),
        (VIDEO.transpose(0, 1, 3, 4, 2), "3 colour channels"),
        (VIDEO[:, :0], "empty"),
        (VIDEO + np.float32(100), "normalise"),
        (np.full_like(VIDEO, np.nan), "normalise"),
        (np.full_like(VIDEO, np.inf), "normalise"),
    ],
)
def test_videos(model: AutoGaze, video: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        model.generate(video)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gazing_ratio": 2}, "between 0 and 1"),
        ({"gazing_ratio": [0.1, 0.2]}, "each of the 4 frames"),
        ({"task_loss_requirement": np.zeros((2, 4))}, r"broadcasts to \(1, 4\)"),
        ({"target_scales": [24, 48, 96]}, "go together"),
        ({"target_scales": [48, 96], "target_patch_size": 16}, "3 ascending sizes"),
        ({"target_scales": [96, 48, 24], "target_patch_size": 16}, "3 ascending sizes"),
        ({"target_scales": [24, 48, 96], "target_patch_size": 0}, "3 ascending sizes"),
        ({"target_scales": "all", "target_patch_size": 16}, "must be integers"),
        ({"target_scales": [24, 48, 96], "target_patch_size": 16}, "must be 96x96 pixels"),
    ],
)
def test_arguments(model: AutoGaze, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model.generate(VIDEO, **arguments)


@pytest.mark.parametrize("frame", [VIDEO[0], VIDEO[0, 0, :1], VIDEO[0, 0].astype(np.float64), None])
def test_frames(model: AutoGaze, frame: Any) -> None:
    with pytest.raises(ValueError, match="must"):
        model.stream().step(frame)


def test_the_models_own_scales_are_no_adaptation(model: AutoGaze) -> None:
    plain = model.generate(VIDEO, 0.75, 0.7)
    adapted = model.generate(VIDEO, 0.75, 0.7, target_scales=[16, 32, 64], target_patch_size=16)
    np.testing.assert_array_equal(plain.gazing_pos, adapted.gazing_pos)
    assert adapted.task_loss_prediction is not None


def test_a_gaze_reads_like_upstreams_dictionary(model: AutoGaze) -> None:
    gaze = model.generate(VIDEO)
    everything = dict(gaze)
    assert everything["gazing_pos"] is gaze["gazing_pos"] is gaze.gazing_pos
    assert [mask.shape for mask in gaze.gazing_mask] == [(1, 4, 1), (1, 4, 4), (1, 4, 16)]
    with pytest.raises(KeyError):
        gaze["layers"]
    for frame in range(4):
        cells = gaze.cells(frame)
        in_masks = {
            (grid, int(i) // grid, int(i) % grid)
            for grid, mask in zip((1, 2, 4), gaze.gazing_mask, strict=True)
            for i in np.flatnonzero(mask[0, frame])
        }
        assert {*zip(cells.grid.tolist(), cells.row.tolist(), cells.col.tolist(), strict=True)} == in_masks


def test_the_keys_are_upstreams(model: AutoGaze) -> None:
    gaze = model({"video": VIDEO}, gazing_ratio=0.75, task_loss_requirement=0.7)
    upstream = {
        *("gazing_pos", "log_action_probs", "gazing_mask", "scales", "frame_sampling_rate"),
        *("num_vision_tokens_each_frame", "num_gazing_each_frame", "if_padded_gazing"),
        *("task_loss_prediction", "has_task_loss_requirement", "task_loss_requirement", "past_key_values"),
        *("past_input_embeds", "past_attention_mask", "past_conv_values"),
    }
    assert isinstance(gaze, Mapping)
    assert upstream <= set(gaze)
    assert set(dict(gaze)) == set(gaze.keys())
    assert len(gaze) == len(dict(gaze))
    assert "gazing_pos" in gaze
    assert "layers" not in gaze
    assert gaze.get("layers", 3) == 3
    for name in gaze:
        assert gaze[name] is getattr(gaze, name)
    assert gaze["scales"] == model.scales == [16, 32, 64]
    assert gaze["num_vision_tokens_each_frame"] == model.num_vision_tokens_each_frame == 21
    assert gaze["frame_sampling_rate"] == model.frame_sampling_rate == 1
    assert gaze["has_task_loss_requirement"]
    np.testing.assert_array_equal(gaze["task_loss_requirement"], np.full((1, 4), 0.7, np.float32))
    assert gaze["past_key_values"] is None
    only_ratio = model({"video": VIDEO}, gazing_ratio=0.75)
    assert not only_ratio.has_task_loss_requirement
    assert only_ratio["task_loss_requirement"] is None
    assert gaze == gaze
    assert gaze != only_ratio
    assert GazingInfo.of(gaze).gazing_pos.shape == gaze.gazing_pos.shape


@pytest.mark.parametrize("batch", [1, 2])
def test_a_clip_continued_frame_by_frame_as_the_quick_start_does(model: AutoGaze, batch: int) -> None:
    video = np.concatenate([VIDEO, VIDEO[:, ::-1]])[:batch]
    whole = model({"video": video}, gazing_ratio=0.75)
    positions = []
    past_key_values = past_inputs_embeds = past_attention_mask = past_conv_values = None
    for t in range(video.shape[1]):
        gaze = model(
            {"video": video[:, t : t + 1]},
            gazing_ratio=0.75,
            generate_only=True,
            use_cache=True,
            past_key_values=past_key_values,
            past_inputs_embeds=past_inputs_embeds,
            past_attention_mask=past_attention_mask,
            past_conv_values=past_conv_values,
        )
        positions.append(gaze["gazing_pos"] + model.num_vision_tokens_each_frame * t)
        past_key_values = gaze["past_key_values"]
        past_inputs_embeds = gaze["past_input_embeds"]
        past_attention_mask = gaze["past_attention_mask"]
        past_conv_values = gaze["past_conv_values"]
    np.testing.assert_array_equal(np.concatenate(positions, axis=1), whole["gazing_pos"])


def test_caches_that_cannot_be_continued(model: AutoGaze) -> None:
    first = model({"video": VIDEO}, use_cache=True)
    names = {
        "past_key_values": "past_key_values",
        "past_inputs_embeds": "past_input_embeds",
        "past_attention_mask": "past_attention_mask",
        "past_conv_values": "past_conv_values",
    }
    past = {argument: first[key] for argument, key in names.items()}
    for argument in past:
        with pytest.raises(ValueError, match="go together"):
            model({"video": VIDEO}, **{**past, argument: None})
    with pytest.raises(ValueError, match="go together"):
        model({"video": VIDEO}, **dict.fromkeys(past, "cache"))
    with pytest.raises(ValueError, match="1 videos or tiles, this one has 2"):
        model({"video": np.concatenate([VIDEO, VIDEO])}, **past)
    model({"video": VIDEO}, **past)
    with pytest.raises(ValueError, match="continued already"):
        model({"video": VIDEO}, **past)


@pytest.mark.parametrize("inputs", [VIDEO, None, {"pixel_values": VIDEO}, {}])
def test_inputs_without_a_video(model: AutoGaze, inputs: Any) -> None:
    with pytest.raises(ValueError, match=r'expected \{"video"') as caught:
        model(inputs)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_tensors_of_pytorch(model: AutoGaze, dtype: torch.dtype) -> None:
    tensor = torch.from_numpy(VIDEO).to(dtype).requires_grad_()
    expected = model.generate(tensor.detach().float().numpy(), 0.75, 0.7)
    ratio, requirement = torch.tensor([0.75] * 4), torch.tensor([[0.7]])
    for gaze in (
        model({"video": tensor}, gazing_ratio=0.75, task_loss_requirement=0.7),
        model({"video": tensor}, gazing_ratio=ratio, task_loss_requirement=requirement),
        model.generate(tensor, 0.75, 0.7),
    ):
        assert isinstance(gaze.gazing_pos, np.ndarray)
        np.testing.assert_array_equal(gaze.gazing_pos, expected.gazing_pos)
    stream, same = model.stream(0.75, 0.7), model.stream(0.75, 0.7)
    np.testing.assert_array_equal(
        stream.step(tensor[0, 0]).gazing_pos, same.step(tensor[0, 0].detach().float().numpy()).gazing_pos
    )


@pytest.mark.parametrize(
    ("video", "message"),
    [
        (torch.from_numpy(VIDEO).double(), "float32"),
        (torch.empty(VIDEO.shape, device="meta"), "cannot become a NumPy array"),
        (torch.from_numpy(VIDEO).to_sparse(), "cannot become a NumPy array"),
    ],
)
def test_tensors_that_cannot_be_taken(model: AutoGaze, video: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        model({"video": video})
    assert "\n" not in str(caught.value)


def test_float16_arrays_are_widened(model: AutoGaze) -> None:
    half = VIDEO.astype(np.float16)
    np.testing.assert_array_equal(
        model.generate(half, 0.75, 0.7).gazing_pos,
        model.generate(half.astype(np.float32), 0.75, 0.7).gazing_pos,
    )


def test_weights_that_overflow_are_reported() -> None:
    recipe = oracle.recipe("tiny")
    weights = formula.checkpoint_tensors(recipe)
    name = "gazing_model.vision_model.out_proj.weight"
    weights[name] = weights[name] * np.float32(1e38)
    from autogaze_web.model.config import AutoGazeConfig

    model = AutoGaze(Checkpoint(AutoGazeConfig.from_dict(recipe["config"]), weights))
    with pytest.raises(NotFiniteError, match="NaN or infinity"):
        model.generate(VIDEO)
