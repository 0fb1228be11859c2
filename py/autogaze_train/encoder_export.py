"""Writes and reads the folder of the built-in encoder and its frame decoder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autogaze_web.encoder.checkpoint import SiglipCheckpoint
from autogaze_web.encoder.config import SiglipConfig
from autogaze_web.encoder.frame_decoder import (
    CONFIG_NAME,
    WEIGHTS_NAME,
    FrameDecoderCheckpoint,
    FrameDecoderConfig,
    check_encoder,
)

_PARTS = ("encoder.", "decoder.")


def configs_of(values: dict[str, Any]) -> tuple[SiglipConfig, FrameDecoderConfig]:
    """The configs in a parsed ``encoder_config.json``.

    Raises:
        ConfigError: if they do not fit each other.
    """
    encoder = SiglipConfig.from_dict(values["encoder"])
    decoder = FrameDecoderConfig.from_dict(values["decoder"])
    check_encoder(decoder, encoder)
    return encoder, decoder


def save_encoder(folder: Path, values: dict[str, Any], weights: dict[str, torch.Tensor]) -> None:
    """Writes the configs and the weights, as float16.

    Args:
        values: a parsed ``encoder_config.json``.
        weights: of a `MaskedAutoencoder`.

    Raises:
        ValueError: if the written folder is not complete.
    """
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    size = values["encoder"]["image_size"]
    preprocessor = {
        "image_processor_type": "SiglipImageProcessor",
        "do_resize": True,
        "size": {"height": size, "width": size},
        "resample": 2,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }
    texts = {
        "config.json": values["encoder"],
        "preprocessor_config.json": preprocessor,
        CONFIG_NAME: values["decoder"],
    }
    for name, content in texts.items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    for part, name in zip(_PARTS, ("model.safetensors", WEIGHTS_NAME), strict=True):
        arrays = {
            key.removeprefix(part): np.ascontiguousarray(weight.float().cpu().numpy()).astype(np.float16)
            for key, weight in weights.items()
            if key.startswith(part)
        }
        save_file(arrays, folder / name, metadata={"format": "pt"})
    load_encoder_weights(folder)


def load_encoder_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The float32 weights in a folder, as those of a `MaskedAutoencoder`.

    Raises:
        ValueError: if a file is missing, damaged or does not fit the others.
    """
    encoder, decoder = SiglipCheckpoint.from_folder(folder), FrameDecoderCheckpoint.from_folder(folder)
    check_encoder(decoder.config, encoder.config)
    parts = zip(_PARTS, (encoder.weights, decoder.weights), strict=True)
    return {
        part + name: torch.from_numpy(array.copy())
        for part, weights in parts
        for name, array in weights.items()
    }
