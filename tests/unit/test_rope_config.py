"""The rotary position settings of transformers 4 and 5 mean the same; anything else is an error."""

from __future__ import annotations

from typing import Any

import pytest

from autogaze_web.model.config_section import ConfigError, Section
from autogaze_web.model.rope_config import RopeScaling, read_rope

LLAMA3 = {
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
SCALING = RopeScaling("llama3", 8.0, 1.0, 4.0, 8192)
DEFAULT = {"rope_type": "default", "rope_theta": 5e5}
NEW = {"rope_type": "llama3", "rope_theta": 5e5, **LLAMA3}


def read(**decoder: Any) -> tuple[float, RopeScaling | None]:
    return read_rope(Section(decoder, "gaze_decoder_config"))


@pytest.mark.parametrize(
    "decoder",
    [
        {"rope_theta": 5e5, "rope_scaling": {"rope_type": "llama3", **LLAMA3}},
        {"rope_theta": 500000, "rope_scaling": {"type": "llama3", **LLAMA3}},
        {"rope_theta": 5e5, "rope_scaling": {"type": "llama3", "rope_type": "llama3", **LLAMA3}},
        {"rope_parameters": NEW},
        {"rope_parameters": NEW, "rope_scaling": None, "rope_theta": None},
        {"rope_parameters": NEW, "rope_theta": 5e5},
        {"rope_parameters": NEW, "rope_scaling": {"rope_type": "llama3", **LLAMA3}},
        {"rope_parameters": {**NEW, "partial_rotary_factor": 1.0}, "partial_rotary_factor": 1},
        {"rope_parameters": {"full_attention": NEW}},
        {"rope_parameters": {"full_attention": NEW, "sliding_attention": NEW}},
        {"rope_parameters": {"full_attention": NEW}, "layer_types": ["full_attention"] * 4},
        {
            "rope_parameters": {"full_attention": NEW, "sliding_attention": DEFAULT},
            "layer_types": ["full_attention"] * 4,
        },
        {
            "rope_parameters": {**NEW, "original_max_position_embeddings": None},
            "original_max_position_embeddings": 8192,
        },
    ],
)
def test_forms_of_llama3(decoder: dict[str, Any]) -> None:
    assert read(**decoder) == (5e5, SCALING)


@pytest.mark.parametrize(
    "decoder",
    [
        {"rope_theta": 5e5},
        {"rope_theta": 5e5, "rope_scaling": None},
        {"rope_theta": 5e5, "rope_scaling": {}},
        {"rope_theta": 5e5, "rope_scaling": {"type": "default"}},
        {"rope_theta": 5e5, "rope_parameters": None},
        {"rope_theta": 5e5, "rope_parameters": {"rope_type": "default"}},
        {"rope_parameters": DEFAULT},
        {"rope_parameters": {"rope_theta": 5e5}},
        {"rope_parameters": {"full_attention": DEFAULT}},
    ],
)
def test_forms_without_scaling(decoder: dict[str, Any]) -> None:
    assert read(**decoder) == (5e5, None)


def test_other_forms() -> None:
    assert read() == (10000.0, None)
    assert read(rope_scaling={"type": "linear", "factor": 2}) == (10000.0, RopeScaling("linear", 2.0))
    new = {"rope_type": "linear", "factor": 2, "rope_theta": 7}
    assert read(rope_parameters=new) == (7.0, RopeScaling("linear", 2.0))


@pytest.mark.parametrize(
    "kind", ["yarn", "dynamic", "longrope", "su", "mrope", "proportional", "", 3, ["llama3"]]
)
@pytest.mark.parametrize("key", ["rope_type", "type"])
def test_unknown_position_encodings(kind: Any, key: str) -> None:
    asked = {key: kind, "factor": 2.0, "rope_theta": 5e5}
    for name, decoder in {
        "rope_scaling": {"rope_scaling": asked},
        "rope_parameters": {"rope_parameters": asked},
        "rope_parameters.full_attention": {"rope_parameters": {"full_attention": asked}},
    }.items():
        with pytest.raises(ConfigError) as caught:
            read(**decoder)
        message = str(caught.value)
        assert f"gaze_decoder_config.{name}.{key} is {kind!r}" in message
        assert "'default', 'linear' and 'llama3'" in message
        assert "\n" not in message


@pytest.mark.parametrize(
    ("decoder", "message"),
    [
        (
            {"rope_theta": 1e4, "rope_parameters": NEW},
            "rope_theta is 10000, but .*rope_parameters.rope_theta is",
        ),
        ({"rope_theta": 0}, "rope_theta must be a positive number"),
        ({"rope_parameters": {"rope_type": "default"}}, "has no .*rope_parameters.rope_theta"),
        ({"rope_parameters": {"full_attention": {"rope_type": "default"}}}, "full_attention.rope_theta"),
        ({"rope_parameters": NEW, "rope_scaling": {"type": "default"}}, "different position encodings"),
        (
            {"rope_parameters": NEW, "rope_scaling": {"type": "linear", "factor": 8}},
            "different position encodings",
        ),
        ({"rope_parameters": {"full_attention": NEW, "sliding_attention": DEFAULT}}, "all layers share one"),
        (
            {"rope_parameters": {"full_attention": NEW, "sliding_attention": {**NEW, "rope_theta": 1e4}}},
            "sliding_attention.rope_theta is 10000",
        ),
        ({"rope_parameters": {"full_attention": NEW, "rope_theta": 5e5}}, "mixes settings"),
        ({"rope_parameters": {"other": NEW}, "layer_types": ["full_attention"]}, "no .*full_attention"),
        (
            {"rope_parameters": NEW, "layer_types": ["full_attention", "sliding_attention"]},
            "layer_types has 'sli",
        ),
        ({"rope_parameters": NEW, "layer_types": "chunked_attention"}, "layer_types has 'chunked"),
        ({"rope_parameters": {**NEW, "type": "linear"}}, "must have one rope_type"),
        ({"rope_parameters": {"factor": 2.0, "rope_theta": 5e5}}, "must have one rope_type .* got none"),
        ({"rope_scaling": {"factor": 2.0}}, "rope_scaling must have one rope_type"),
        ({"rope_parameters": 5}, "rope_parameters must be a JSON object"),
        ({"rope_scaling": "llama3"}, "rope_scaling must be a JSON object"),
        ({"rope_parameters": NEW, "partial_rotary_factor": 0.5}, "config.partial_rotary_factor is 0.5"),
        (
            {"rope_parameters": {**NEW, "partial_rotary_factor": 0.5}},
            "parameters.partial_rotary_factor is 0.5",
        ),
        (
            {"rope_parameters": NEW, "partial_rotary_factor": "all"},
            "partial_rotary_factor must be a positive",
        ),
        ({"rope_parameters": {**NEW, "factor": None}}, "has no .*rope_parameters.factor"),
        ({"rope_parameters": {**NEW, "high_freq_factor": 1.0}}, "must be above low_freq_factor"),
        ({"rope_parameters": {**NEW, "original_max_position_embeddings": None}}, "has no .*original_max"),
        ({"rope_parameters": NEW, "original_max_position_embeddings": 4096}, "is 8192, but .* is 4096"),
    ],
)
def test_each_error_names_its_field(decoder: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        read(**decoder)
    assert "\n" not in str(caught.value)
