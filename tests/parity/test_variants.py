"""Architectures that no recording covers, against a plain float64 model."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import oracle
import pytest
from plain_model import PlainModel, random_weights

from autogaze_web import AutoGaze
from autogaze_web.model.checkpoint import Checkpoint, expected_tensors
from autogaze_web.model.config import AutoGazeConfig

LLAMA3 = {
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
VARIANTS: dict[str, dict[str, Any]] = {
    "as recorded": {},
    "two blocks": {"vision.depth": 2},
    "no block": {"vision.depth": 0},
    "temporal kernel 1": {"vision.trunk_temporal_kernel_size": 1},
    "temporal kernel 4": {"vision.trunk_temporal_kernel_size": 4},
    "spatial kernel 1": {"vision.trunk_spatial_kernel_size": 1},
    "hidden_dim is not out_dim": {"vision.hidden_dim": 20},
    "biases": {"decoder.attention_bias": True, "decoder.mlp_bias": True},
    "no grouped heads": {"decoder.num_key_value_heads": None},
    "one key/value head": {"decoder.num_key_value_heads": 1},
    "head_dim 12": {"decoder.head_dim": 12},
    "head_dim 10, three groups": {
        "decoder.head_dim": 10,
        "decoder.num_attention_heads": 6,
        "decoder.num_key_value_heads": 3,
    },
    "one layer": {"decoder.num_hidden_layers": 1},
    "one token a step": {"decoder.num_multi_token_pred": 1},
    "seven tokens a step": {"decoder.num_multi_token_pred": 7},
    "a step for the whole frame": {"decoder.num_multi_token_pred": 21},
    "llama3 positions": {"decoder.rope_scaling": {"rope_type": "llama3", **LLAMA3}},
    "llama3 by its old key": {"decoder.rope_scaling": {"type": "llama3", **LLAMA3}},
    "linear positions": {"decoder.rope_scaling": {"type": "linear", "factor": 3}},
    "another epsilon": {"decoder.rms_norm_eps": 0.5},
    "one scale": {"scales": 64, "num_vision_tokens_each_frame": 16},
    "scales out of order": {"scales": "64+16+32"},
    "patches that leave a rest": {"input_img_size": 70},
}
SECTIONS = {"vision": "vision_model_config", "decoder": "gaze_decoder_config"}


def variant_config(changes: dict[str, Any]) -> AutoGazeConfig:
    values = copy.deepcopy(oracle.recipe("tiny")["config"])
    for path, value in changes.items():
        section, _, key = path.rpartition(".")
        gaze = values["gaze_model_config"]
        target = gaze[SECTIONS[section]] if section else gaze if path == "input_img_size" else values
        target[key or path] = value
    return AutoGazeConfig.from_dict(values)


@pytest.mark.parametrize("name", VARIANTS)
def test_variant(name: str) -> None:
    config = variant_config(VARIANTS[name])
    weights = random_weights(expected_tensors(config), seed=3)
    model, plain = AutoGaze(Checkpoint(config, weights), threads=1), PlainModel(config, weights)
    side = config.input_img_size
    video = np.random.default_rng(4).standard_normal((1, 4, 3, side, side)).astype(np.float32)
    for ratio, requirement in ((0.75, None), (0.9, -0.5)):
        gaze = model.generate(video, ratio, requirement)
        budget = int(np.float32(ratio) * np.float32(config.tokens_per_frame))
        frames = plain.generate(video[0], budget, requirement)
        tokens = gaze.gazing_pos[0] - np.repeat(np.arange(4), gaze.num_gazing_each_frame) * config.pad_id
        assert gaze.num_gazing_each_frame.tolist() == [len(slots) for slots in frames]
        assert tokens.tolist() == [token for slots in frames for token, _ in slots]
        assert gaze.if_padded_gazing[0].tolist() == [pad for slots in frames for _, pad in slots]
