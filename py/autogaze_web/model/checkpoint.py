"""A checkpoint: an architecture and its weights, complete and checked."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..formats.safetensors import Buffer, SafetensorsError, TensorEntry, read_header
from ..formats.safetensors_index import INDEX_NAME, WeightMap, check_shards, read_index, shard_files
from ..limits import MAX_HEADER_BYTES, MAX_LISTING_BYTES, MAX_WEIGHTS, shown
from .config import AutoGazeConfig
from .model_text import read_text

Weights = Mapping[str, NDArray[np.float32]]

WEIGHTS_NAME = "model.safetensors"
FLOAT_DTYPES = ("F32", "F16", "BF16")
_MOST_LISTED, _LONGEST_NAME = 80, 200

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
            why = "expected the checkpoint's weights there"
            heads = {WEIGHTS_NAME: read_head(whole, why)}
            entries = {WEIGHTS_NAME: weight_entries(*heads[WEIGHTS_NAME])}
        else:
            try:
                text = read_text(
                    index, MAX_LISTING_BYTES, "expected the index of the checkpoint's shards there"
                )
            except ValueError as error:
                raise SafetensorsError(str(error)) from None
            weight_map = read_index(text)
            why = f"{INDEX_NAME} names it: download all files of the checkpoint"
            heads = {file: read_head(folder / file, why) for file in shard_files(weight_map)}
            entries = shard_entries(weight_map, heads)
        # Before the tensors are read: their number and sizes are those of the architecture.
        check_entries(config, _joined(entries.values()))
        return Checkpoint._of(
            config, [(_read(folder / file, heads[file][1], why), each) for file, each in entries.items()]
        )

    @staticmethod
    def from_bytes(config: AutoGazeConfig, data: Buffer) -> Checkpoint:
        """A checkpoint from the bytes of a ``model.safetensors``; float32 tensors stay views of them.

        Raises:
            SafetensorsError: if the bytes are not a valid safetensors file.
            CheckpointError: if tensors are missing, unknown, of another shape or dtype, or not finite.
        """
        entries = weight_entries(data)
        check_entries(config, entries)
        return Checkpoint._of(config, [(data, entries)])

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
        check_entries(config, _joined(entries.values()))
        return Checkpoint._of(config, [(data, entries[file]) for file, data in shards.items()])

    @staticmethod
    def _of(config: AutoGazeConfig, files: list[tuple[Buffer, dict[str, TensorEntry]]]) -> Checkpoint:
        weights = {
            name: as_float32(data, entry) for data, entries in files for name, entry in entries.items()
        }
        bad = [name for name, array in weights.items() if not np.isfinite(array).all()]
        if bad:
            raise CheckpointError(
                f"the weights hold NaN or infinity in {listing(bad)}: the file is damaged, download it again"
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


def _joined(entries: Iterable[Mapping[str, TensorEntry]]) -> dict[str, TensorEntry]:
    return {name: entry for each in entries for name, entry in each.items()}


def read_head(path: Path, why: str) -> tuple[bytes, int]:
    """The header of a safetensors file with the length before it, and the size of the file."""
    try:
        if path.exists() and not path.is_file():
            raise SafetensorsError(f"{path} is not a file; {why}")
        with path.open("rb") as file:
            start = file.read(8)
            length = int.from_bytes(start, "little")
            head = start + file.read(length if length <= MAX_HEADER_BYTES else 0)
            return head, os.fstat(file.fileno()).st_size
    except OSError as error:
        raise SafetensorsError(f"cannot read {path}: {error.strerror}; {why}") from None


def _read(path: Path, size: int, why: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(size)
    except OSError as error:
        raise SafetensorsError(f"cannot read {path}: {error.strerror}; {why}") from None
    if len(data) != size:
        raise SafetensorsError(f"{path} changed while it was read: load the model again")
    return data


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
    count = sum(map(math.prod, expected.values()))
    if count > MAX_WEIGHTS:
        raise CheckpointError(
            f"config.json describes a model of {count:,} weights, but at most {MAX_WEIGHTS:,} can be run"
        )
    problems: list[str] = []
    missing = [name for name in expected if name not in entries]
    extra = [name for name in entries if name not in expected]
    if missing:
        problems.append(f"missing {listing(missing)}")
    if extra:
        problems.append(f"not part of this architecture: {listing(extra)}")
    for name, shape in expected.items():
        entry = entries.get(name)
        if entry is None:
            continue
        if entry.shape != shape:
            problems.append(f"{name} has shape {shown(list(entry.shape))}, expected {list(shape)}")
        if entry.dtype not in FLOAT_DTYPES:
            problems.append(f"{name} is {entry.dtype}, expected one of {', '.join(FLOAT_DTYPES)}")
    if problems:
        raise CheckpointError("the weights do not fit config.json: " + _listed(problems, "; "))


def listing(names: list[str]) -> str:
    """Names of tensors as errors show them, cut short."""
    # Names come from the file and may be of any length.
    return _listed(
        [name if len(name) <= _LONGEST_NAME else shown(name) for name in names[: _MOST_LISTED + 1]],
        ", ",
        len(names),
    )


def _listed(items: list[str], separator: str, count: int | None = None) -> str:
    text, count = separator.join(items[:_MOST_LISTED]), count or len(items)
    return text if count <= _MOST_LISTED else f"{text} and {count - _MOST_LISTED} more"


def as_float32(data: Buffer, entry: TensorEntry) -> NDArray[np.float32]:
    """A tensor of a file's bytes as float32, a view of them where it has that dtype."""
    raw = memoryview(data)[entry.start : entry.end]
    if entry.dtype == "F32":
        values = np.frombuffer(raw, "<f4")
    elif entry.dtype == "F16":
        values = np.frombuffer(raw, "<f2").astype(np.float32)
    else:  # BF16 is the upper half of a float32
        values = (np.frombuffer(raw, "<u2").astype(np.uint32) << np.uint32(16)).view(np.float32)
    # A header of odd length leaves tensors at odd addresses, which ONNX Runtime is not made for.
    return np.require(values, np.float32, "A").reshape(entry.shape)
