"""A checkpoint: an architecture and its weights, complete and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..formats.safetensors import Buffer, SafetensorsError, TensorEntry, read_header
from .config import AutoGazeConfig

Weights = Mapping[str, NDArray[np.float32]]

FLOAT_DTYPES = ("F32", "F16", "BF16")


class CheckpointError(ValueError):
    """Weights that do not fit the config; the message lists every tensor that is wrong."""


@dataclass(frozen=True)
class Checkpoint:
    """An AutoGaze config and its float32 weights by tensor name."""

    config: AutoGazeConfig
    weights: Weights

    @staticmethod
    def from_folder(folder: str | Path) -> Checkpoint:
        """Reads ``config.json`` and ``model.safetensors`` of a Hugging Face folder.

        Raises:
            ConfigError: if config.json is missing or does not describe an AutoGaze model.
            SafetensorsError: if model.safetensors is missing or damaged.
            CheckpointError: if the weights do not fit the config.
        """
        config = AutoGazeConfig.from_file(Path(folder) / "config.json")
        path = Path(folder) / "model.safetensors"
        try:
            data = path.read_bytes()
        except OSError as error:
            raise SafetensorsError(
                f"cannot read {path}: {error.strerror}; expected the checkpoint's weights there"
            ) from None
        return Checkpoint.from_bytes(config, data)

    @staticmethod
    def from_bytes(config: AutoGazeConfig, data: Buffer) -> Checkpoint:
        """A checkpoint from the bytes of a ``model.safetensors``; float32 tensors stay views of them.

        Raises:
            SafetensorsError: if the bytes are not a valid safetensors file.
            CheckpointError: if tensors are missing, unknown, of another shape or dtype, or not finite.
        """
        entries = read_header(data)
        _check_entries(entries, expected_tensors(config))
        weights = {name: _as_float32(data, entry) for name, entry in entries.items()}
        bad = [name for name, array in weights.items() if not np.isfinite(array).all()]
        if bad:
            raise CheckpointError(
                f"the weights hold NaN or infinity in {_listing(bad)}: the file is damaged, download it again"
            )
        return Checkpoint(config, weights)


def expected_tensors(config: AutoGazeConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of an architecture, in upstream's order."""
    vision, decoder = config.vision, config.decoder
    hidden, width = vision.hidden_dim, decoder.hidden_size
    q = decoder.num_attention_heads * decoder.head_dim
    kv = decoder.num_key_value_heads * decoder.head_dim
    spatial = vision.trunk_spatial_kernel_size
    shapes: dict[str, tuple[int, ...]] = {}

    trunk = "gazing_model.vision_model"
    shapes[f"{trunk}.temporal_conv.weight"] = (hidden, 3, 1, vision.kernel_size, vision.kernel_size)
    shapes[f"{trunk}.temporal_conv.bias"] = (hidden,)
    shapes[f"{trunk}.norm.weight"] = (hidden,)
    shapes[f"{trunk}.norm.bias"] = (hidden,)
    for block in range(vision.depth):
        name = f"{trunk}.blocks.{block}.conv3d"
        shapes[f"{name}.weight"] = (hidden, hidden, vision.trunk_temporal_kernel_size, spatial, spatial)
        shapes[f"{name}.bias"] = (hidden,)
    shapes[f"{trunk}.out_proj.weight"] = (vision.out_dim, hidden, 1, 1, 1)
    shapes[f"{trunk}.out_proj.bias"] = (vision.out_dim,)
    shapes["gazing_model.connector.pos_embed"] = (config.vision_tokens, width)

    model = "gazing_model.gaze_decoder.model"
    shapes[f"{model}.embed_tokens.weight"] = (config.vocab_size, width)
    for layer in range(decoder.num_hidden_layers):
        name = f"{model}.layers.{layer}"
        projections = {
            "self_attn.q_proj": (q, width),
            "self_attn.k_proj": (kv, width),
            "self_attn.v_proj": (kv, width),
            "self_attn.o_proj": (width, q),
            "mlp.gate_proj": (decoder.intermediate_size, width),
            "mlp.up_proj": (decoder.intermediate_size, width),
            "mlp.down_proj": (width, decoder.intermediate_size),
        }
        for projection, shape in projections.items():
            shapes[f"{name}.{projection}.weight"] = shape
            if decoder.attention_bias if projection.startswith("self_attn") else decoder.mlp_bias:
                shapes[f"{name}.{projection}.bias"] = shape[:1]
        shapes[f"{name}.input_layernorm.weight"] = (width,)
        shapes[f"{name}.post_attention_layernorm.weight"] = (width,)
    shapes[f"{model}.norm.weight"] = (width,)
    heads = decoder.num_multi_token_pred
    shapes["gazing_model.gaze_decoder.lm_head.weight"] = (heads * config.vocab_size, width)
    shapes["gazing_model.gaze_decoder.task_loss_prediction_head.weight"] = (heads, width)
    return shapes


def _check_entries(entries: Mapping[str, TensorEntry], expected: Mapping[str, tuple[int, ...]]) -> None:
    problems: list[str] = []
    missing = [name for name in expected if name not in entries]
    extra = [name for name in entries if name not in expected]
    if missing:
        problems.append(f"missing {_listing(missing)}")
    if extra:
        problems.append(f"not part of this architecture: {_listing(extra)}")
    for name, shape in expected.items():
        entry = entries.get(name)
        if entry is None:
            continue
        if entry.shape != shape:
            problems.append(f"{name} has shape {list(entry.shape)}, expected {list(shape)}")
        if entry.dtype not in FLOAT_DTYPES:
            problems.append(f"{name} is {entry.dtype}, expected one of {', '.join(FLOAT_DTYPES)}")
    if problems:
        raise CheckpointError("the weights do not fit config.json: " + "; ".join(problems))


def _listing(names: list[str], most: int = 80) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _as_float32(data: Buffer, entry: TensorEntry) -> NDArray[np.float32]:
    raw = memoryview(data)[entry.start : entry.end]
    if entry.dtype == "F32":
        values = np.frombuffer(raw, "<f4")
    elif entry.dtype == "F16":
        values = np.frombuffer(raw, "<f2").astype(np.float32)
    else:  # BF16 is the upper half of a float32
        values = (np.frombuffer(raw, "<u2").astype(np.uint32) << np.uint32(16)).view(np.float32)
    # A header of odd length leaves tensors at odd addresses, which ONNX Runtime is not made for.
    return np.require(values, np.float32, "A").reshape(entry.shape)
