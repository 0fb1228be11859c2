"""The light decoder that rebuilds a frame from a vision encoder's features: its config and its weights.

`docs/encoder.md` describes the files; `graph/frame_decoder.py` computes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..formats.json_text import parse_json
from ..formats.safetensors import Buffer, TensorEntry, read_header
from ..limits import (
    MAX_HEADS,
    MAX_JSON_BYTES,
    MAX_LAYERS,
    MAX_PROCESSED_PIXELS,
    MAX_SIDE,
    MAX_TOKENS,
    MAX_WIDTH,
    MAX_WINDOW,
    shown,
)
from ..model.checkpoint import read_head
from ..model.config_section import ConfigError, Section
from ..model.model_text import read_text
from .checkpoint import check_finite, check_tensors, read_tensors
from .config import SiglipConfig, parse_scales

CONFIG_NAME = "decoder.json"
WEIGHTS_NAME = "decoder.safetensors"
MODEL_TYPE = "autogaze_frame_decoder"


@dataclass(frozen=True)
class FrameDecoderConfig:
    """The numbers of a ``decoder.json``.

    Attributes:
        encoder_hidden_size: width of the encoder's features.
        image_size: side in pixels of the rebuilt frame.
        patch_size: side in pixels of the encoder's patches, and of those in which the frame is rebuilt.
        scales: the encoder's scales in pixels, ascending.
        window: number of ages that are told apart: the last one stands for itself and all higher ones.
    """

    encoder_hidden_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_channels: int
    image_size: int
    patch_size: int
    scales: tuple[int, ...]
    window: int
    layer_norm_eps: float

    def __post_init__(self) -> None:
        if self.hidden_size % self.num_attention_heads:
            raise ConfigError(
                f"{CONFIG_NAME}: hidden_size of {self.hidden_size} must be divisible by num_attention_heads "
                f"of {self.num_attention_heads}"
            )
        if self.num_channels != 3:
            raise ConfigError(
                f"{CONFIG_NAME}: num_channels must be 3, for red, green and blue, got {self.num_channels}"
            )
        if self.image_size**2 > MAX_PROCESSED_PIXELS:
            raise ConfigError(
                f"{CONFIG_NAME}: a frame of {self.image_size}x{self.image_size} pixels cannot be rebuilt, at "
                f"most {MAX_PROCESSED_PIXELS:,} pixels can: give a smaller image_size"
            )
        if self.image_size % self.patch_size:
            raise ConfigError(
                f"{CONFIG_NAME}: image_size of {self.image_size} must be divisible by patch_size of "
                f"{self.patch_size}"
            )
        if any(self.image_size % grid for grid in self.grids):
            raise ConfigError(
                f"{CONFIG_NAME}: patches of {self.patch_size} pixels at the scales {list(self.scales)} do "
                f"not end on whole pixels of a frame of {self.image_size}: give other scales"
            )
        if max(self.grid**2, self.patches) > MAX_TOKENS:
            raise ConfigError(
                f"{CONFIG_NAME}: a frame of {max(self.grid**2, self.patches):,} patches cannot be rebuilt, "
                f"at most {MAX_TOKENS:,} can: give a larger patch_size"
            )

    @staticmethod
    def from_file(path: str | Path) -> FrameDecoderConfig:
        """Reads a ``decoder.json``.

        Raises:
            ConfigError: if the file is missing, is not JSON or does not describe a frame decoder.
        """
        try:
            text = read_text(path, MAX_JSON_BYTES, "expected the frame decoder's decoder.json there")
            values = parse_json(text, CONFIG_NAME)
        except ValueError as error:
            raise ConfigError(str(error)) from None
        return FrameDecoderConfig.from_dict(values)

    @staticmethod
    def from_dict(values: Any) -> FrameDecoderConfig:
        """A config from the parsed ``decoder.json``; every key is needed.

        Raises:
            ConfigError: naming the key that is wrong.
        """
        section = Section(values, "", CONFIG_NAME, "a frame decoder")
        if section.get("model_type") != MODEL_TYPE:
            raise ConfigError(
                f"{CONFIG_NAME} has model_type {shown(section.get('model_type'))}: expected {MODEL_TYPE}"
            )
        patch_size = section.integer("patch_size", most=MAX_SIDE)
        return FrameDecoderConfig(
            encoder_hidden_size=section.integer("encoder_hidden_size", most=MAX_WIDTH),
            hidden_size=section.integer("hidden_size", most=MAX_WIDTH),
            intermediate_size=section.integer("intermediate_size", most=MAX_WIDTH),
            num_hidden_layers=section.integer("num_hidden_layers", most=MAX_LAYERS),
            num_attention_heads=section.integer("num_attention_heads", most=MAX_HEADS),
            num_channels=section.integer("num_channels", most=MAX_WIDTH),
            image_size=section.integer("image_size", least=patch_size, most=MAX_SIDE),
            patch_size=patch_size,
            scales=parse_scales(section.get("scales"), patch_size, f"{CONFIG_NAME}: "),
            window=section.integer("window", most=MAX_WINDOW),
            layer_norm_eps=section.number("layer_norm_eps"),
        )

    @property
    def head_dim(self) -> int:
        """Width of an attention head."""
        return self.hidden_size // self.num_attention_heads

    @property
    def grid(self) -> int:
        """Patches per side of the rebuilt frame."""
        return self.image_size // self.patch_size

    @property
    def grids(self) -> tuple[int, ...]:
        """Patches per side of each of the encoder's scales."""
        return tuple(scale // self.patch_size for scale in self.scales)

    @property
    def patches(self) -> int:
        """Number of patch ids, over all scales."""
        return sum(grid * grid for grid in self.grids)

    @property
    def patch_values(self) -> int:
        """Numbers of a patch: channels times pixels."""
        return self.num_channels * self.patch_size**2


@dataclass(frozen=True)
class FrameDecoderCheckpoint:
    """A frame decoder's config and its float32 weights by tensor name."""

    config: FrameDecoderConfig
    weights: Mapping[str, NDArray[np.float32]]

    @staticmethod
    def from_folder(folder: str | Path) -> FrameDecoderCheckpoint:
        """Reads ``decoder.json`` and ``decoder.safetensors``.

        Raises:
            ConfigError: if decoder.json is missing or does not describe a frame decoder.
            SafetensorsError: if decoder.safetensors is missing or damaged.
            CheckpointError: naming every tensor that is missing or does not fit.
        """
        folder = Path(folder)
        config = FrameDecoderConfig.from_file(folder / CONFIG_NAME)
        head = read_head(folder / WEIGHTS_NAME, "expected the frame decoder's weights there")
        weights = read_tensors(folder / WEIGHTS_NAME, decoder_entries(config, *head))
        check_finite(weights)
        return FrameDecoderCheckpoint(config, weights)


def check_encoder(decoder: FrameDecoderConfig, encoder: SiglipConfig) -> None:
    """Raises unless a decoder was made for an encoder of this shape.

    Raises:
        ConfigError: naming what differs.
    """
    pairs = {
        "hidden_size": (decoder.encoder_hidden_size, encoder.hidden_size),
        "patch_size": (decoder.patch_size, encoder.patch_size),
        "scales": (decoder.scales, encoder.scales),
        "num_channels": (decoder.num_channels, encoder.num_channels),
    }
    for name, (expected, found) in pairs.items():
        if expected != found:
            raise ConfigError(
                f"the frame decoder was made for an encoder with {name} {shown(expected)}, but this one has "
                f"{shown(found)}: take both from the same folder"
            )


def decoder_entries(config: FrameDecoderConfig, head: Buffer, size: int) -> dict[str, TensorEntry]:
    """Where a decoder's tensors lie in ``decoder.safetensors``.

    Args:
        config: the decoder's.
        head: the file's first bytes, at least the header with its length before it.
        size: bytes of the whole file.

    Raises:
        SafetensorsError: if the header is damaged.
        CheckpointError: naming every tensor that is missing or does not fit.
    """
    expected, found = expected_tensors(config), read_header(head, size)
    entries = {name: found[name] for name in expected if name in found}
    check_tensors(expected, entries, f"frame decoder in {CONFIG_NAME}")
    return entries


def expected_tensors(config: FrameDecoderConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of a frame decoder."""
    width, inner, scales = config.hidden_size, config.intermediate_size, len(config.scales)
    shapes: dict[str, tuple[int, ...]] = {}

    def linear(name: str, out: int, into: int) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (out, into), (out,)

    def norm(name: str) -> None:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (width,)

    linear("features", width, config.encoder_hidden_size)
    shapes["position_embedding.weight"] = (config.grid**2, width)
    shapes["scale_embedding.weight"] = (scales, width)
    shapes["age_embedding.weight"] = (config.window, width)
    shapes["mask_token"] = (width,)
    shapes["empty_row"] = (1, width)
    norm("rows_norm")
    for index in range(config.num_hidden_layers):
        layer = f"layers.{index}"
        for kind in ("cross", "self"):
            norm(f"{layer}.{kind}_norm")
            for projection in ("q_proj", "k_proj", "v_proj", "out_proj"):
                linear(f"{layer}.{kind}.{projection}", width, width)
        norm(f"{layer}.mlp_norm")
        linear(f"{layer}.mlp.fc1", inner, width)
        linear(f"{layer}.mlp.fc2", width, inner)
    norm("final_norm")
    linear("pixels", config.patch_values, width)
    linear("paint", config.patch_values, config.encoder_hidden_size)
    linear("gates", scales, width)
    return shapes
