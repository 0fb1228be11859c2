"""The weight-free graph of the frame decoder: features of gazed patches in, the pixels of a frame out.

Each feature paints its patch where it lies in the frame. Queries, one for each patch of the rebuilt frame,
attend to the features and to one another; they say how much of each scale's paint to show and add what paint
cannot show: what lies between patches, and what has changed since. ``docs/encoder.md`` lists inputs and
outputs.
"""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import TensorProto

from ..encoder.frame_decoder import FrameDecoderConfig, expected_tensors
from ..encoder.patches import resize_matrix
from .encoder import resized_tables
from .nodes import GraphBuilder


def frame_decoder_graph(config: FrameDecoderConfig) -> onnx.ModelProto:
    """The graph of a frame decoder; no two rows may be of the same patch."""
    g = GraphBuilder(expected_tensors(config))
    side = config.image_size
    features = g.input("features", ("rows", config.encoder_hidden_size))
    ids = g.input("patch_ids", ("rows",), TensorProto.INT32)
    ages = g.input("ages", ("rows",), TensorProto.INT32)
    rows = g.op("Add", _linear(g, "features", features), g.op("Gather", _places(g, config), ids, axis=0))
    rows = g.op("Add", rows, g.op("Gather", g.weight("age_embedding.weight"), ages, axis=0))
    # Where nothing was gazed yet there is still a row to attend to.
    rows = _norm(g, config, "rows_norm", g.op("Concat", rows, g.weight("empty_row"), axis=0))
    x = g.op("Add", g.weight("position_embedding.weight"), g.weight("mask_token"))
    for index in range(config.num_hidden_layers):
        layer = f"layers.{index}"
        x = g.op("Add", x, _attention(g, config, f"{layer}.cross", x, rows))
        x = g.op("Add", x, _attention(g, config, f"{layer}.self", x, None))
        inner = _linear(g, f"{layer}.mlp.fc1", _norm(g, config, f"{layer}.mlp_norm", x))
        x = g.op("Add", x, _linear(g, f"{layer}.mlp.fc2", g.op("Gelu", inner, approximate="tanh")))
    x = _norm(g, config, "final_norm", x)
    grid, patch, channels = config.grid, config.patch_size, config.num_channels
    image = g.reshape(_linear(g, "pixels", x), grid, grid, channels, patch, patch)
    image = g.reshape(g.op("Transpose", image, perm=[2, 0, 3, 1, 4]), channels, grid, patch, grid, patch)
    gates = g.split(_linear(g, "gates", x), 1, *[1] * len(config.grids))
    paint = _linear(g, "paint", features)
    first = 0
    for gate, cells in zip(gates, config.grids, strict=True):
        painted = _painted(g, config, paint, ids, first, cells)
        painted = g.reshape(painted, channels, grid, patch, grid, patch)
        image = g.op("Add", image, g.op("Mul", painted, g.reshape(gate, 1, grid, 1, grid, 1)))
        first += cells * cells
    g.output(g.reshape(image, channels, side, side), "pixels", (channels, side, side))
    return g.model("frame_decoder")


def _places(g: GraphBuilder, config: FrameDecoderConfig) -> str:
    """(N, D): the position of every patch id, and its scale."""
    table = g.weight("position_embedding.weight")
    levels = resized_tables(g, table, config.grid, config.grids, config.hidden_size)
    scales = g.split(g.weight("scale_embedding.weight"), 0, *[1] * len(levels))
    return g.concat([g.op("Add", level, scale) for level, scale in zip(levels, scales, strict=True)], axis=0)


def _painted(
    g: GraphBuilder, config: FrameDecoderConfig, paint: str, ids: str, first: int, cells: int
) -> str:
    """(C, S, S): the paint of one scale's patches where they lie in the frame, and 0 elsewhere."""
    count, patch, channels = cells * cells, config.patch_size, config.num_channels
    cell = config.image_size // cells
    own = g.constant(np.arange(first, first + count).reshape(-1, 1))
    # 1 where a row is of the patch and 0 elsewhere, with operators that every backend has for floats.
    distance = g.op("Abs", g.op("Sub", g.op("Cast", ids, to=TensorProto.FLOAT), own))
    is_patch = g.op("Relu", g.op("Sub", g.constant(1.0), distance))
    tiles = g.reshape(g.op("MatMul", is_patch, paint), count * channels, patch, patch)
    if cell != patch:
        matrix = resize_matrix(patch, cell)
        tiles = g.op("MatMul", g.op("MatMul", g.constant(matrix), tiles), g.constant(matrix.T))
    tiles = g.reshape(tiles, cells, cells, channels, cell, cell)
    return g.op("Transpose", tiles, perm=[2, 0, 3, 1, 4])


def _attention(g: GraphBuilder, config: FrameDecoderConfig, name: str, x: str, rows: str | None) -> str:
    """What queries take from rows, or from one another."""
    normed = _norm(g, config, f"{name}_norm", x)
    sources = (normed, rows or normed, rows or normed)
    query, key, value = (
        _by_head(g, config, _linear(g, f"{name}.{kind}_proj", source))
        for kind, source in zip("qkv", sources, strict=True)
    )
    query = g.op("Mul", query, g.constant(1 / math.sqrt(config.head_dim)))
    weights = g.op("Softmax", g.op("MatMul", query, g.op("Transpose", key, perm=[0, 2, 1])), axis=-1)
    mixed = g.op("Transpose", g.op("MatMul", weights, value), perm=[1, 0, 2])
    return _linear(g, f"{name}.out_proj", g.reshape(mixed, -1, config.hidden_size))


def _by_head(g: GraphBuilder, config: FrameDecoderConfig, x: str) -> str:
    """(rows, D) to (heads, rows, d)."""
    split = g.reshape(x, -1, config.num_attention_heads, config.head_dim)
    return g.op("Transpose", split, perm=[1, 0, 2])


def _norm(g: GraphBuilder, config: FrameDecoderConfig, name: str, x: str) -> str:
    weight, bias = g.weight(f"{name}.weight"), g.weight(f"{name}.bias")
    return g.op("LayerNormalization", x, weight, bias, axis=-1, epsilon=config.layer_norm_eps)


def _linear(g: GraphBuilder, name: str, x: str) -> str:
    return g.op("Gemm", x, g.weight(f"{name}.weight"), g.weight(f"{name}.bias"), transB=1)
