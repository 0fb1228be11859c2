"""The numbers of a SigLIP vision tower: ``config.json``, in either of its two shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..formats.json_text import parse_json
from ..limits import (
    MAX_HEADS,
    MAX_JSON_BYTES,
    MAX_LAYERS,
    MAX_SCALES,
    MAX_SIDE,
    MAX_TOKENS,
    MAX_WIDTH,
    shown,
)
from ..model.config_section import ConfigError, Section
from ..model.model_text import read_text
from ..readout.gazing_info import ATTENTION_KINDS
from .patches import PatchScales

DEFAULT_SCALES = "224"
ACTIVATIONS = (
    *("gelu", "gelu_python", "gelu_pytorch_tanh", "gelu_new", "gelu_fast", "gelu_accurate", "quick_gelu"),
    *("relu", "relu2", "relu6", "silu", "swish", "tanh", "sigmoid", "linear", "mish", "leaky_relu"),
)
_IMPLEMENTATIONS = ("eager", "sdpa", "flash_attention_2")
_NESTED, _ALONE = "siglip", "siglip_vision_model"


@dataclass(frozen=True)
class SiglipConfig:
    """A SigLIP vision tower, and how it looks at the patches of a video.

    Attributes:
        image_size: side in pixels of the images that it was trained on.
        scales: sides in pixels to which frames are resized, ascending; upstream's default is 224 whatever
            ``image_size`` is.
        attn_type: ``block_causal``, ``causal`` or ``bidirectional``.
        frame_independent_encoding: whether a token sees its own frame alone.
        vision_use_head: whether the checkpoint has the pooling head.

    Examples:
        >>> SiglipConfig.from_dict({"model_type": "siglip", "vision_config": {}}, scales="112+56").grids
        (3, 7)
    """

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_channels: int
    image_size: int
    patch_size: int
    hidden_act: str
    layer_norm_eps: float
    scales: tuple[int, ...]
    attn_type: str
    frame_independent_encoding: bool
    vision_use_head: bool

    def __post_init__(self) -> None:
        if self.hidden_size % self.num_attention_heads:
            raise ConfigError(
                f"config.json: hidden_size of {self.hidden_size} must be divisible by num_attention_heads of "
                f"{self.num_attention_heads}"
            )
        if self.image_size < self.patch_size:
            raise ConfigError(
                f"config.json: image_size of {self.image_size} is less than patch_size of {self.patch_size}"
            )
        if self.patch_scales.patches > MAX_TOKENS:
            raise ConfigError(
                f"frames at the scales {list(self.scales)} have {self.patch_scales.patches:,} patches of "
                f"{self.patch_size} pixels, at most {MAX_TOKENS:,} can be encoded: give smaller scales"
            )
        if self.hidden_act not in ACTIVATIONS:
            raise ConfigError(
                f"config.json: hidden_act {shown(self.hidden_act)} is not one of {', '.join(ACTIVATIONS)}"
            )
        if self.attn_type.replace("_", "-") not in ATTENTION_KINDS:
            kinds = ", ".join(kind.replace("-", "_") for kind in ATTENTION_KINDS)
            raise ConfigError(f"attn_type is one of {kinds}, got {shown(self.attn_type)}")
        if self.frame_independent_encoding and self.attn_type != "block_causal":
            raise ConfigError(
                f"frame_independent_encoding goes with attn_type block_causal, got {shown(self.attn_type)}"
            )

    @staticmethod
    def from_file(path: str | Path, **overrides: Any) -> SiglipConfig:
        """Reads a ``config.json``; see `from_dict`.

        Raises:
            ConfigError: if the file is missing, is not JSON or does not describe a SigLIP vision tower.
        """
        try:
            text = read_text(path, MAX_JSON_BYTES, "expected SigLIP's config.json there")
            values = parse_json(text, "config.json")
        except ValueError as error:
            raise ConfigError(str(error)) from None
        return SiglipConfig.from_dict(values, **overrides)

    @staticmethod
    def from_dict(
        values: Any,
        scales: str | Sequence[int] | None = None,
        attn_type: str | None = None,
        frame_independent_encoding: bool | None = None,
        attn_implementation: str | None = None,
    ) -> SiglipConfig:
        """A config from the parsed ``config.json``; missing keys have transformers' defaults.

        Args:
            values: of a checkpoint with both towers, or of a vision tower alone.
            scales, attn_type, frame_independent_encoding: replace those of the file; None leaves them.
            attn_implementation: accepted and without effect: ``eager``, ``sdpa`` or ``flash_attention_2``.

        Raises:
            ConfigError: naming the key that is wrong.
        """
        if attn_implementation not in (None, *_IMPLEMENTATIONS):
            raise ConfigError(
                f"attn_implementation is one of {', '.join(_IMPLEMENTATIONS)} (all give the same here), got "
                f"{shown(attn_implementation)}"
            )
        tower = _tower(values)
        text = tower.get("scales") if scales is None else scales
        attention = tower.get("attn_type") if attn_type is None else attn_type
        independent = frame_independent_encoding
        if independent is None:
            independent = tower.boolean("frame_independent_encoding", False)
        activation = tower.get("hidden_act")
        patch_size = tower.integer("patch_size", 16, most=MAX_SIDE)
        return SiglipConfig(
            hidden_size=tower.integer("hidden_size", 768, most=MAX_WIDTH),
            intermediate_size=tower.integer("intermediate_size", 3072, most=MAX_WIDTH),
            num_hidden_layers=tower.integer("num_hidden_layers", 12, least=0, most=MAX_LAYERS),
            num_attention_heads=tower.integer("num_attention_heads", 12, most=MAX_HEADS),
            num_channels=tower.integer("num_channels", 3, most=MAX_WIDTH),
            image_size=tower.integer("image_size", 224, most=MAX_SIDE),
            patch_size=patch_size,
            hidden_act="gelu_pytorch_tanh" if activation is None else str(activation),
            layer_norm_eps=tower.number("layer_norm_eps", 1e-6),
            scales=parse_scales(
                DEFAULT_SCALES if text is None else text,
                patch_size,
                "config.json: " if scales is None else "",
            ),
            attn_type="block_causal" if attention is None else str(attention).replace("-", "_"),
            frame_independent_encoding=bool(independent),
            vision_use_head=tower.boolean("vision_use_head", True),
        )

    def with_scales(self, scales: str | Sequence[int]) -> SiglipConfig:
        """The same tower at other scales."""
        return replace(self, scales=parse_scales(scales, self.patch_size))

    @property
    def head_dim(self) -> int:
        """Width of an attention head."""
        return self.hidden_size // self.num_attention_heads

    @property
    def trained_grid(self) -> int:
        """Patches per side of the position embeddings; pixels that fill no patch do not count."""
        return self.image_size // self.patch_size

    @property
    def patch_scales(self) -> PatchScales:
        """The scales, and the patches that they are cut into."""
        return PatchScales(self.scales, self.patch_size)

    @property
    def grids(self) -> tuple[int, ...]:
        """Patches per side of each scale."""
        return self.patch_scales.grids

    @property
    def patch_values(self) -> int:
        """Numbers of a patch: channels times pixels."""
        return self.num_channels * self.patch_size**2


def _tower(values: Any) -> Section:
    if not isinstance(values, Mapping):
        raise ConfigError(f"config.json must be a JSON object, got {shown(values)}")
    kind = values.get("model_type")
    nested = _has_both_towers(values)
    tower = values.get("vision_config", {}) if nested else values
    if kind not in (None, _NESTED, _ALONE) or (isinstance(tower, Mapping) and "num_patches" in tower):
        naflex = " (SigLIP 2 of variable resolution, NaFlex, is another model)" if kind == "siglip2" else ""
        raise ConfigError(
            f"config.json has model_type {shown(kind)}{naflex}: expected {_NESTED} or {_ALONE}, such as "
            "google/siglip2-base-patch16-224"
        )
    if not isinstance(tower, Mapping):
        raise ConfigError(f"config.json: vision_config must be a JSON object, got {shown(tower)}")
    return Section(tower, "vision_config" if nested else "", model="a SigLIP")


def _has_both_towers(values: Mapping[str, Any]) -> bool:
    kind = values.get("model_type")
    return kind == _NESTED or (kind is None and "vision_config" in values)


def is_encoder(path: str | Path) -> bool:
    """Whether a ``config.json`` is that of a SigLIP; False if it cannot be read."""
    try:
        values = parse_json(read_text(path, MAX_JSON_BYTES, ""), "config.json")
    except ValueError:
        return False
    return isinstance(values, Mapping) and (_has_both_towers(values) or values.get("model_type") == _ALONE)


def parse_scales(given: Any, patch_size: int, place: str = "") -> tuple[int, ...]:
    """Sides in pixels from ``"32+64"`` or numbers, ascending; repeated ones stay.

    Args:
        place: what errors begin with, such as ``"decoder.json: "``.

    Raises:
        ConfigError: if it is something else, or a scale is smaller than a patch.
    """
    try:
        parts = given.split("+") if isinstance(given, str) else list(given)
        scales = sorted(int(part) for part in parts)
    except (TypeError, ValueError):
        raise ConfigError(
            f'{place}scales are numbers joined by "+", such as "32+64+112+224", got {shown(given)}'
        ) from None
    if not 1 <= len(scales) <= MAX_SCALES or not all(patch_size <= scale <= MAX_SIDE for scale in scales):
        raise ConfigError(
            f"{place}scales are 1 to {MAX_SCALES} numbers from the patch size of {patch_size} to {MAX_SIDE} "
            f"pixels, got {shown(given)}"
        )
    return tuple(scales)
