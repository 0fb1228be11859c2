"""The weight-free graph of a SigLIP vision tower: patches in, their features and the pooled vector out.

``docs/encoder.md`` lists inputs and outputs. One graph serves clips and streams: keys and values of earlier
frames are inputs, those of the rows are outputs, and so are the pooling head's sums.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import onnx
from onnx import TensorProto

from ..encoder.checkpoint import expected_tensors
from ..encoder.config import SiglipConfig
from ..encoder.patches import resize_matrix
from .nodes import GraphBuilder

_TOWER = "vision_model"
# Divides a pooled sum without any row, whose values are 0.
_TINY = 1e-30


def encoder_graph(config: SiglipConfig, probes: Sequence[str] = ()) -> onnx.ModelProto:
    """The graph of a vision tower at its scales.

    Args:
        probes: ``layer_outputs`` adds the embedded rows and the residual stream after each layer.
    """
    g = GraphBuilder(expected_tensors(config))
    width, heads = config.hidden_size, config.num_attention_heads
    patches = g.input("patches", ("rows", config.patch_values))
    ids = g.input("patch_ids", ("rows",), TensorProto.INT32)
    bias = g.input("attention_bias", ("rows", "keys"))
    kernel = g.reshape(g.weight(f"{_TOWER}.embeddings.patch_embedding.weight"), width, config.patch_values)
    x = g.op("Gemm", patches, kernel, g.weight(f"{_TOWER}.embeddings.patch_embedding.bias"), transB=1)
    x = g.op("Add", x, g.op("Gather", position_table(g, config), ids, axis=0))
    stream, caches = [x], []
    for index in range(config.num_hidden_layers):
        x, key, value = _layer(g, config, index, x, bias)
        stream.append(x)
        caches.append((key, value))
    final = _norm(g, config, f"{_TOWER}.post_layernorm", x)
    pooled = _head(g, config, final) if config.vision_use_head else {}
    g.output(final, "last_hidden_state", ("rows", width))
    for index, pair in enumerate(caches):
        for kind, name in zip(("key", "value"), pair, strict=True):
            g.output(name, f"new_{kind}_{index}", (heads, "rows", config.head_dim))
    for name, value in pooled.items():
        g.output(value, name, None)
    if "layer_outputs" in probes:
        for index, value in enumerate(stream):
            g.output(g.op("Identity", value), f"layer_output_{index}", ("rows", width))
    return g.model("siglip_vision")


def position_table(g: GraphBuilder, config: SiglipConfig) -> str:
    """(N, hidden): the position embeddings resized to each scale's grid, one scale after the other."""
    table = g.weight(f"{_TOWER}.embeddings.position_embedding.weight")
    return g.concat(resized_tables(g, table, config.trained_grid, config.grids, config.hidden_size), axis=0)


def resized_tables(g: GraphBuilder, table: str, trained: int, grids: Sequence[int], width: int) -> list[str]:
    """(grid^2, width) for each grid: a table (trained^2, width) of positions, resized bicubically."""
    levels = []
    for grid in grids:
        if grid == trained:
            levels.append(table)
            continue
        matrix = g.constant(resize_matrix(trained, grid))
        by_row = g.op("MatMul", matrix, g.reshape(table, trained, trained * width))
        level = g.op("MatMul", matrix, g.reshape(by_row, grid, trained, width))
        levels.append(g.reshape(level, grid * grid, width))
    return levels


def _layer(g: GraphBuilder, config: SiglipConfig, index: int, x: str, bias: str) -> tuple[str, str, str]:
    """A transformer layer; returns its output and the rows' keys and values (heads, rows, d)."""
    name = f"{_TOWER}.encoder.layers.{index}"
    shape = (config.num_attention_heads, f"past_{index}", config.head_dim)
    past_key, past_value = (g.input(f"past_{kind}_{index}", shape) for kind in ("key", "value"))
    normed = _norm(g, config, f"{name}.layer_norm1", x)
    query, key, value = (
        _by_head(g, config, _linear(g, f"{name}.self_attn.{kind}_proj", normed)) for kind in ("q", "k", "v")
    )
    query = g.op("Mul", query, g.constant(1 / math.sqrt(config.head_dim)))
    keys = g.op("Transpose", g.op("Concat", past_key, key, axis=1), perm=[0, 2, 1])
    weights = g.op("Softmax", g.op("Add", g.op("MatMul", query, keys), bias), axis=-1)
    attended = g.op("MatMul", weights, g.op("Concat", past_value, value, axis=1))
    attended = g.reshape(g.op("Transpose", attended, perm=[1, 0, 2]), -1, config.hidden_size)
    x = g.op("Add", x, _linear(g, f"{name}.self_attn.out_proj", attended))
    return (
        g.op("Add", x, _mlp(g, config, f"{name}.mlp", _norm(g, config, f"{name}.layer_norm2", x))),
        key,
        value,
    )


def _head(g: GraphBuilder, config: SiglipConfig, rows: str) -> dict[str, str]:
    """The pooling head over these rows and earlier ones, and the sums that later rows need of these."""
    name, width, heads = f"{_TOWER}.head", config.hidden_size, config.num_attention_heads
    count = g.input("row_count", (1, "rows"))
    past_max, past_sum = (g.input(each, (heads, 1, 1)) for each in ("past_max", "past_sum"))
    past_value = g.input("past_value", (heads, 1, config.head_dim))
    kernels = g.split(g.weight(f"{name}.attention.in_proj_weight"), 0, *[width] * 3)
    offsets = g.split(g.weight(f"{name}.attention.in_proj_bias"), 0, *[width] * 3)
    probe = g.reshape(g.weight(f"{name}.probe"), 1, width)
    query, key, value = (
        _by_head(g, config, g.op("Gemm", each, kernel, offset, transB=1))
        for each, kernel, offset in zip((probe, rows, rows), kernels, offsets, strict=True)
    )
    query = g.op("Mul", query, g.constant(1 / math.sqrt(config.head_dim)))
    scores = g.op("MatMul", query, g.op("Transpose", key, perm=[0, 2, 1]))
    last = g.ints(-1)
    own_max = g.op("ReduceMax", scores, last, keepdims=1)
    weights = g.op("Mul", g.op("Exp", g.op("Sub", scores, own_max)), count)
    own_sum = g.op("ReduceSum", weights, last, keepdims=1)
    own_value = g.op("MatMul", weights, value)
    largest = g.op("Max", past_max, own_max)
    past_weight, own_weight = (g.op("Exp", g.op("Sub", each, largest)) for each in (past_max, own_max))
    total, summed = (
        g.op("Add", g.op("Mul", past, past_weight), g.op("Mul", own, own_weight))
        for past, own in ((past_sum, own_sum), (past_value, own_value))
    )
    pooled = g.op("Div", summed, g.op("Max", total, g.constant(_TINY)))
    pooled = g.reshape(g.op("Transpose", pooled, perm=[1, 0, 2]), 1, width)
    pooled = _linear(g, f"{name}.attention.out_proj", pooled)
    pooled = _pooled_mlp(g, config, name, pooled)
    return {"pooler_output": pooled, "pool_max": own_max, "pool_sum": own_sum, "pool_value": own_value}


def _pooled_mlp(g: GraphBuilder, config: SiglipConfig, name: str, x: str) -> str:
    normed = _norm(g, config, f"{name}.layernorm", x)
    return g.op("Add", x, _mlp(g, config, f"{name}.mlp", normed))


def _norm(g: GraphBuilder, config: SiglipConfig, name: str, x: str) -> str:
    weight, bias = g.weight(f"{name}.weight"), g.weight(f"{name}.bias")
    return g.op("LayerNormalization", x, weight, bias, axis=-1, epsilon=config.layer_norm_eps)


def _linear(g: GraphBuilder, name: str, x: str) -> str:
    return g.op("Gemm", x, g.weight(f"{name}.weight"), g.weight(f"{name}.bias"), transB=1)


def _mlp(g: GraphBuilder, config: SiglipConfig, name: str, x: str) -> str:
    return _linear(g, f"{name}.fc2", activation(g, config.hidden_act, _linear(g, f"{name}.fc1", x)))


def _by_head(g: GraphBuilder, config: SiglipConfig, x: str) -> str:
    """(rows, hidden) to (heads, rows, d)."""
    split = g.reshape(x, -1, config.num_attention_heads, config.head_dim)
    return g.op("Transpose", split, perm=[1, 0, 2])


def activation(g: GraphBuilder, name: str, x: str) -> str:
    """An activation of transformers' table (``ACT2FN``)."""
    if name in ("gelu", "gelu_python"):
        return g.op("Gelu", x)
    if name.startswith("gelu"):
        return g.op("Gelu", x, approximate="tanh")
    if name in ("quick_gelu", "silu", "swish"):
        scaled = g.op("Mul", x, g.constant(1.702)) if name == "quick_gelu" else x
        return g.op("Mul", x, g.op("Sigmoid", scaled))
    if name == "relu2":
        positive = g.op("Relu", x)
        return g.op("Mul", positive, positive)
    if name == "relu6":
        return g.op("Min", g.op("Relu", x), g.constant(6.0))
    if name == "linear":
        return x
    operators = {
        "relu": "Relu",
        "tanh": "Tanh",
        "sigmoid": "Sigmoid",
        "mish": "Mish",
        "leaky_relu": "LeakyRelu",
    }
    return g.op(operators[name], x)
