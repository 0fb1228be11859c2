"""A small architecture, for tests that train or search."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import autogaze_train

SHIPPED = Path(__file__).resolve().parents[2] / "site" / "model"


def tiny_values() -> dict[str, Any]:
    """A config of 64x64 pixels, 16 patches, 1 + 4 + 16 tokens, 3 a step."""
    path = Path(autogaze_train.__file__).with_name("config.json")
    values: dict[str, Any] = copy.deepcopy(json.loads(path.read_text("utf-8")))
    values |= {"scales": "16+32+64", "num_vision_tokens_each_frame": 21, "max_num_frames": 4}
    gaze = values["gaze_model_config"]
    gaze |= {"input_img_size": 64, "num_vision_tokens_each_frame": 21}
    gaze["vision_model_config"] |= {"hidden_dim": 32, "out_dim": 32}
    gaze["connector_config"] = {"hidden_dim": 32, "num_tokens": 16}
    gaze["gaze_decoder_config"] |= {
        "vocab_size": 22,
        "eos_token_id": 21,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "num_hidden_layers": 2,
        "rope_scaling": None,
        "num_multi_token_pred": 3,
    }
    return values
