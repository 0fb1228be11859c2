from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
import oracle
import pytest
import synthetic_formula as formula
from safetensors.numpy import save

from autogaze_web import AutoGaze
from autogaze_web.formats.safetensors import SafetensorsError
from autogaze_web.model.checkpoint import Checkpoint, CheckpointError, expected_tensors
from autogaze_web.model.config import AutoGazeConfig, ConfigError

CONFIG = AutoGazeConfig.from_dict(oracle.recipe("tiny")["config"])
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
