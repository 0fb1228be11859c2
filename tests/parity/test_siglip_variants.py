"""Architectures and gazes without recordings, against a plain float64 encoder that the recordings check."""

from __future__ import annotations

import numpy as np
import pytest
import siglip_cases as cases
from plain_siglip import PlainSiglip

from autogaze_web import GazingInfo, SiglipVisionModel
from autogaze_web.encoder.checkpoint import SiglipCheckpoint, expected_tensors
from autogaze_web.encoder.config import SiglipConfig

SMALL = {"hidden_size": 24, "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 3}

VARIANTS = {
    "one head, patch 5, trained on 13 pixels": {
        **{"num_attention_heads": 1, "patch_size": 5, "image_size": 13, "scales": "5+9+16+16"}
    },
    "every head one number wide": {
        "num_attention_heads": 24,
        "patch_size": 4,
        "image_size": 8,
        "scales": "8",
    },
    "no layers": {"num_hidden_layers": 0, "patch_size": 4, "image_size": 16, "scales": "4+12"},
    "no pooling head": {"vision_use_head": False, "patch_size": 4, "image_size": 16, "scales": "11+6"},
    "one position embedding": {"patch_size": 7, "image_size": 9, "scales": "21"},
    "exact GELU, large epsilon": {
        **{"hidden_act": "gelu", "layer_norm_eps": 1e-3, "patch_size": 4, "image_size": 12, "scales": "8+12"}
    },
    "quick GELU, wide MLP": {
        **{
            "hidden_act": "quick_gelu",
            "intermediate_size": 70,
            "patch_size": 3,
            "image_size": 9,
            "scales": "9+5",
        }
    },
    "causal, two channels": {
        **{"attn_type": "causal", "num_channels": 2, "patch_size": 4, "image_size": 8, "scales": "4+8"}
    },
    "bidirectional": {"attn_type": "bidirectional", "patch_size": 4, "image_size": 8, "scales": "4+9"},
    "frames independent": {
        **{"frame_independent_encoding": True, "patch_size": 4, "image_size": 8, "scales": "4+8"}
    },
}


def random_gaze(random: np.random.Generator, batch: int, counts: list[int], total: int) -> GazingInfo:
    """Any patch of any frame in any slot, repeated ones, pads anywhere, and a frame of pads alone."""
    shape = (batch, sum(counts))
    padded = random.random(shape) < 0.3
    padded[0, : counts[0]] = True
    position = np.where(padded, 10**6, random.integers(0, total, shape))
    return GazingInfo(position, padded, np.array(counts))


@pytest.mark.parametrize("name", VARIANTS)
def test_architectures_without_recordings(name):
    values = {**SMALL, "model_type": "siglip_vision_model", **VARIANTS[name]}
    config = SiglipConfig.from_dict(values)
    random = np.random.default_rng(len(name))
    weights = {
        tensor: np.float32(
            random.standard_normal(shape) * (1.5 / shape[-1] ** 0.5 if len(shape) > 1 else 0.3)
        )
        for tensor, shape in expected_tensors(config).items()
    }
    video = random.standard_normal((2, 4, config.num_channels, 11, 17)).astype(np.float32)
    gaze = random_gaze(random, 2, [4, 0, 6, 3], 4 * config.patch_scales.patches)
    plain = PlainSiglip(config, weights)
    output = SiglipVisionModel(SiglipCheckpoint(config, weights))(video, gaze)
    for index in range(2):
        features, pooled = plain.encode(video, gaze, index)
        np.testing.assert_allclose(output.last_hidden_state[index], features, atol=5e-5, rtol=0)
        assert (output.pooler_output is None) == (pooled is None)
        if pooled is not None:
            np.testing.assert_allclose(output.pooler_output[index], pooled, atol=5e-5, rtol=0)


@pytest.mark.parametrize("name", ["tiny_pads_4", "tiny_strays_2", "tiny_causal_4", "patch14_target_scales_2"])
def test_the_plain_encoder_is_upstreams(name, folder):
    case = cases.read(name)
    gaze, video = cases.gaze_of(case), cases.video_of(case)
    checkpoint = SiglipCheckpoint.from_folder(
        folder(case["recipe"]),
        **{k: case["request"][k] for k in ("scales", "attn_type") if k in case["request"]},
    )
    plain = PlainSiglip(checkpoint.config, checkpoint.weights)
    features, pooled = zip(*(plain.encode(video, gaze, index) for index in range(len(video))), strict=True)
    expected, tolerance = case["expected"], case["tolerance"]
    assert cases.error(np.stack(features), expected["last_hidden_state"]) <= tolerance["last_hidden_state"]
    assert cases.error(np.stack(pooled), expected["pooler_output"]) <= tolerance["pooler_output"]
