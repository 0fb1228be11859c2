"""The weights of a SigLIP vision tower; of a checkpoint with both towers only these are read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..formats.safetensors import Buffer, SafetensorsError, TensorEntry, read_header
from ..formats.safetensors_index import INDEX_NAME, WeightMap, read_index
from ..limits import MAX_LISTING_BYTES, MAX_WEIGHTS, shown
from ..model.checkpoint import FLOAT_DTYPES, WEIGHTS_NAME, CheckpointError, as_float32, listing, read_head
from ..model.model_text import read_text
from .config import SiglipConfig

Head = tuple[Buffer, int]
"""The first bytes of a file, with the header, and the size of the file."""

_TOWER = "vision_model."
_PREFIX = "siglip."


@dataclass(frozen=True)
class SiglipCheckpoint:
    """A vision tower's config and its float32 weights by tensor name (``vision_model.…``)."""

    config: SiglipConfig
    weights: Mapping[str, NDArray[np.float32]]

    @staticmethod
    def from_folder(folder: str | Path, **overrides: Any) -> SiglipCheckpoint:
        """Reads ``config.json`` and the vision tower's tensors, from one file or from shards with an index.

        Args:
            overrides: see `SiglipConfig.from_dict`.

        Raises:
            ConfigError: if config.json is missing or does not describe a SigLIP vision tower.
            SafetensorsError: if a file is missing or damaged.
            CheckpointError: naming every tensor of the tower that is missing or does not fit.
        """
        folder = Path(folder)
        config = SiglipConfig.from_file(folder / "config.json", **overrides)
        weights: dict[str, NDArray[np.float32]] = {}
        for file, entries in tower_entries(config, *_heads(folder)).items():
            weights.update(read_tensors(folder / file, entries))
        check_finite(weights)
        return SiglipCheckpoint(config, weights)


def expected_tensors(config: SiglipConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of the tower."""
    width, inner = config.hidden_size, config.intermediate_size
    shapes: dict[str, tuple[int, ...]] = {}

    def linear(name: str, out: int, into: int) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (out, into), (out,)

    def norm(name: str) -> None:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (width,)

    def mlp(name: str) -> None:
        linear(f"{name}.fc1", inner, width)
        linear(f"{name}.fc2", width, inner)

    embeddings = f"{_TOWER}embeddings"
    side = config.patch_size
    shapes[f"{embeddings}.patch_embedding.weight"] = (width, config.num_channels, side, side)
    shapes[f"{embeddings}.patch_embedding.bias"] = (width,)
    shapes[f"{embeddings}.position_embedding.weight"] = (config.trained_grid**2, width)
    for index in range(config.num_hidden_layers):
        layer = f"{_TOWER}encoder.layers.{index}"
        norm(f"{layer}.layer_norm1")
        norm(f"{layer}.layer_norm2")
        for projection in ("k_proj", "v_proj", "q_proj", "out_proj"):
            linear(f"{layer}.self_attn.{projection}", width, width)
        mlp(f"{layer}.mlp")
    norm(f"{_TOWER}post_layernorm")
    if config.vision_use_head:
        head = f"{_TOWER}head"
        shapes[f"{head}.probe"] = (1, 1, width)
        shapes[f"{head}.attention.in_proj_weight"] = (3 * width, width)
        shapes[f"{head}.attention.in_proj_bias"] = (3 * width,)
        linear(f"{head}.attention.out_proj", width, width)
        norm(f"{head}.layernorm")
        mlp(f"{head}.mlp")
    return shapes


def _names_in_file(found: Iterable[str]) -> dict[str, str]:
    """The vision tower's names and the file's names for them, which may all begin with ``siglip.``."""
    found = list(found)
    prefix = "" if any(name.startswith(_TOWER) for name in found) else _PREFIX
    return {name.removeprefix(prefix): name for name in found if name.startswith(prefix + _TOWER)}


def tower_entries(
    config: SiglipConfig, heads: Mapping[str, Head], weight_map: WeightMap | None = None
) -> dict[str, dict[str, TensorEntry]]:
    """Where the vision tower's tensors lie: of each file their places, by their names in a tower.

    Args:
        heads: of each file that holds some of them the first bytes, with the header, and the size.
        weight_map: of shards, from `read_index`.

    Raises:
        SafetensorsError: if a file is not a valid safetensors file, or shards do not fit their index.
        CheckpointError: naming every tensor of the tower that is missing or does not fit.
    """
    found = _entries(heads, weight_map)
    names = _names_in_file(found)
    expected = expected_tensors(config)
    check_tensors(expected, {name: found[names[name]][1] for name in expected if names.get(name) in found})
    by_file: dict[str, dict[str, TensorEntry]] = {}
    for name in expected:
        file, entry = found[names[name]]
        by_file.setdefault(file, {})[name] = entry
    return by_file


def tower_shards(weight_map: WeightMap) -> list[str]:
    """The files that hold tensors of the vision tower.

    Examples:
        >>> tower_shards({"text_model.a": "1.safetensors", "vision_model.b": "2.safetensors"})
        ['2.safetensors']
    """
    return list(dict.fromkeys(weight_map[name] for name in _names_in_file(weight_map).values()))


def _entries(heads: Mapping[str, Head], weight_map: WeightMap | None) -> dict[str, tuple[str, TensorEntry]]:
    """File and place of every tensor; of shards those of the tower."""
    if weight_map is None:
        return {
            name: (file, entry) for file, head in heads.items() for name, entry in read_header(*head).items()
        }
    names = _names_in_file(weight_map)
    found: dict[str, tuple[str, TensorEntry]] = {}
    for file, head in heads.items():
        try:
            header = read_header(*head)
        except SafetensorsError as error:
            raise SafetensorsError(f"{file}: {error}") from None
        for name in names.values():
            if weight_map[name] == file:
                if name not in header:
                    raise SafetensorsError(
                        f"{INDEX_NAME} says that {file} holds the tensor {shown(name)}, but it is not there: "
                        "index and shards are not of one checkpoint, download them again"
                    )
                found[name] = (file, header[name])
    return found


def _heads(folder: Path) -> tuple[dict[str, Head], WeightMap | None]:
    """The heads of the files that hold the tower's tensors, and the map of shards."""
    whole, index = folder / WEIGHTS_NAME, folder / INDEX_NAME
    if whole.exists() or not index.exists():
        return {WEIGHTS_NAME: read_head(whole, "expected the checkpoint's weights there")}, None
    try:
        text = read_text(index, MAX_LISTING_BYTES, "expected the index of the checkpoint's shards there")
    except ValueError as error:
        raise SafetensorsError(str(error)) from None
    weight_map = read_index(text)
    why = f"{INDEX_NAME} names it: download all files of the checkpoint"
    return {file: read_head(folder / file, why) for file in tower_shards(weight_map)}, weight_map


def check_tensors(
    expected: Mapping[str, tuple[int, ...]],
    entries: Mapping[str, TensorEntry],
    model: str = "SigLIP vision tower in config.json",
) -> None:
    """Raises unless a file's tensors are those of an architecture; others in the file do not matter.

    Raises:
        CheckpointError: naming every tensor that is missing or does not fit.
    """
    count = sum(map(math.prod, expected.values()))
    if count > MAX_WEIGHTS:
        raise CheckpointError(f"the {model} has {count:,} weights, but at most {MAX_WEIGHTS:,} can be run")
    problems = []
    missing = [name for name in expected if name not in entries]
    if missing:
        problems.append(f"missing {listing(missing)}")
    for name, entry in entries.items():
        if entry.shape != expected[name]:
            problems.append(f"{name} has shape {shown(list(entry.shape))}, expected {list(expected[name])}")
        if entry.dtype not in FLOAT_DTYPES:
            problems.append(f"{name} is {entry.dtype}, expected one of {', '.join(FLOAT_DTYPES)}")
    if problems:
        raise CheckpointError(f"the weights are not those of the {model}: " + "; ".join(problems[:80]))


def check_finite(weights: Mapping[str, NDArray[np.float32]]) -> None:
    """Raises unless all weights are finite.

    Raises:
        CheckpointError: naming the tensors that are not.
    """
    bad = [name for name, array in weights.items() if not np.isfinite(array).all()]
    if bad:
        raise CheckpointError(
            f"the weights hold NaN or infinity in {listing(bad)}: the file is damaged, download it again"
        )


def read_tensors(path: Path, entries: Mapping[str, TensorEntry]) -> dict[str, NDArray[np.float32]]:
    """These tensors alone, in the order in which the file has them."""
    tensors = {}
    try:
        with path.open("rb") as file:
            for name, entry in sorted(entries.items(), key=lambda item: item[1].start):
                size = entry.end - entry.start
                file.seek(entry.start)
                data = file.read(size)
                if len(data) != size:
                    raise SafetensorsError(f"{path} changed while it was read: load the model again")
                tensors[name] = as_float32(data, TensorEntry(entry.dtype, entry.shape, 0, size))
    except OSError as error:
        raise SafetensorsError(f"cannot read {path}: {error.strerror}: download it again") from None
    return tensors
