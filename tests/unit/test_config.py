from __future__ import annotations

import copy
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from released import RELEASED

from autogaze_web.model.config import AutoGazeConfig, ConfigError, architecture_differences


def changed(**values: Any) -> dict[str, Any]:
    """The released config with some values changed, by path with __ for dots; ... removes one."""
    config = copy.deepcopy(RELEASED)
    for path, value in values.items():
        *sections, key = path.split("__")
        target = config
        for section in sections:
            target = target[section]
        if value is ...:
            del target[key]
        else:
            target[key] = value
    return config


ROOT = Path(__file__).parents[2]
DECODER, VISION = "gaze_model_config__gaze_decoder_config", "gaze_model_config__vision_model_config"


def test_released_numbers() -> None:
    config = AutoGazeConfig.from_dict(RELEASED)
    assert config.scales == (32, 64, 112, 224)
    assert config.scale_grids() == (2, 4, 7, 14)
    assert (config.tokens_per_frame, config.vocab_size, config.pad_id) == (265, 266, 265)
    assert (config.vision_grid, config.vision_tokens, config.max_num_frames) == (14, 196, 16)
    assert (config.gazing_ratio, config.task_loss_requirement) == (0.75, 0.7)
    assert config.decoder.num_multi_token_pred == 10


@pytest.mark.parametrize("value", [None, ...])
def test_derived_numbers_may_be_missing_or_null(value: Any) -> None:
    config = AutoGazeConfig.from_dict(
        changed(
            **{
                f"{DECODER}__num_key_value_heads": value,
                f"{DECODER}__head_dim": value,
                f"{DECODER}__vocab_size": value,
            }
        )
    )
    assert config == AutoGazeConfig.from_dict(RELEASED)
    unscaled = AutoGazeConfig.from_dict(changed(**{f"{DECODER}__rope_scaling": value}))
    assert unscaled.decoder.rope_scaling is None


def test_unknown_keys_are_ignored() -> None:
    config = changed(_target_="x", preprocessing={"size": 1}, **{f"{DECODER}__temperature": 1.0})
    assert AutoGazeConfig.from_dict(config) == AutoGazeConfig.from_dict(RELEASED)


@pytest.mark.parametrize("scales", ["224+32+112+64", [64, 32, 224, 112]])
def test_scales_in_any_order(scales: Any) -> None:
    assert AutoGazeConfig.from_dict(changed(scales=scales)).scales == (32, 64, 112, 224)


def test_one_scale_as_a_number() -> None:
    config = changed(
        scales=224,
        num_vision_tokens_each_frame=196,
        **{f"{DECODER}__vocab_size": 197, f"{DECODER}__eos_token_id": 196},
    )
    assert AutoGazeConfig.from_dict(config).scale_grids() == (14,)


def test_no_early_stop_unless_the_config_asks_for_it_at_inference() -> None:
    config = AutoGazeConfig.from_dict(changed(has_task_loss_requirement_during_inference=False))
    assert config.task_loss_requirement is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "llama"}, "model_type 'llama'"),
        ({"gaze_model_config": ...}, "has no gaze_model_config"),
        ({"gaze_model_config": 3}, "gaze_model_config must be a JSON object"),
        ({"num_vision_tokens_each_frame": ...}, "has no num_vision_tokens_each_frame"),
        ({"num_vision_tokens_each_frame": 264}, "num_vision_tokens_each_frame|vocab_size"),
        ({"scales": "32+x"}, "scales must be"),
        ({"scales": True}, "scales must be"),
        ({"scales": "32+32"}, "scales must be"),
        ({"scales": "224"}, "square grids"),
        ({f"{DECODER}__hidden_size": "192"}, "hidden_size must be an integer"),
        ({f"{DECODER}__hidden_size": 2**40}, "hidden_size must be an integer"),
        ({f"{DECODER}__num_key_value_heads": 4}, "multiple of num_key_value_heads"),
        ({f"{DECODER}__head_dim": 33}, "head_dim must be even"),
        ({f"{DECODER}__head_dim": None, f"{DECODER}__num_attention_heads": 5}, "multiple of num_"),
        ({f"{DECODER}__hidden_act": "gelu"}, "hidden_act is 'gelu'"),
        ({f"{DECODER}__rope_scaling": {"rope_type": "yarn", "factor": 2.0}}, "rope_type is 'yarn'"),
        ({f"{DECODER}__rope_scaling": {"type": "llama3", "factor": 2.0}}, "has no .*low_freq_factor"),
        ({f"{DECODER}__vocab_size": 300}, "vocab_size is 300"),
        ({f"{DECODER}__rms_norm_eps": 0}, "rms_norm_eps must be a positive number"),
        ({f"{VISION}__out_dim": 100}, "out_dim .100. must equal"),
        ({f"{VISION}__temporal_patch_size": 2}, "temporal_patch_size is 2"),
        ({f"{VISION}__trunk_spatial_kernel_size": 2}, "must be odd"),
        ({f"{VISION}__depth": -1}, "depth must be an integer of at least 0"),
        ({"gaze_model_config__connector_config__num_tokens": 195}, "num_tokens is 195"),
        ({"gaze_model_config__input_img_size": 8}, "smaller than one patch"),
        ({"gazing_ratio_config__fixed__gazing_ratio": 1.5}, "between 0 and 1"),
        ({"scales": [32, float("inf")]}, "scales must be"),
    ],
)
def test_each_error_names_its_field(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        AutoGazeConfig.from_dict(changed(**changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "[" * 100_000, '"autogaze"'])
def test_other_files(text: str) -> None:
    with pytest.raises(ConfigError):
        AutoGazeConfig.from_json(text)


def test_a_file_nested_without_an_end_is_not_parsed() -> None:
    for text in ("[" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000):
        with pytest.raises(ConfigError, match="nested too deeply"):
            AutoGazeConfig.from_json(text)


def test_what_transformers_5_writes() -> None:
    new = AutoGazeConfig.from_file(ROOT / "tests" / "data" / "transformers5_config.json")
    assert new == AutoGazeConfig.from_file(ROOT / "site" / "model" / "config.json")


def test_fields_that_equal_the_defaults_of_upstreams_classes_may_be_left_out() -> None:
    """As ``save_pretrained`` leaves them out of nested configs."""
    left_out = [
        *("gaze_model_config__input_img_size", "gaze_model_config__connector_config"),
        *(f"{VISION}__{key}" for key in RELEASED["gaze_model_config"]["vision_model_config"]),
        "task_loss_requirement_config",
        "max_num_frames",
    ]
    config = AutoGazeConfig.from_dict(changed(**dict.fromkeys(left_out, ...)))
    assert config == AutoGazeConfig.from_dict(RELEASED)
    assert AutoGazeConfig.from_dict(changed(gazing_ratio_config=...)).gazing_ratio == 0.5


def test_the_names_of_the_dtype_do_not_matter() -> None:
    old, new = changed(torch_dtype="float16"), changed(dtype="bfloat16")
    assert (
        AutoGazeConfig.from_dict(old) == AutoGazeConfig.from_dict(new) == AutoGazeConfig.from_dict(RELEASED)
    )


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_byte_order_mark_is_skipped(tmp_path: Any, mark: str) -> None:
    (tmp_path / "config.json").write_text(mark + json.dumps(RELEASED), "utf-8")
    assert AutoGazeConfig.from_file(tmp_path / "config.json") == AutoGazeConfig.from_dict(RELEASED)


def test_a_number_of_thousands_of_digits() -> None:
    text = json.dumps(RELEASED).replace('"max_num_frames": 16', '"max_num_frames": ' + "9" * 5000)
    with pytest.raises(ConfigError, match="max_num_frames must be an integer"):
        AutoGazeConfig.from_json(text)


def test_a_missing_file(tmp_path: Any) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        AutoGazeConfig.from_file(tmp_path / "config.json")
    (tmp_path / "config.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        AutoGazeConfig.from_file(tmp_path / "config.json")
    (tmp_path / "config.json").write_text(json.dumps(RELEASED))
    assert AutoGazeConfig.from_file(tmp_path / "config.json").tokens_per_frame == 265


def test_architectures_differ_but_not_by_default_controls() -> None:
    released = AutoGazeConfig.from_dict(RELEASED)
    other = AutoGazeConfig.from_dict(
        changed(max_num_frames=8, **{"gazing_ratio_config__fixed__gazing_ratio": 0.1, f"{VISION}__depth": 2})
    )
    assert architecture_differences(asdict(released), asdict(other)) == ["vision.depth: 1 and 2"]
    through_json = json.loads(json.dumps(asdict(released)))
    assert architecture_differences(asdict(released), through_json) == []
