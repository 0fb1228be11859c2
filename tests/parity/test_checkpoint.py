from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
import oracle
import pytest
import synthetic_formula as formula
from safetensors.numpy import save

from autogaze_web import AutoGaze, AutoGazeImageProcessor
from autogaze_web.formats.safetensors import SafetensorsError
from autogaze_web.formats.safetensors_index import INDEX_NAME
from autogaze_web.model.checkpoint import Checkpoint, CheckpointError, expected_tensors
from autogaze_web.model.config import AutoGazeConfig, ConfigError
from autogaze_web.page.model import PageModel

CONFIG = AutoGazeConfig.from_dict(oracle.recipe("tiny")["config"])
ROOT = Path(__file__).parents[2]
BUILT_IN = ROOT / "site" / "model"
FINAL_NORM = "gazing_model.gaze_decoder.model.norm.weight"


@pytest.fixture(scope="module")
def tensors() -> dict[str, np.ndarray]:
    return formula.checkpoint_tensors(oracle.recipe("tiny"))


@pytest.mark.parametrize("model", ["tiny", pytest.param("full", id="full")])
def test_tensor_names_and_shapes_are_the_recipes(model: str) -> None:
    if not (oracle.folder_of(model) / "recipes" / f"{model}.json").exists():
        pytest.skip(oracle.HOW_TO)
    recipe = oracle.recipe(model)
    expected = expected_tensors(AutoGazeConfig.from_dict(recipe["config"]))
    assert list(expected.items()) == [(t["name"], tuple(t["shape"])) for t in recipe["tensors"]]


def test_float32_weights_are_views_of_the_file(tensors: dict[str, np.ndarray]) -> None:
    checkpoint = Checkpoint.from_bytes(CONFIG, save(tensors))
    for name, array in tensors.items():
        np.testing.assert_array_equal(checkpoint.weights[name], array)
        assert not checkpoint.weights[name].flags.owndata


def test_a_header_of_odd_length(tensors: dict[str, np.ndarray]) -> None:
    data = save(tensors)
    length = int.from_bytes(data[:8], "little")
    odd = (length + 1).to_bytes(8, "little") + data[8 : 8 + length] + b" " + data[8 + length :]
    checkpoint = Checkpoint.from_bytes(CONFIG, odd)
    for name, array in tensors.items():
        assert checkpoint.weights[name].flags.aligned
        np.testing.assert_array_equal(checkpoint.weights[name], array)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_weights(tensors: dict[str, np.ndarray], dtype: type) -> None:
    halves = {name: array.astype(dtype) for name, array in tensors.items()}
    data = save(halves)
    checkpoint = Checkpoint.from_bytes(CONFIG, data)
    for name, array in halves.items():
        assert checkpoint.weights[name].dtype == np.float32
        np.testing.assert_array_equal(checkpoint.weights[name], array.astype(np.float32))
    video = oracle.video_of(oracle.read("tiny", "generate_4"))
    widened = Checkpoint(CONFIG, {name: array.astype(np.float32) for name, array in halves.items()})
    np.testing.assert_array_equal(
        AutoGaze(checkpoint).generate(video).gazing_pos, AutoGaze(widened).generate(video).gazing_pos
    )


def test_one_error_lists_everything_that_is_wrong(tensors: dict[str, np.ndarray]) -> None:
    wrong = dict(tensors)
    first, second, third, fourth, *_ = wrong
    del wrong[first]
    wrong[second] = wrong[second][:-1]
    wrong[third] = wrong[third].astype(np.float64)
    wrong[fourth] = wrong[fourth].astype(np.int32)
    wrong["stranger"] = np.zeros(1, np.float32)
    with pytest.raises(CheckpointError) as caught:
        Checkpoint.from_bytes(CONFIG, save(wrong))
    message = str(caught.value)
    assert f"missing {first}" in message
    assert "not part of this architecture: stranger" in message
    assert f"{second} has shape [31], expected [32]" in message
    assert f"{third} is F64" in message
    assert f"{fourth} is I32" in message
    assert "\n" not in message


@pytest.mark.parametrize("prefix", ["", "gazing_model.gaze_decoder.model.", "model.layers.0.self_attn."])
def test_buffers_of_rotary_frequencies_are_ignored(tensors: dict[str, np.ndarray], prefix: str) -> None:
    buffers = {
        f"{prefix}rotary_emb.inv_freq": np.full(8, np.nan),
        f"{prefix}rotary_emb.original_inv_freq": np.zeros(8, np.int32),
    }
    assert set(Checkpoint.from_bytes(CONFIG, save({**tensors, **buffers})).weights) == set(tensors)
    with pytest.raises(CheckpointError, match=r"not part of this architecture: not_rotary_emb\.inv_freq"):
        Checkpoint.from_bytes(CONFIG, save({**tensors, "not_rotary_emb.inv_freq": np.zeros(8, np.float32)}))


def test_the_config_of_transformers_5_gives_the_same_tokens(tmp_path: Path) -> None:
    for name in ("model.safetensors", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((BUILT_IN / name).read_bytes())
    new = (ROOT / "tests" / "data" / "transformers5_config.json").read_bytes()
    (tmp_path / "config.json").write_bytes(codecs.BOM_UTF8 + new)
    frames = np.random.default_rng(5).integers(0, 256, (3, 100, 140, 3), dtype=np.uint8)
    old, new = (
        AutoGaze.from_pretrained(folder).generate(
            AutoGazeImageProcessor.from_pretrained(folder)(frames)[None]
        )
        for folder in (BUILT_IN, tmp_path)
    )
    np.testing.assert_array_equal(new.gazing_pos, old.gazing_pos)
    np.testing.assert_array_equal(new.if_padded_gazing, old.if_padded_gazing)


@pytest.fixture
def sharded(tmp_path: Path, folder: Callable[[str], Path], tensors: dict[str, np.ndarray]) -> Path:
    """The tiny checkpoint in three shards, with a rotary buffer as old files have it."""
    (tmp_path / "config.json").write_bytes((folder("tiny") / "config.json").read_bytes())
    held = {**tensors, "gazing_model.gaze_decoder.model.rotary_emb.inv_freq": np.ones(8, np.float32)}
    weight_map = {name: f"model-{i % 3 + 1:05}-of-00003.safetensors" for i, name in enumerate(held)}
    for file in set(weight_map.values()):
        shard = {name: array for name, array in held.items() if weight_map[name] == file}
        (tmp_path / file).write_bytes(save(shard))
    write_index(tmp_path, weight_map)
    return tmp_path


def write_index(folder: Path, weight_map: dict[str, str]) -> None:
    text = json.dumps({"metadata": {"total_size": 0}, "weight_map": weight_map})
    (folder / INDEX_NAME).write_bytes(codecs.BOM_UTF8 + text.encode())


def test_shards(sharded: Path, tensors: dict[str, np.ndarray]) -> None:
    checkpoint = Checkpoint.from_folder(sharded)
    assert set(checkpoint.weights) == set(tensors)
    for name, array in tensors.items():
        np.testing.assert_array_equal(checkpoint.weights[name], array)
    video = oracle.video_of(oracle.read("tiny", "generate_4"))
    np.testing.assert_array_equal(
        AutoGaze.from_pretrained(sharded).generate(video).gazing_pos,
        AutoGaze(Checkpoint(CONFIG, tensors)).generate(video).gazing_pos,
    )


def test_shards_in_the_page(sharded: Path, tensors: dict[str, np.ndarray]) -> None:
    config, index = ((sharded / name).read_text("utf-8-sig") for name in ("config.json", INDEX_NAME))
    names = [f"model-{number:05}-of-00003.safetensors" for number in (3, 1, 2)]
    contents = [(sharded / name).read_bytes() for name in names]
    heads = [data[: 8 + int.from_bytes(data[:8], "little")] for data in contents]
    files = [(name, head, len(data)) for name, head, data in zip(names, heads, contents, strict=True)]
    found = {}
    for data, table in zip(
        contents, json.loads(PageModel(config, None, files, index).weight_tables()), strict=True
    ):
        for name, dtype, start, end in table:
            assert dtype == "F32"
            found[name] = np.frombuffer(data[start:end], np.float32).reshape(tensors[name].shape)
    assert set(found) == set(tensors)
    for name, array in tensors.items():
        np.testing.assert_array_equal(found[name], array)
    with pytest.raises(SafetensorsError, match="index and shards are not of one checkpoint"):
        PageModel(config, None, files[1:], index)


def test_shards_that_do_not_fit(sharded: Path) -> None:
    weight_map = json.loads((sharded / INDEX_NAME).read_text("utf-8-sig"))["weight_map"]
    second = "model-00002-of-00003.safetensors"
    whole = (sharded / second).read_bytes()

    def message() -> str:
        with pytest.raises((SafetensorsError, CheckpointError)) as caught:
            AutoGaze.from_pretrained(sharded)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    (sharded / second).unlink()
    assert second in message()
    assert "download all files" in message()
    (sharded / second).write_bytes(whole[:-1])
    assert message().startswith(f"{second}: ")
    (sharded / second).write_bytes(save({FINAL_NORM: np.zeros(32, np.float32)}))
    assert "both hold" in message() or "says that" in message()
    (sharded / second).write_bytes(whole)
    lost = next(iter(weight_map))
    write_index(sharded, {name: file for name, file in weight_map.items() if name != lost})
    assert f"holds the tensor {lost!r}" in message()
    write_index(sharded, {**weight_map, lost: "../model.safetensors"})
    assert "own folder" in message()
    (sharded / INDEX_NAME).write_bytes(b"\xff\xfe")
    assert "UTF-8" in message()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(tensors: dict[str, np.ndarray], value: float) -> None:
    damaged = tensors[FINAL_NORM].copy()
    damaged[3] = value
    with pytest.raises(CheckpointError, match=FINAL_NORM):
        Checkpoint.from_bytes(CONFIG, save({**tensors, FINAL_NORM: damaged}))


def test_folders(tmp_path: Path, folder: Callable[[str], Path]) -> None:
    with pytest.raises(ConfigError, match=r"config\.json"):
        AutoGaze.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_bytes((folder("tiny") / "config.json").read_bytes())
    with pytest.raises(SafetensorsError, match=r"model\.safetensors"):
        AutoGaze.from_pretrained(tmp_path)
    whole = (folder("tiny") / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SafetensorsError, match="truncated"):
        AutoGaze.from_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"<!doctype html><html>not found</html>")
    with pytest.raises(SafetensorsError, match="not a safetensors file"):
        AutoGaze.from_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(whole)
    assert AutoGaze.from_pretrained(tmp_path).config == CONFIG
