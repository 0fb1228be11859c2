"""The frame decoder: its graph beside plain NumPy, what it reads of a stream, and what it refuses."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from autogaze_web import FrameDecoder
from autogaze_web.encoder import FeatureMemory, FrameDecoderConfig
from autogaze_web.encoder.config import SiglipConfig
from autogaze_web.encoder.feature_memory import DecoderRows
from autogaze_web.encoder.frame_decoder import check_encoder, expected_tensors

VALUES: dict[str, Any] = {
    "model_type": "autogaze_frame_decoder",
    "encoder_hidden_size": 12,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_channels": 3,
    "image_size": 48,
    "patch_size": 8,
    "scales": "16+24+48",
    "window": 3,
    "layer_norm_eps": 1e-5,
}
CONFIG = FrameDecoderConfig.from_dict(VALUES)
RANDOM = np.random.default_rng(5)
WEIGHTS = {
    name: (0.4 * RANDOM.standard_normal(shape)).astype(np.float16)
    for name, shape in expected_tensors(CONFIG).items()
}


def write(folder: Path, weights: dict[str, np.ndarray] = WEIGHTS, **changes: Any) -> Path:
    (folder / "decoder.json").write_text(json.dumps({**VALUES, **changes}))
    save_file(weights, folder / "decoder.safetensors")
    return folder


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> FrameDecoder:
    return FrameDecoder.from_pretrained(write(tmp_path_factory.mktemp("decoder")))


def cubic(size: int, out: int) -> np.ndarray:
    """(out, size): bicubic with a = -0.75, half-pixel centres, edges repeated, no antialias."""
    matrix = np.zeros((out, size))
    for i in range(out):
        x = (i + 0.5) * size / out - 0.5
        for k in range(math.floor(x) - 1, math.floor(x) + 3):
            u = abs(x - k)
            near = 1.25 * u**3 - 2.25 * u**2 + 1
            matrix[i, min(max(k, 0), size - 1)] += near if u <= 1 else -0.75 * (u**3 - 5 * u**2 + 8 * u - 4)
    return matrix


def plain(features: np.ndarray, patches: list[int], ages: list[int]) -> np.ndarray:
    """The decoder in float64, row by row and cell by cell."""
    weights = {name: array.astype(np.float64) for name, array in WEIGHTS.items()}

    def linear(name: str, x: np.ndarray) -> np.ndarray:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(name: str, x: np.ndarray) -> np.ndarray:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + CONFIG.layer_norm_eps)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def attend(name: str, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        q, k, v = (
            linear(f"{name}.{kind}_proj", each) for kind, each in zip("qkv", (x, rows, rows), strict=True)
        )
        mixed = np.zeros_like(q)
        for head in range(2):
            part = slice(8 * head, 8 * head + 8)
            scores = np.exp(q[:, part] @ k[:, part].T / math.sqrt(8))
            mixed[:, part] = scores / scores.sum(1, keepdims=True) @ v[:, part]
        return linear(f"{name}.out_proj", mixed)

    table = weights["position_embedding.weight"].reshape(6, 6, 16)
    cells = []
    for scale, side in enumerate((2, 3, 6)):
        matrix = np.eye(6) if side == 6 else cubic(6, side)
        places = np.einsum("ia,jb,abd->ijd", matrix, matrix, table)
        for row in range(side):
            for column in range(side):
                cells.append((scale, side, row, column, places[row, column]))
    rows = [weights["empty_row"][0]]
    for feature, patch, age in zip(features, patches, ages, strict=True):
        scale, _, _, _, place = cells[patch]
        embedding = weights["scale_embedding.weight"][scale] + weights["age_embedding.weight"][age]
        rows.append(linear("features", feature) + place + embedding)
    seen = norm("rows_norm", np.array(rows))
    x = weights["position_embedding.weight"] + weights["mask_token"]
    for layer in ("layers.0", "layers.1"):
        x = x + attend(f"{layer}.cross", norm(f"{layer}.cross_norm", x), seen)
        normed = norm(f"{layer}.self_norm", x)
        x = x + attend(f"{layer}.self", normed, normed)
        h = linear(f"{layer}.mlp.fc1", norm(f"{layer}.mlp_norm", x))
        h = 0.5 * h * (1 + np.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h**3)))
        x = x + linear(f"{layer}.mlp.fc2", h)
    x = norm("final_norm", x)
    out, gates, own = np.zeros((3, 48, 48)), linear("gates", x), linear("pixels", x)
    for query in range(36):
        top, left = 8 * (query // 6), 8 * (query % 6)
        out[:, top : top + 8, left : left + 8] = own[query].reshape(3, 8, 8)
    for feature, patch in zip(features, patches, strict=True):
        scale, side, row, column, _ = cells[patch]
        size = 48 // side
        matrix = np.eye(8) if size == 8 else cubic(8, size)
        paint = np.einsum("ia,jb,cab->cij", matrix, matrix, linear("paint", feature).reshape(3, 8, 8))
        for y in range(size):
            for x_ in range(size):
                at = row * size + y, column * size + x_
                out[:, at[0], at[1]] += gates[at[0] // 8 * 6 + at[1] // 8, scale] * paint[:, y, x_]
    return out


@pytest.mark.parametrize("patches", [[], [48], [0, 2, 5, 12, 13, 40, 47], list(range(49))])
def test_the_graph_computes_what_plain_numpy_does(decoder: FrameDecoder, patches: list[int]) -> None:
    features = np.random.default_rng(1).standard_normal((len(patches), 12)).astype(np.float32)
    ages = [patch % 3 for patch in patches]
    expected = plain(features.astype(np.float64), patches, ages)
    got = decoder(features, patches, ages)
    assert got.dtype == np.float32
    assert np.abs(got - expected).max() < 2e-5 * np.abs(expected).max()


def test_of_one_patch_the_newest_feature_counts_and_old_ones_are_equally_old(decoder: FrameDecoder) -> None:
    features = np.random.default_rng(2).standard_normal((4, 12)).astype(np.float32)
    expected = decoder(features[[1, 3]], [7, 8], [0, 2])
    assert (decoder(features[[0, 1, 3]], [7, 7, 8], [1, 0, 9]) == expected).all()
    assert (decoder(features[[2, 1, 3]], [7, 7, 8], [0, 0, 2]) == expected).all(), "the later of two"
    assert np.abs(decoder(features[[0, 3]], [7, 8], [0, 2]) - expected).max() > 0.01


def test_a_memory_keeps_what_was_gazed_long_ago(decoder: FrameDecoder) -> None:
    features = np.random.default_rng(3).standard_normal((6, 12)).astype(np.float32)
    memory = FeatureMemory.of(CONFIG)
    assert memory.rows().features.shape == (0, 12)
    assert decoder.decode(memory.rows()).shape == (3, 48, 48)
    memory.add(features[:3], np.array([0, 5, 9]))
    for _ in range(5):
        memory.add(features[3:4], [5])
    memory.add(features[:0], [])
    rows = memory.rows()
    assert rows.patch_ids.tolist() == [0, 5, 9]
    assert rows.ages.tolist() == [2, 1, 2]
    assert (rows.features == features[[0, 3, 2]]).all()
    # The first frame is six frames old, the last of the five one.
    ages = [6, 6, 6, 5, 1, 1]
    every = np.concatenate([features[:3], features[3:4], features[3:4]])
    assert (decoder.decode(rows) == decoder(every, [0, 5, 9, 5, 5], ages[:5])).all()


@pytest.mark.parametrize(
    ("memory", "message"),
    [
        (
            FeatureMemory(CONFIG.window, 9, CONFIG.patches),
            r"of another decoder: .* \(m, 12\) here, got \(1, 9\)",
        ),
        (
            FeatureMemory(CONFIG.window, 12, 60),
            "of another decoder: this one has patches 0 to 48 and ages 0 to 2",
        ),
        (FeatureMemory(9, 12, CONFIG.patches), "of another decoder"),
    ],
)
def test_rows_of_another_decoder_are_refused(
    decoder: FrameDecoder, memory: FeatureMemory, message: str
) -> None:
    width = 9 if "here" in message else 12
    memory.add(np.zeros((1, width), np.float32), [52 if "patches" in message else 4])
    for _ in range(5):
        memory.add(np.zeros((0, width), np.float32), [])
    with pytest.raises(ValueError, match=message):
        decoder.decode(memory.rows())


def test_rows_without_an_age_each_are_refused(decoder: FrameDecoder) -> None:
    rows = DecoderRows(np.zeros((2, 12), np.float32), np.arange(2, dtype=np.int32), np.zeros(1, np.int32))
    with pytest.raises(ValueError, match="the rows are of another decoder"):
        decoder.decode(rows)


@pytest.mark.parametrize(
    ("features", "patches", "message"),
    [
        (np.zeros((2, 12)), [3, 52], "0 to 48, got 3 to 52: subtract 49 for each earlier frame"),
        (np.zeros((1, 9)), [0], r"features has the shape \(k, 12\).*got \(1, 9\) and \(1,\)"),
        (np.zeros((2, 12)), [0], r"got \(2, 12\) and \(1,\)"),
        (np.zeros((1, 12)), [[0]], r"patch_ids has \(k,\), got \(1, 12\) and \(1, 1\)"),
        (np.zeros((1, 12)), [0.5], "patch_ids are integers, got 'float64'"),
        ([["a"] * 12], [0], "features are numbers, got '<U1'"),
        (np.zeros((0, 12), complex), [], "features are numbers, got 'complex128'"),
        ([[1], [1, 2]], [0, 1], "features must be an array, got"),
        (np.full((1, 12), np.nan), [0], "finite numbers"),
    ],
)
def test_a_memory_is_as_before_after_wrong_arguments(features: Any, patches: Any, message: str) -> None:
    memory = FeatureMemory.of(CONFIG)
    memory.add(np.ones((1, 12)), [5])
    with pytest.raises(ValueError, match=message):
        memory.add(features, patches)
    rows = memory.rows()
    assert (rows.patch_ids.tolist(), rows.ages.tolist(), rows.features.sum()) == ([5], [0], 12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((1, 12)), [[0]], [[0]]), r"have \(m,\), got \(1, 12\), \(1, 1\) and \(1, 1\)"),
        ((np.zeros((1, 9)), [0], [0]), r"features has the shape \(m, 12\).*got \(1, 9\)"),
        ((np.zeros((2, 12)), [0], [0]), r"got \(2, 12\), \(1,\) and \(1,\)"),
        ((np.zeros((1, 12)), [49], [0]), "0 to 48, got 49 to 49: subtract 49"),
        ((np.zeros((1, 12)), [-1], [0]), "0 to 48, got -1"),
        ((np.zeros((1, 12)), [0], [-1]), "0 or more, got -1"),
        ((np.zeros((1, 12)), [0.5], [0]), "patch_ids are integers"),
        ((np.full((1, 12), np.nan), [0], [0]), "finite numbers"),
    ],
)
def test_wrong_arguments_are_named(decoder: FrameDecoder, arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decoder(*arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "siglip"}, "decoder.json has model_type 'siglip': expected autogaze_frame_decoder"),
        ({"hidden_size": 15}, "hidden_size of 15 must be divisible by num_attention_heads of 2"),
        ({"image_size": 50}, "image_size of 50 must be divisible by patch_size of 8"),
        ({"num_channels": 4}, "decoder.json: num_channels must be 3, for red, green and blue, got 4"),
        ({"image_size": 4097}, "a frame of 4097x4097 pixels cannot be rebuilt, at most 16,777,216 pixels"),
        ({"scales": "40+48"}, r"scales \[40, 48\] do not end on whole pixels of a frame of 48"),
        ({"window": 0}, "decoder.json: window must be an integer of at least 1, got 0"),
        ({"scales": None}, "^decoder.json: scales are numbers joined"),
        ({"scales": "4"}, "^decoder.json: scales are 1 to 32 numbers from the patch size of 8"),
        ({"layer_norm_eps": -1}, "decoder.json: layer_norm_eps must be a positive number, got -1"),
        ({"hidden_size": None}, "decoder.json has no hidden_size"),
    ],
)
def test_a_wrong_config_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FrameDecoderConfig.from_dict({**VALUES, **changes})


def test_missing_and_wrong_tensors_are_named(tmp_path: Path) -> None:
    less = {name: array for name, array in WEIGHTS.items() if name != "paint.bias"}
    with pytest.raises(
        ValueError, match=r"not those of the frame decoder in decoder.json: missing paint.bias"
    ):
        FrameDecoder.from_pretrained(write(tmp_path, less))
    with pytest.raises(ValueError, match=r"age_embedding.weight has shape \[3, 16\], expected \[4, 16\]"):
        FrameDecoder.from_pretrained(write(tmp_path, window=4))
    bad = {**WEIGHTS, "mask_token": np.full(16, np.inf, np.float16)}
    with pytest.raises(ValueError, match="NaN or infinity in mask_token"):
        FrameDecoder.from_pretrained(write(tmp_path, bad))
    (tmp_path / "decoder.safetensors").unlink()
    with pytest.raises(ValueError, match="expected the frame decoder's weights there"):
        FrameDecoder.from_pretrained(tmp_path)
    (tmp_path / "decoder.json").write_text("[]")
    with pytest.raises(
        ValueError, match=r"must be a JSON object, got \[\]: expected the decoder.json of a frame decoder$"
    ):
        FrameDecoder.from_pretrained(tmp_path)


def test_a_decoder_of_another_encoder_is_refused() -> None:
    tower = {"hidden_size": 12, "num_attention_heads": 2, "patch_size": 8, "image_size": 48}
    encoder = SiglipConfig.from_dict({"vision_config": tower}, scales="16+24+48")
    check_encoder(CONFIG, encoder)
    with pytest.raises(ValueError, match=r"with scales \(16, 24, 48\), but this one has \(48,\)"):
        check_encoder(CONFIG, encoder.with_scales("48"))
