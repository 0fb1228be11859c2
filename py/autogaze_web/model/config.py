"""The numbers of an AutoGaze checkpoint: ``config.json`` read into small frozen dataclasses.

Every number comes from the file. Upstream writes some fifty irrelevant keys into each nested config: unknown
keys are ignored. Keys that upstream derives from others, or that equal the defaults of its configuration
classes and are therefore left out by ``save_pretrained``, may be missing or null.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..formats.json_text import parse_json
from ..limits import (
    MAX_HEADS,
    MAX_JSON_BYTES,
    MAX_KERNEL,
    MAX_LAYERS,
    MAX_SCALES,
    MAX_SIDE,
    MAX_TOKENS,
    MAX_WIDTH,
    MAX_WINDOW,
    is_finite,
    shown,
)
from .config_section import ConfigError as ConfigError
from .config_section import Section
from .model_text import read_text
from .rope_config import RopeScaling as RopeScaling
from .rope_config import read_rope


@dataclass(frozen=True)
class VisionConfig:
    """The convolutional trunk: patch convolution, then ``depth`` causal 3-D convolution blocks."""

    hidden_dim: int
    out_dim: int
    depth: int
    kernel_size: int
    trunk_temporal_kernel_size: int
    trunk_spatial_kernel_size: int

    @property
    def past_frames(self) -> int:
        """Frames of input that each block remembers: its temporal kernel less one."""
        return self.trunk_temporal_kernel_size - 1


@dataclass(frozen=True)
class DecoderConfig:
    """The Llama decoder with several next-token heads."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    rms_norm_eps: float
    rope_theta: float
    rope_scaling: RopeScaling | None
    attention_bias: bool
    mlp_bias: bool
    num_multi_token_pred: int

    @property
    def queries_per_group(self) -> int:
        """Attention heads that share one key/value head."""
        return self.num_attention_heads // self.num_key_value_heads


@dataclass(frozen=True)
class AutoGazeConfig:
    """An AutoGaze architecture and its default controls.

    Attributes:
        scales: image sides of the scales in pixels, ascending.
        tokens_per_frame: size N of the output vocabulary: ids 0 .. N - 1; id N is end-of-sequence and pad.
        input_img_size: side of the square image that the vision trunk takes, in pixels.
        max_num_frames: frames the model was trained on at a time; the default window of a live stream.
        gazing_ratio: default share of the N tokens that a frame may use.
        task_loss_requirement: default requirement for stopping early; None: no early stop.

    Examples:
        >>> from autogaze_web import AutoGazeConfig
        >>> config = AutoGazeConfig.from_file(folder / "config.json")
        >>> config.scales, config.scale_grids(), config.tokens_per_frame
        ((32, 64, 112, 224), (2, 4, 7, 14), 265)
    """

    scales: tuple[int, ...]
    tokens_per_frame: int
    input_img_size: int
    max_num_frames: int
    vision: VisionConfig
    decoder: DecoderConfig
    gazing_ratio: float | None
    task_loss_requirement: float | None

    @property
    def vocab_size(self) -> int:
        """Tokens and the one id for end-of-sequence and pad."""
        return self.tokens_per_frame + 1

    @property
    def pad_id(self) -> int:
        """The id of a pad, which is also the id of end-of-sequence."""
        return self.tokens_per_frame

    @property
    def vision_grid(self) -> int:
        """Vision tokens per side."""
        return self.input_img_size // self.vision.kernel_size

    @property
    def vision_tokens(self) -> int:
        """Tokens that the trunk gives the decoder for each frame."""
        return self.vision_grid**2

    @staticmethod
    def from_file(path: str | Path) -> AutoGazeConfig:
        """Reads a ``config.json``.

        Raises:
            ConfigError: if the file is missing, is not JSON or does not describe an AutoGaze model.
        """
        try:
            text = read_text(path, MAX_JSON_BYTES, "expected AutoGaze's config.json there")
        except ValueError as error:
            raise ConfigError(str(error)) from None
        return AutoGazeConfig.from_json(text)

    @staticmethod
    def from_json(text: str) -> AutoGazeConfig:
        """A config from the text of a ``config.json``.

        Raises:
            ConfigError: if the text is not JSON or does not describe an AutoGaze model.
        """
        try:
            values = parse_json(text, "config.json")
        except ValueError as error:
            raise ConfigError(str(error)) from None
        return AutoGazeConfig.from_dict(values)

    @staticmethod
    def from_dict(values: Any) -> AutoGazeConfig:
        """A config from the parsed ``config.json``.

        Raises:
            ConfigError: naming the field that is missing, of the wrong kind, or contradicts another.
        """
        top = Section(values, "")
        model_type = top.get("model_type")
        if model_type not in (None, "autogaze"):
            raise ConfigError(
                f"config.json has model_type {shown(model_type)}, expected 'autogaze': another model's file"
            )
        gaze = top.section("gaze_model_config")
        tokens = top.integer("num_vision_tokens_each_frame", most=MAX_TOKENS)
        config = AutoGazeConfig(
            scales=_scales(top.get("scales")),
            tokens_per_frame=tokens,
            input_img_size=gaze.integer("input_img_size", 224, most=MAX_SIDE),
            max_num_frames=top.integer("max_num_frames", 16, most=MAX_WINDOW),
            vision=_vision(gaze.section("vision_model_config")),
            decoder=_decoder(gaze.section("gaze_decoder_config")),
            gazing_ratio=_fixed(top, "gazing_ratio", 0.5),
            task_loss_requirement=(
                _fixed(top, "task_loss_requirement", 0.7)
                if top.boolean("has_task_loss_requirement_during_inference", False)
                else None
            ),
        )
        _check_counts(config, gaze)
        return config

    def scale_grids(self) -> tuple[int, ...]:
        """Cells per side of each scale: the root of its share ``int(s^2 / sum(s^2) * N)`` of the ids."""
        total = sum(s * s for s in self.scales)
        return tuple(math.isqrt(int(s * s / total * self.tokens_per_frame)) for s in self.scales)


def _scales(value: Any) -> tuple[int, ...]:
    try:
        if isinstance(value, bool):
            raise TypeError
        parts = [value] if isinstance(value, int) else value.split("+") if isinstance(value, str) else value
        scales = tuple(sorted(int(part) for part in parts))
        if not scales or scales[0] < 1 or len(set(scales)) != len(scales):
            raise ValueError
        if len(scales) > MAX_SCALES or scales[-1] > MAX_SIDE:
            raise ConfigError(
                f"config.json: scales are at most {MAX_SCALES} sides of at most {MAX_SIDE} pixels, "
                f"got {shown(value)}"
            )
    except ConfigError:
        raise
    except (TypeError, ValueError, OverflowError):
        raise ConfigError(
            'config.json: scales must be different positive integers such as "32+64+112+224", got '
            + shown(value)
        ) from None
    return scales


def _vision(section: Section) -> VisionConfig:
    if section.integer("temporal_patch_size", 1) != 1:
        raise ConfigError(
            f"config.json: {section.name('temporal_patch_size')} is {section.get('temporal_patch_size')}, "
            "but only 1 (one set of tokens for each frame) can be run"
        )
    hidden = section.integer("hidden_dim", 192, most=MAX_WIDTH)
    spatial = section.integer("trunk_spatial_kernel_size", 3, most=MAX_KERNEL)
    if spatial % 2 == 0:
        name = section.name("trunk_spatial_kernel_size")
        raise ConfigError(f"config.json: {name} must be odd to keep the grid's size, got {spatial}")
    return VisionConfig(
        hidden_dim=hidden,
        out_dim=section.integer("out_dim", 192, most=MAX_WIDTH),
        depth=section.integer("depth", 1, least=0, most=MAX_LAYERS),
        kernel_size=section.integer("kernel_size", 16, most=MAX_KERNEL),
        trunk_temporal_kernel_size=section.integer("trunk_temporal_kernel_size", 3, most=MAX_KERNEL),
        trunk_spatial_kernel_size=spatial,
    )


def _decoder(section: Section) -> DecoderConfig:
    hidden = section.integer("hidden_size", most=MAX_WIDTH)
    heads = section.integer("num_attention_heads", most=MAX_HEADS)
    groups = section.integer("num_key_value_heads", heads, most=MAX_HEADS)
    if heads % groups:
        raise ConfigError(
            f"config.json: {section.name('num_attention_heads')} ({heads}) must be a multiple of "
            f"num_key_value_heads ({groups})"
        )
    if section.get("head_dim") is None and hidden % heads:
        raise ConfigError(
            f"config.json: {section.name('hidden_size')} ({hidden}) must be a multiple of "
            f"num_attention_heads ({heads}) when head_dim is not given"
        )
    head_dim = section.integer("head_dim", hidden // heads, most=MAX_WIDTH)
    if head_dim % 2:
        raise ConfigError(
            f"config.json: {section.name('head_dim')} must be even for rotary positions, got {head_dim}"
        )
    activation = section.get("hidden_act")
    if activation not in (None, "silu", "swish"):
        raise ConfigError(
            f"config.json: {section.name('hidden_act')} is {shown(activation)}, but only 'silu' can be run"
        )
    theta, scaling = read_rope(section)
    return DecoderConfig(
        hidden_size=hidden,
        intermediate_size=section.integer("intermediate_size", most=MAX_WIDTH),
        num_hidden_layers=section.integer("num_hidden_layers", most=MAX_LAYERS),
        num_attention_heads=heads,
        num_key_value_heads=groups,
        head_dim=head_dim,
        rms_norm_eps=section.number("rms_norm_eps", 1e-6),
        rope_theta=theta,
        rope_scaling=scaling,
        attention_bias=section.boolean("attention_bias", False),
        mlp_bias=section.boolean("mlp_bias", False),
        num_multi_token_pred=section.integer("num_multi_token_pred", 1, most=MAX_HEADS),
    )


def _fixed(top: Section, name: str, default: float) -> float | None:
    """The value of a control that is ``fixed`` at inference; None for any other sampling strategy.

    Args:
        default: the value of upstream's configuration class, for a config without the control's section.
    """
    key = f"{name}_config"
    if top.get(key) is None:
        return default
    section = top.section(key)
    if section.get("sample_strategy_during_inference") != "fixed":
        return None
    fixed = section.section("fixed")
    value = fixed.get(name)
    if not is_finite(value):
        raise ConfigError(f"config.json: {fixed.name(name)} must be a number, got {shown(value)}")
    if name == "gazing_ratio" and not 0 <= value <= 1:
        raise ConfigError(f"config.json: {fixed.name(name)} must be between 0 and 1, got {shown(value)}")
    return float(value)


def _check_counts(config: AutoGazeConfig, gaze: Section) -> None:
    """Raises where two numbers of the config contradict each other."""

    def agree(section: Section, key: str, expected: int, why: str) -> None:
        value = section.get(key)
        if value is not None and value != expected:
            raise ConfigError(
                f"config.json: {section.name(key)} is {shown(value)}, but {why} makes it {expected}"
            )

    tokens, hidden = config.tokens_per_frame, config.decoder.hidden_size
    decoder = gaze.section("gaze_decoder_config")
    agree(gaze, "num_vision_tokens_each_frame", tokens, "num_vision_tokens_each_frame at the top level")
    agree(decoder, "vocab_size", tokens + 1, "num_vision_tokens_each_frame + 1")
    if config.vision_grid < 1:
        raise ConfigError(
            f"config.json: gaze_model_config.input_img_size ({config.input_img_size}) is smaller than "
            f"one patch of vision_model_config.kernel_size ({config.vision.kernel_size})"
        )
    if config.vision_tokens > MAX_TOKENS:
        raise ConfigError(
            f"config.json: gaze_model_config.input_img_size ({config.input_img_size}) has "
            f"{config.vision_tokens} patches of {config.vision.kernel_size} pixels a side, "
            f"at most {MAX_TOKENS} can be run"
        )
    if gaze.get("connector_config") is not None:
        connector = gaze.section("connector_config")
        agree(connector, "hidden_dim", hidden, "gaze_decoder_config.hidden_size")
        agree(connector, "num_tokens", config.vision_tokens, "(input_img_size / kernel_size) squared")
    if config.vision.out_dim != hidden:
        raise ConfigError(
            f"config.json: gaze_model_config.vision_model_config.out_dim ({config.vision.out_dim}) must "
            f"equal gaze_decoder_config.hidden_size ({hidden})"
        )
    grids = config.scale_grids()
    if sum(g * g for g in grids) != tokens or 0 in grids:
        raise ConfigError(
            f"config.json: num_vision_tokens_each_frame ({tokens}) does not divide into square grids "
            f"over the scales {'+'.join(map(str, config.scales))}"
        )


_NOT_IN_GRAPHS = (
    "gazing_ratio",
    "task_loss_requirement",
    "max_num_frames",
    "scales",
    "decoder.rope_theta",
    "decoder.rope_scaling",
)


def architecture_differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What keeps two configs from sharing one graph, as sentences like ``decoder.head_dim: 32 and 64``.

    Default controls (ratio, requirement, window) are no part of a graph, and neither are rotary
    frequencies, whose angles are an input.

    Args:
        one, other: configs as ``dataclasses.asdict`` makes them, or as that comes back from JSON.
    """
    a, b = _flat(one), _flat(other)
    return [
        f"{path}: {shown(a.get(path))} and {shown(b.get(path))}"
        for path in dict.fromkeys([*a, *b])
        if a.get(path) != b.get(path) and not path.startswith(_NOT_IN_GRAPHS)
    ]


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = list(value) if isinstance(value, tuple) else value
    return flat
