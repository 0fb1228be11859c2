from __future__ import annotations

import json
from typing import Any

import pytest

from autogaze_web.formats.safetensors import SafetensorsError
from autogaze_web.formats.safetensors_index import check_shards, read_index, shard_files

MAP = {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}
ONE, TWO = "model-1.safetensors", "model-2.safetensors"


def text(weight_map: Any = MAP) -> str:
    return json.dumps({"metadata": {"total_size": 12}, "weight_map": weight_map})


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_an_index(mark: str) -> None:
    weight_map = read_index(mark + text())
    assert weight_map == MAP
    assert shard_files(weight_map) == [ONE, TWO]
    check_shards(weight_map, {ONE: ["c", "a"], TWO: ["b"]})


def test_shards_in_a_folder_of_their_own() -> None:
    assert shard_files(read_index(text({"a": "shards/1.safetensors"}))) == ["shards/1.safetensors"]


@pytest.mark.parametrize(
    "file",
    [
        *("../model.safetensors", "/etc/passwd", "a/../../b", "..", ".", "", "a//b", "a/./b", "/", "a/"),
        *("..\\model.safetensors", "C:model.safetensors", "C:\\model", "https://example.org/x"),
        *("a\0b", "a\nb", "a\ud800"),
    ],
)
def test_files_outside_the_folder(file: str) -> None:
    with pytest.raises(SafetensorsError, match="the checkpoint's own folder") as caught:
        read_index(text({"a": file}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ("[" * 1000, "nested too deeply"),
        ("[]", "must have a weight_map"),
        ("{}", "must have a weight_map"),
        (text({}), "must have a weight_map"),
        (text({"a": 1}), "must have a weight_map"),
        (text(["model.safetensors"]), "must have a weight_map"),
        ('{"weight_map": {"a": "1", "a": "2"}}', "has 'a' twice"),
    ],
)
def test_other_files(content: str, message: str) -> None:
    with pytest.raises(SafetensorsError, match=message) as caught:
        read_index(content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("shards", "message"),
    [
        ({ONE: ["a", "c"], TWO: ["a", "b"]}, "model-1.safetensors and model-2.safetensors both hold .* 'a'"),
        ({ONE: ["a"], TWO: ["b"]}, "says that model-1.safetensors holds the tensor 'c', but it is not there"),
        ({ONE: ["a"], TWO: ["b", "c"]}, "'c', but it is in model-2.safetensors"),
        ({ONE: ["a", "c"]}, "'b', but it is not there"),
        ({ONE: ["a", "c", "d"], TWO: ["b"]}, "holds the tensor 'd', which .* does not name"),
    ],
)
def test_shards_that_contradict_the_index(shards: dict[str, list[str]], message: str) -> None:
    with pytest.raises(SafetensorsError, match=message) as caught:
        check_shards(MAP, shards)
    assert "\n" not in str(caught.value)
