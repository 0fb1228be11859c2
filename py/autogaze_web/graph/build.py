"""Builds the two graphs of an architecture: a frame with its first steps, and more steps of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
import onnx
from onnx import TensorProto

from ..model.checkpoint import expected_tensors
from ..model.config import AutoGazeConfig
from ..model.context import HIDDEN
from ..model.graph_choice import BATCH, CONTEXT
from .attention import Attention, CpuAttention, GpuAttention, LayerCache, gpu_row_width
from .decoder import Decoder, Rows
from .nodes import GraphBuilder
from .selection import SelectedTokens, Selection, decisions
from .vision import vision_trunk

Target = Literal["cpu", "gpu"]
TARGETS: Final[tuple[Target, ...]] = ("cpu", "gpu")


def frame_graph(
    config: AutoGazeConfig,
    steps: int = 1,
    capacity: int | None = None,
    probes: Sequence[str] = (),
    target: Target = "cpu",
    batched: bool = False,
) -> onnx.ModelProto:
    """The graph of one frame: vision trunk, prefill and the first ``steps`` steps, unrolled.

    ``docs/graph.md`` describes the inputs and outputs.

    Args:
        config: the architecture.
        steps: S, at least 1; the tokens of the first step come from the prefill.
        capacity: rows of context; None for a symbolic dimension.
        probes: names of intermediate values to add as outputs, for tests: ``patch_conv``, ``after_norm``,
            ``video_embeds``, ``logits``, ``layer_outputs``.
        target: the hardware to optimize for; the tokens are the same. A graph for GPUs requires a capacity
            from `attention.gpu_capacity`, unless it is for batches.
        batched: whether it computes a frame of each of several videos at once. Inputs and outputs then have a
            leading axis of symbolic length.

    Raises:
        ValueError: if the capacity does not suit the target.
    """
    g = GraphBuilder(expected_tensors(config), batched)
    vision, heads = config.vision, config.decoder.num_multi_token_pred
    lead = (BATCH,) if batched else ()
    videos = BATCH if batched else 1
    frame = g.input("frame", (videos, 3, config.input_img_size, config.input_img_size))
    past_shape = (videos, vision.past_frames * vision.hidden_dim, config.vision_grid, config.vision_grid)
    blocks = vision.depth if vision.past_frames else 0
    past = [g.input(f"trunk_past_{i}", past_shape) for i in range(blocks)]
    pending_tokens = g.input("pending_tokens", (*lead, heads), TensorProto.INT32)
    pending_bias = g.input("pending_bias", (*lead, 1, heads))
    rows = heads + config.vision_tokens
    decoder, context_bias = _decoder(g, config, capacity, rows + heads, target)

    trunk = vision_trunk(g, config, frame, past, decoder.widened)
    pending = g.op("Gather", decoder.embeddings, pending_tokens, axis=0)
    x = g.op("Concat", pending, trunk.tokens, axis=g.axis(0))
    every_video = _EveryVideo(g, pending_bias)
    visible = every_video(g.constant(np.zeros((1, config.vision_tokens))))
    visible = g.op("Concat", pending_bias, visible, axis=g.axis(1))
    seen = g.op("Concat", context_bias, visible, axis=g.axis(1))
    group = config.decoder.queries_per_group
    own = g.op("Add", _causal(g, rows, group), visible)
    bias = g.op("Concat", _repeated(g, context_bias, rows * group), own, axis=g.axis(1))
    final, residuals = decoder.run(
        x, Rows(rows, 0, _over_heads(g, bias), _over_heads(g, seen), prefill=True), 0
    )

    selection = Selection(g, config, g.constant(never_chosen(config)), decoder.widened, decoder.width)
    choices, finals = [selection.choose(final)], [final]
    _unroll(g, config, decoder, selection, choices, finals, steps, seen, rows, rows, every_video)

    result, logits = decisions(g, config, choices, finals, decoder.widened)
    g.output(result, "decisions", (*lead, 3, steps, heads))
    _cache_outputs(g, config, decoder, rows + (steps - 1) * heads)
    for i, value in enumerate(trunk.next_past):
        g.output(value, f"trunk_next_{i}", past_shape)
    values = {
        "patch_conv": [trunk.patches],
        "after_norm": [trunk.normed],
        "video_embeds": [trunk.tokens],
        "logits": [logits],
        "layer_outputs": residuals,
    }
    _probe(g, values, probes)
    return g.model(f"autogaze_{'tiles' if batched else 'frame'}_{steps}")


def never_chosen(config: AutoGazeConfig) -> np.ndarray:
    """(1,K*V) bias of a frame's first logits, which excludes end-of-sequence (rule 8)."""
    bias = np.zeros((config.decoder.num_multi_token_pred, config.vocab_size), np.float32)
    bias[:, config.pad_id] = HIDDEN
    return bias.reshape(1, -1)


def steps_graph(
    config: AutoGazeConfig,
    steps: int = 1,
    capacity: int | None = None,
    probes: Sequence[str] = (),
    target: Target = "cpu",
) -> onnx.ModelProto:
    """The graph of ``steps`` more steps of a frame, whose earlier rows are in the context.

    ``docs/graph.md`` describes the inputs and outputs. The only probe is ``logits``.
    """
    g = GraphBuilder(expected_tensors(config))
    heads, vocab = config.decoder.num_multi_token_pred, config.vocab_size
    tokens = g.input("tokens", (heads,), TensorProto.INT32)
    token_bias = g.input("token_bias", (1, vocab))
    decoder, context_bias = _decoder(g, config, capacity, heads, target)
    every_head = g.reshape(_repeated(g, token_bias, heads), 1, heads * vocab)
    selection = Selection(g, config, every_head, decoder.widened, decoder.width)
    x = g.op("Gather", decoder.embeddings, tokens, axis=0)
    choices: list[SelectedTokens] = []
    finals: list[str] = []
    every_video = _EveryVideo(g, context_bias)
    _unroll(g, config, decoder, selection, choices, finals, steps, context_bias, 0, 0, every_video, first=x)
    result, logits = decisions(g, config, choices, finals, decoder.widened)
    g.output(result, "decisions", (3, steps, heads))
    _cache_outputs(g, config, decoder, steps * heads)
    _probe(g, {"logits": [logits]}, probes)
    return g.model(f"autogaze_steps_{steps}")


def _decoder(
    g: GraphBuilder, config: AutoGazeConfig, capacity: int | None, rope_rows: int, target: Target
) -> tuple[Decoder, str]:
    """Declares the inputs that both graphs share; returns the decoder and the bias of the context (1,C)."""
    size = CONTEXT if capacity is None else capacity
    lead = (BATCH,) if g.batched else ()
    d = config.decoder
    context_bias = g.input("context_bias", (*lead, 1, size))
    pairs = (d.queries_per_group + 1) * d.head_dim // 2
    cos, sin = (g.input(name, (*lead, rope_rows, pairs)) for name in ("rope_cos", "rope_sin"))
    shape = (*lead, d.num_key_value_heads, size, d.head_dim)
    caches = [
        LayerCache(g.input(f"context_key_{i}", shape), g.input(f"context_value_{i}", shape))
        for i in range(d.num_hidden_layers)
    ]
    attention: Attention = CpuAttention(d, capacity)
    width = d.hidden_size
    if target == "gpu":
        width = gpu_row_width(d)
        if not g.batched:
            attention = GpuAttention(d, capacity or 0, width)
    starts = None
    if g.batched:
        # RotaryEmbedding has one table for all videos: theirs lie in it one after the other.
        videos = g.op("Shape", cos, start=0, end=1)
        numbers = g.op("Range", *(g.reshape(value) for value in (g.ints(0), videos, g.ints(1))))
        starts = g.op("Mul", g.reshape(numbers, -1, 1), g.ints(rope_rows))
        cos, sin = (g.reshape(table, -1, pairs) for table in (cos, sin))
    return Decoder(g, config, cos, sin, caches, attention, width, starts), context_bias


def _unroll(
    g: GraphBuilder,
    config: AutoGazeConfig,
    decoder: Decoder,
    selection: Selection,
    choices: list[SelectedTokens],
    finals: list[str],
    steps: int,
    seen: str,
    rows_before: int,
    rope_offset: int,
    every_video: _EveryVideo,
    first: str | None = None,
) -> None:
    """Adds steps until there are ``steps`` choices. Each step feeds the tokens of the previous one."""
    heads, group = config.decoder.num_multi_token_pred, config.decoder.queries_per_group
    if len(choices) == steps:
        return
    seen_by_all = _repeated(g, seen, heads * group)
    fed = 0
    while len(choices) < steps:
        if choices:
            selection.use_up(choices[-1])
            first = g.op("Gather", decoder.embeddings, choices[-1].ids, axis=0)
        assert first is not None
        among_steps = np.where(_later(heads, fed, group), HIDDEN, 0.0)
        bias = g.op("Concat", seen_by_all, every_video(g.constant(among_steps)), axis=g.axis(1))
        last_bias = every_video(g.constant(np.zeros((1, fed + heads))))
        last_bias = g.op("Concat", seen, last_bias, axis=g.axis(1))
        rows = Rows(heads, rope_offset, _over_heads(g, bias), _over_heads(g, last_bias), prefill=False)
        final, _ = decoder.run(first, rows, rows_before + fed)
        fed += heads
        choices.append(selection.choose(final))
        finals.append(final)


def _later(rows: int, before: int, group: int) -> np.ndarray:
    """(rows*group, before+rows) bool: which keys come after a query and are hidden from it."""
    slot = np.repeat(np.arange(rows), group)[:, None]
    return np.arange(-before, rows)[None, :] > slot


def _causal(g: GraphBuilder, rows: int, group: int) -> str:
    """(rows*group, rows) bias of causal attention, computed from two vectors to keep the file small."""
    slot = g.constant(np.repeat(np.arange(rows), group)[:, None])
    later = g.op("Greater", g.constant(np.arange(rows)[None, :]), slot)
    return g.op("Where", later, g.constant(HIDDEN), g.constant(0.0))


class _EveryVideo:
    """Repeats a constant for every video of a batch; without batches it stays as it is."""

    def __init__(self, g: GraphBuilder, bias: str) -> None:
        self._g, self._zeros = g, ""
        if g.batched:  # (B,1,1); the biases are finite
            self._zeros = g.op("Mul", g.slice(bias, -1, 0, 1), g.constant(0.0))

    def __call__(self, constant: str) -> str:
        return self._g.op("Add", self._zeros, constant) if self._zeros else constant


def _over_heads(g: GraphBuilder, bias: str) -> str:
    """A bias with an axis for the heads after the batch's."""
    return g.op("Unsqueeze", bias, g.ints(1)) if g.batched else bias


def _repeated(g: GraphBuilder, row: str, times: int) -> str:
    """(times, n): repeats a row (1, n) of any length."""
    return g.op("Add", row, g.constant(np.zeros((times, 1))))


def _cache_outputs(g: GraphBuilder, config: AutoGazeConfig, decoder: Decoder, rows: int) -> None:
    lead = (BATCH,) if g.batched else ()
    shape = (*lead, config.decoder.num_key_value_heads, rows, config.decoder.head_dim)
    for i, cache in enumerate(decoder.caches):
        g.output(cache.key, f"new_key_{i}", shape)
        g.output(cache.value, f"new_value_{i}", shape)


def _probe(g: GraphBuilder, values: dict[str, list[str]], probes: Sequence[str]) -> None:
    for name in probes:
        for i, value in enumerate(values.get(name, [])):
            g.output(g.op("Identity", value), f"{name}_{i}", None)


def runtime_nodes(model: onnx.ModelProto) -> int:
    """Number of nodes that do work at run time: excludes nodes folded at load, and reshapes."""
    known = {tensor.name for tensor in model.graph.initializer}
    count = 0
    for node in model.graph.node:
        # A session for batches has static shapes too.
        if node.op_type == "Shape" or all(name in known or not name for name in node.input):
            known.update(node.output)
        elif node.op_type not in ("Reshape", "Identity"):
            count += 1
    return count
