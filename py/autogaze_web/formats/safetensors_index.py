"""The index of a checkpoint that is split into shards: ``model.safetensors.index.json``.

Its ``weight_map`` gives the file of each tensor. The functions take texts and names instead of reading files,
so the page and the native package share them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..limits import MAX_LISTING_BYTES, MAX_SHARDS, shown
from .json_text import Pairs, parse_json
from .safetensors import SafetensorsError

INDEX_NAME = "model.safetensors.index.json"

WeightMap = Mapping[str, str]

# Of a file's name, in every common file system.
_LONGEST_NAME = 255

# Characters that separate folders or drives on some systems, or that no file's name can have.
_UNSAFE = re.compile(r"[\\:\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def read_index(text: str) -> WeightMap:
    """The file of each tensor, from the text of an index.

    Raises:
        SafetensorsError: if the text is not an index, or names a file outside the checkpoint's folder.

    Examples:
        >>> read_index('{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}')
        {'a': 'model-1.safetensors', 'b': 'model-2.safetensors'}
    """
    try:
        index = parse_json(text, INDEX_NAME, _unique_names, MAX_LISTING_BYTES)
    except SafetensorsError:
        raise
    except ValueError as error:
        raise SafetensorsError(str(error)) from None
    weight_map = index.get("weight_map") if isinstance(index, dict) else None
    if (
        not isinstance(weight_map, dict)
        or not weight_map
        or not all(isinstance(file, str) for file in weight_map.values())
    ):
        raise SafetensorsError(
            f"{INDEX_NAME} must have a weight_map from the name of each tensor to that of its file"
        )
    files = shard_files(weight_map)
    if len(files) > MAX_SHARDS:
        raise SafetensorsError(f"{INDEX_NAME} names {len(files)} files, but at most {MAX_SHARDS} are read")
    for file in files:
        if not _stays_in_folder(file):
            raise SafetensorsError(
                f"{INDEX_NAME} names the file {shown(file)}, "
                "but shards must lie in the checkpoint's own folder"
            )
    return weight_map


def shard_files(weight_map: WeightMap) -> list[str]:
    """The distinct file names, in the order of their first occurrence in the index."""
    return list(dict.fromkeys(weight_map.values()))


def check_shards(weight_map: WeightMap, shards: Mapping[str, Iterable[str]]) -> None:
    """Checks that each shard contains exactly the tensors that the index assigns to it.

    Args:
        shards: the names of the tensors in each file.

    Raises:
        SafetensorsError: if it does not; the message names the tensor and the files.
    """
    holder: dict[str, str] = {}
    for file, names in shards.items():
        for name in names:
            if name in holder:
                raise SafetensorsError(
                    f"the shards {holder[name]} and {file} both hold the tensor {shown(name)}: "
                    "they are not of one checkpoint, download them again"
                )
            holder[name] = file
    for name, file in weight_map.items():
        if holder.get(name) != file:
            found = f"it is in {holder[name]}" if name in holder else "it is not there"
            raise SafetensorsError(
                f"{INDEX_NAME} says that {file} holds the tensor {shown(name)}, but {found}: "
                "index and shards are not of one checkpoint, download them again"
            )
    for name, file in holder.items():
        if name not in weight_map:
            raise SafetensorsError(
                f"{file} holds the tensor {shown(name)}, which {INDEX_NAME} does not name: "
                "index and shards are not of one checkpoint, download them again"
            )


def _stays_in_folder(file: str) -> bool:
    if len(file) > _LONGEST_NAME or _UNSAFE.search(file):
        return False
    return all(part not in ("", ".", "..") for part in file.split("/"))


def _unique_names(pairs: Pairs) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise SafetensorsError(f"{INDEX_NAME} has {shown(name)} twice: download it again")
        result[name] = value
    return result
