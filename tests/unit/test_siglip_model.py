"""What SiglipVisionModel reads of a folder, and what it refuses."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import oracle
import pytest
import synthetic_formula as formula
from safetensors.numpy import save_file

from autogaze_web import SiglipImageProcessor, SiglipVisionModel
from autogaze_web.encoder.checkpoint import SiglipCheckpoint, expected_tensors
from autogaze_web.encoder.config import ACTIVATIONS, SiglipConfig
from autogaze_web.graph.encoder import activation, encoder_graph
from autogaze_web.graph.nodes import GraphBuilder

RECIPE = oracle.recipe("siglip_tiny")
TENSORS = formula.checkpoint_tensors(RECIPE)
VIDEO = np.random.default_rng(0).standard_normal((1, 1, 3, 64, 64)).astype(np.float32)


def folder_of(folder: Path, tensors: dict[str, np.ndarray], **tower: Any) -> Path:
    config = {**RECIPE["config"], "vision_config": {**RECIPE["config"]["vision_config"], **tower}}
    (folder / "config.json").write_text(json.dumps(config))
    save_file(tensors, folder / "model.safetensors")
    return folder


def vision_only() -> dict[str, np.ndarray]:
    return {name: array for name, array in TENSORS.items() if name.startswith("vision_model.")}


def features(folder: Path) -> np.ndarray:
    return SiglipVisionModel.from_pretrained(folder, scales="32+64")(VIDEO).last_hidden_state


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return features(folder_of(tmp_path_factory.mktemp("siglip"), TENSORS))


def test_of_both_towers_the_vision_tower_alone_is_read(tmp_path, monkeypatch, expected):
    folder = folder_of(tmp_path, {**TENSORS, "text_model.large": np.zeros((1000, 1000), np.float32)})
    read = []
    opened = Path.open

    def counting(self: Path, *arguments: Any, **named: Any) -> Any:
        file = opened(self, *arguments, **named)
        if self.suffix == ".safetensors":
            right = file.read
            wrapped = type("Counting", (), {})()
            wrapped.read = lambda size=-1: (read.append(size), right(size))[1]
            wrapped.seek, wrapped.fileno = file.seek, file.fileno
            wrapped.__class__.__enter__ = lambda _: wrapped
            wrapped.__class__.__exit__ = lambda *_: file.close()
            return wrapped
        return file

    monkeypatch.setattr(Path, "open", counting)
    assert (features(folder) == expected).all()
    monkeypatch.undo()
    size = (folder / "model.safetensors").stat().st_size
    vision = sum(array.nbytes for array in vision_only().values())
    assert min(read) >= 0
    assert vision < sum(read) < vision + 20_000 < size - 3_900_000


def test_shards_are_read_by_their_index(tmp_path, expected):
    (tmp_path / "config.json").write_text(json.dumps(RECIPE["config"]))
    names = sorted(TENSORS)
    shards = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, held in shards.items():
        save_file({name: TENSORS[name] for name in held}, tmp_path / file)
    text_only = {"text_model.other": "missing.safetensors"}
    index = {name: file for file, held in shards.items() for name in held} | text_only
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": index}))
    assert (features(tmp_path) == expected).all()
    name = "vision_model.post_layernorm.bias"
    other = {"a.safetensors": "b.safetensors", "b.safetensors": "a.safetensors"}[index[name]]
    path.write_text(json.dumps({"weight_map": {**index, name: other}}))
    with pytest.raises(ValueError, match=r"vision_model\.post_layernorm\.bias', but it is not there"):
        features(tmp_path)


def test_names_may_all_begin_with_siglip(tmp_path, expected):
    folder = folder_of(tmp_path, {f"siglip.{name}": array for name, array in TENSORS.items()})
    assert (features(folder) == expected).all()


def test_half_precision_becomes_float32(tmp_path, expected):
    half = {name: array.astype(np.float16) for name, array in TENSORS.items()}
    np.testing.assert_allclose(features(folder_of(tmp_path, half)), expected, atol=0.1)


def test_layers_beyond_the_configs_are_ignored(tmp_path, expected):
    extra = "vision_model.encoder.layers.2.layer_norm1.weight"
    folder = folder_of(tmp_path, {**TENSORS, extra: np.zeros(3, np.float32)})
    assert (features(folder) == expected).all()


def test_a_tower_without_a_head_has_no_pooled_vector(tmp_path):
    without = {name: array for name, array in TENSORS.items() if ".head." not in name}
    folder = folder_of(tmp_path, without, vision_use_head=False)
    assert SiglipVisionModel.from_pretrained(folder)(VIDEO).pooler_output is None
    stream = SiglipVisionModel.from_pretrained(folder).stream()
    assert stream.step(VIDEO[0, 0]).pooler_output is None


@pytest.mark.parametrize("name", sorted(vision_only())[::9])
def test_a_missing_tensor_is_named(tmp_path, name):
    rest = {other: array for other, array in TENSORS.items() if other != name}
    with pytest.raises(ValueError, match=f"missing {name.replace('.', '[.]')}"):
        features(folder_of(tmp_path, rest))


@pytest.mark.parametrize("prefix", ["model.", "backbone.siglip.", ""])
def test_error_for_names_that_upstream_would_not_find(tmp_path, prefix):
    renamed = {f"{prefix}{name.removeprefix('vision_model.')}": array for name, array in TENSORS.items()}
    with pytest.raises(ValueError, match=r"missing vision_model\.embeddings\.patch_embedding\.weight"):
        features(folder_of(tmp_path, renamed))


def test_error_for_damaged_or_unfitting_weights(tmp_path):
    name = "vision_model.post_layernorm.bias"
    for value, message in (
        (np.full(32, np.nan, np.float32), "NaN or infinity in vision_model.post_layernorm.bias"),
        (np.zeros(31, np.float32), r"has shape \[31\], expected \[32\]"),
        (np.zeros(32, np.int32), "is I32, expected one of"),
    ):
        with pytest.raises(ValueError, match=message):
            features(folder_of(tmp_path, {**TENSORS, name: value}))
    with pytest.raises(ValueError, match=r"position_embedding\.weight has shape"):
        features(folder_of(tmp_path, TENSORS, image_size=80))
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ValueError, match="expected the checkpoint's weights there"):
        SiglipCheckpoint.from_folder(tmp_path)


def config(**values: Any) -> SiglipConfig:
    asked = {
        name: values.pop(name) for name in ("scales", "attn_type", "attn_implementation") if name in values
    }
    return SiglipConfig.from_dict({"model_type": "siglip_vision_model", **values}, **asked)


def test_a_sparse_config_has_the_defaults():
    sparse = SiglipConfig.from_dict({"model_type": "siglip", "vision_config": {"model_type": "x"}})
    assert sparse == config() == SiglipConfig.from_dict({})
    assert (sparse.hidden_size, sparse.num_hidden_layers, sparse.scales) == (768, 12, (224,))
    assert sum(math.prod(shape) for shape in expected_tensors(sparse).values()) == 92_884_224
    large = config(
        hidden_size=1152,
        intermediate_size=4304,
        num_hidden_layers=27,
        num_attention_heads=16,
        patch_size=14,
        image_size=384,
    )
    assert sum(math.prod(shape) for shape in expected_tensors(large).values()) == 428_225_600
    assert config(patch_size=14, scales="56+112+196+392").patch_scales.patches == 1060
    assert config(scales="64+32+64").grids == (2, 4, 4)
    assert config(scales="32", attn_type="block-causal").attn_type == "block_causal"
    assert config().with_scales([112]).scales == (112,)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hidden_size": 770}, "must be divisible by num_attention_heads"),
        ({"image_size": 8}, "less than patch_size"),
        ({"scales": 224}, "numbers joined by"),
        ({"scales": ""}, "numbers joined by"),
        ({"scales": "8"}, "from the patch size of 16"),
        ({"scales": "8192"}, "give smaller scales"),
        ({"attn_type": "sideways"}, "attn_type is one of block_causal, causal, bidirectional"),
        ({"attn_type": "causal", "frame_independent_encoding": True}, "goes with attn_type block_causal"),
        ({"attn_implementation": "flex_attention"}, "attn_implementation is one of eager, sdpa"),
        ({"hidden_act": "snake"}, "hidden_act 'snake' is not one of gelu"),
        ({"model_type": "siglip2"}, "NaFlex"),
        ({"model_type": "clip"}, "expected siglip or siglip_vision_model"),
        ({"num_patches": 256}, "expected siglip or siglip_vision_model"),
        ({"model_type": "siglip", "vision_config": 3}, "vision_config must be a JSON object"),
    ],
)
def test_error_for_a_config(values, message):
    with pytest.raises(ValueError, match=message):
        config(**values)


def test_error_for_scales_says_whose_they_are():
    with pytest.raises(ValueError, match=r"^config\.json: scales are 1 to 32 numbers"):
        SiglipConfig.from_dict({"scales": "8"})
    with pytest.raises(ValueError, match=r"^scales are 1 to 32 numbers"):
        SiglipConfig.from_dict({"scales": "32"}, scales="8")


def test_error_for_a_config_that_is_no_object(tmp_path):
    with pytest.raises(ValueError, match="must be a JSON object"):
        SiglipConfig.from_dict([])
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match="not valid JSON"):
        SiglipConfig.from_file(tmp_path / "config.json")


def test_error_for_a_window_or_another_batch(tmp_path):
    model = SiglipVisionModel.from_pretrained(folder_of(tmp_path, TENSORS), scales="16")
    with pytest.raises(ValueError, match="window is 1 to"):
        model.stream(window=0)
    stream = model.stream()
    stream.step(VIDEO)
    with pytest.raises(ValueError, match="began with 1 videos, got 2"):
        stream.step(np.concatenate([VIDEO, VIDEO]))
    with pytest.raises(ValueError, match="threads must be"):
        SiglipVisionModel.from_pretrained(tmp_path, threads=0)


def tanh_gelu(x: float) -> float:
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


# transformers' ACT2FN; every other name is the GELU by tanh.
RULES = {
    **dict.fromkeys(("gelu", "gelu_python"), lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2),
    **dict.fromkeys(("silu", "swish"), lambda x: x * sigmoid(x)),
    "quick_gelu": lambda x: x * sigmoid(1.702 * x),
    "relu": lambda x: max(x, 0),
    "relu2": lambda x: max(x, 0) ** 2,
    "relu6": lambda x: min(max(x, 0), 6),
    "tanh": math.tanh,
    "sigmoid": sigmoid,
    "linear": lambda x: x,
    "mish": lambda x: x * math.tanh(math.log1p(math.exp(x))),
    "leaky_relu": lambda x: max(x, 0.01 * x),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_transformers(name):
    g = GraphBuilder({})
    g.output(g.op("Identity", activation(g, name, g.input("x", (9,)))), "y", (9,))
    x = np.linspace(-4, 7, 9, dtype=np.float32)
    (got,) = ort.InferenceSession(g.model("activation").SerializeToString()).run(None, {"x": x})
    expected = [RULES.get(name, tanh_gelu)(value) for value in x.tolist()]
    np.testing.assert_allclose(got, expected, atol=2e-6, rtol=1e-6)


def test_the_graph_has_no_weights():
    assert (
        len(encoder_graph(SiglipConfig.from_dict({}, scales="32+64+112+224")).SerializeToString()) < 200_000
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"resample": 1}, "resample is 1, expected 2"),
        ({"size": {"shortest_edge": 224}}, "size must be"),
        ({"size": [0, 3]}, "size must be"),
        ({"image_std": 0}, "image_std must not be 0"),
    ],
)
def test_error_for_a_processor_setting(values, message):
    with pytest.raises(ValueError, match=message):
        SiglipImageProcessor.from_dict(values)


def test_a_processor_without_settings_is_siglips():
    assert SiglipImageProcessor.from_dict({}) == SiglipImageProcessor()
    assert SiglipImageProcessor.from_dict({"size": 64, "resample": 2}).size == (64, 64)
    assert SiglipImageProcessor.from_dict({"do_resize": False, "resample": 5}).size is None
    processor = SiglipImageProcessor.from_dict({"do_normalize": False, "do_rescale": False})
    assert processor(np.full((1, 9, 9, 3), 7, np.uint8)).max() == 7
