"""Builds the graph that moves rows within the contexts of a batch, on the device that they are on."""

from __future__ import annotations

import onnx
from onnx import TensorProto

from ..model.config import AutoGazeConfig
from ..model.graph_choice import BATCH, CONTEXT
from .nodes import GraphBuilder


def context_move_graph(config: AutoGazeConfig) -> onnx.ModelProto:
    """The graph between two frames of a batch: rows of the last run enter the context, new videos begin.

    Inputs, for B videos, C rows of context, n rows of the last run and C' rows of the next context:
    ``row`` (B,C') int64, for each row of the next context its place among the C + n rows there are;
    ``kept`` (B) bool, False for the videos that begin; ``context_X`` (B,H,C,d) and ``new_X`` (B,H,n,d) for
    each key and value; ``trunk_next_b``. Outputs: ``moved_X`` (B,H,C',d) and ``moved_trunk_b``, zeros for the
    videos that begin.
    """
    g = GraphBuilder({}, batched=True)
    d, vision = config.decoder, config.vision
    row = g.input("row", (BATCH, "next_context"), TensorProto.INT64)
    kept = g.reshape(g.input("kept", (BATCH,), TensorProto.BOOL), -1, 1, 1, 1)
    zero = g.constant(0.0)
    heads = g.op("Concat", *(g.ints(n) for n in (1, d.num_key_value_heads, 1, 1)), axis=0)
    rows = g.op("Expand", g.op("Unsqueeze", row, g.ints(1, 3)), heads)
    for kind in ("key", "value"):
        for layer in range(d.num_hidden_layers):
            name = f"{kind}_{layer}"
            there = [
                g.input(f"{prefix}_{name}", (BATCH, d.num_key_value_heads, size, d.head_dim))
                for prefix, size in (("context", CONTEXT), ("new", "new_rows"))
            ]
            moved = g.op("GatherND", g.op("Concat", *there, axis=2), rows, batch_dims=2)
            shape = (BATCH, d.num_key_value_heads, "next_context", d.head_dim)
            g.output(g.op("Where", kept, moved, zero), f"moved_{name}", shape)
    past_shape = (BATCH, vision.past_frames * vision.hidden_dim, config.vision_grid, config.vision_grid)
    for block in range(vision.depth if vision.past_frames else 0):
        past = g.op("Where", kept, g.input(f"trunk_next_{block}", past_shape), zero)
        g.output(past, f"moved_trunk_{block}", past_shape)
    return g.model("autogaze_context_move")
