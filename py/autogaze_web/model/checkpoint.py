"""A checkpoint: an architecture and its weights, complete and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..formats.safetensors import Buffer, SafetensorsError, TensorEntry, read_header
from ..formats.safetensors_index import INDEX_NAME, WeightMap, check_shards, read_index, shard_files
from .config import AutoGazeConfig

Weights = Mapping[str, NDArray[np.float32]]

WEIGHTS_NAME = "model.safetensors"
FLOAT_DTYPES = ("F32", "F16", "BF16")

_ROTARY_BUFFER = re.compile(r"(^|\.)rotary_emb\.(original_)?inv_freq$")


class CheckpointError(ValueError):
    """Weights that do not fit the config; the message lists every tensor that is wrong."""


@dataclass(frozen=True)
class Checkpoint:
    """An AutoGaze config and its float32 weights by tensor name."""

    config: AutoGazeConfig
    weights: Weights

    @staticmethod
    def from_folder(folder: str | Path) -> Checkpoint:
        """Reads ``config.json`` and the weights of a Hugging Face folder.

        The weights are ``model.safetensors`` or, where that is not there, the shards that
        ``model.safetensors.index.json`` names.

        Raises:
            ConfigError: if config.json is missing or does not describe an AutoGaze model.
            SafetensorsError: if a file is missing or damaged, or shards do not fit their index.
            CheckpointError: if the weights do not fit the config.
        """
        folder = Path(folder)
        config = AutoGazeConfig.from_file(folder / "config.json")
        whole, index = folder / WEIGHTS_NAME, folder / INDEX_NAME
        if whole.exists() or not index.exists():
            return Checkpoint.from_bytes(config, _read(whole, "expected the checkpoint's weights there"))
        text = _read(index, "expected the index of the checkpoint's shards there")
        try:
            weight_map = read_index(text.decode("utf-8"))
        except UnicodeDecodeError:
            raise SafetensorsError(f"{index} is not UTF-8 text: download it again") from None
        why = f"{INDEX_NAME} names it: download all files of the checkpoint"
        return Checkpoint.from_shards(
            config, weight_map, {file: _read(folder / file, why) for file in shard_files(weight_map)}
        )

    @staticmethod
    def from_bytes(config: AutoGazeConfig, data: Buffer) -> Checkpoint:
        """A checkpoint from the bytes of a ``model.safetensors``; float32 tensors stay views of them.

        Raises:
            SafetensorsError: if the bytes are not a valid safetensors file.
            CheckpointError: if tensors are missing, unknown, of another shape or dtype, or not finite.
        """
        return Checkpoint._of(config, [(data, weight_entries(data))])

    @staticmethod
    def from_shards(
        config: AutoGazeConfig, weight_map: WeightMap, shards: Mapping[str, Buffer]
    ) -> Checkpoint:
        """A checkpoint from the bytes of its shards; float32 tensors stay views of them.

        Args:
            weight_map: the file of each tensor, from `read_index`.
            shards: the bytes of each of these files.

        Raises:
            SafetensorsError: if a shard is not a valid safetensors file or does not fit the index.
            CheckpointError: as for `from_bytes`.
        """
        entries = shard_entries(weight_map, {file: (data, len(data)) for file, data in shards.items()})
        return Checkpoint._of(config, [(data, entries[file]) for file, data in shards.items()])

    @staticmethod
    def _of(config: AutoGazeConfig, files: list[tuple[Buffer, dict[str, TensorEntry]]]) -> Checkpoint:
        check_entries(config, {name: entry for _, entries in files for name, entry in entries.items()})
        weights = {
            name: _as_float32(data, entry) for data, entries in files for name, entry in entries.items()
        }
        bad = [name for name, array in weights.items() if not np.isfinite(array).all()]
        if bad:
            raise CheckpointError(
                f"the weights hold NaN or infinity in {_listing(bad)}: the file is damaged, download it again"
            )
        return Checkpoint(config, weights)


def weight_entries(data: Buffer, size: int | None = None) -> dict[str, TensorEntry]:
    """The weights in a safetensors file, without the buffers of rotary frequencies that old files have.

    Those follow from config.json, and transformers ignores them as well.

    Args:
        data, size: those of `read_header`.

    Raises:
        SafetensorsError: if the bytes are not a valid safetensors file.
    """
    return {name: entry for name, entry in read_header(data, size).items() if _is_weight(name)}


def shard_entries(
    weight_map: WeightMap, shards: Mapping[str, tuple[Buffer, int]]
) -> dict[str, dict[str, TensorEntry]]:
    """The weights in each shard, as `weight_entries` gives them.

    Args:
        weight_map: the file of each tensor, from `read_index`.
        shards: of each of these files the first bytes, with the header, and the size.

    Raises:
        SafetensorsError: if a shard is not a valid safetensors file or does not fit the index.
    """
    entries = {}
    for file, (data, size) in shards.items():
        try:
            entries[file] = weight_entries(data, size)
        except SafetensorsError as error:
            raise SafetensorsError(f"{file}: {error}") from None
    check_shards({name: file for name, file in weight_map.items() if _is_weight(name)}, entries)
    return entries


def _is_weight(name: str) -> bool:
    return _ROTARY_BUFFER.search(name) is None


def _read(path: Path, why: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SafetensorsError(f"cannot read {path}: {error.strerror}; {why}") from None


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


def check_entries(config: AutoGazeConfig, entries: Mapping[str, TensorEntry]) -> None:
    """Raises unless the tensors are those of the architecture, in a dtype that can be read.

    Raises:
        CheckpointError: listing all tensors that are missing, unknown, or of another shape or dtype.
    """
    expected = expected_tensors(config)
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
