"""The decoder: Llama layers over the cached keys and values of the context and the rows of the current frame.

Rows are laid out by key/value head: queries are (H,R*G,d) with H key/value heads, G query heads per key/value
head and R rows; keys and values are (H,R,d). Rotary pairs are interleaved, while the checkpoint stores them
as two halves. The rows of the projection are reordered once at load, so that one rotation serves queries and
keys together and leaves the values unchanged. Scores do not change, because queries and keys use the same
order.

For GPUs, rows have width W instead of D, with W - D zeros at the end. ONNX Runtime's WebGPU norms divide a
row among 64 threads in units of four values and give the remainder to the last thread, which would process
all of 192 values. Norms of padded rows give the same result if their weights and epsilon are scaled
accordingly.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..model.config import AutoGazeConfig
from .attention import Attention, LayerCache, OutputProjection, Queries
from .nodes import CONTRIB, GraphBuilder

_MODEL = "gazing_model.gaze_decoder.model"


@dataclass(frozen=True)
class Rows:
    """A block of rows that pass through the layers together.

    Attributes:
        count: R, the number of rows.
        rope_offset: the row of the rotary tables for the first row.
        bias: (R*G, context + frame rows), added to the scores.
        last_bias: (1, context + frame rows), the bias of the last row only.
        prefill: whether these are the many rows of the frame's prefill.
    """

    count: int
    rope_offset: int
    bias: str
    last_bias: str
    prefill: bool


@dataclass(frozen=True)
class _Linear:
    """A projection: its weight, transposed for MatMul, and its optional bias."""

    weight: str
    bias: str | None = None

    def __call__(self, g: GraphBuilder, value: str) -> str:
        y = g.op("MatMul", value, self.weight)
        return y if self.bias is None else g.op("Add", y, self.bias)


@dataclass(frozen=True)
class _Layer:
    input_norm: str
    qkv: _Linear
    out: OutputProjection
    post_norm: str
    gate_up: _Linear
    down: _Linear


@dataclass
class Decoder:
    """Builds the decoder's nodes. The weights of the layers are prepared once for all blocks of rows.

    Attributes:
        g: the graph under construction.
        config: the architecture.
        rope_cos, rope_sin: the rotary tables (graph inputs).
        caches: context and new rows of each layer.
        attention: builds attention for the target.
        width: W, the width of rows.
        table_starts: for a batch the first row of each video in the rotary tables, (B,1) int64.
    """

    g: GraphBuilder
    config: AutoGazeConfig
    rope_cos: str
    rope_sin: str
    caches: list[LayerCache]
    attention: Attention
    width: int
    table_starts: str | None = None
    _layers: list[_Layer] = field(init=False)

    def __post_init__(self) -> None:
        self._layers = [self._layer(i) for i in range(self.config.decoder.num_hidden_layers)]

    @property
    def embeddings(self) -> str:
        """(V,W): the embedding of each token id."""
        return self.widened(self.g.weight(f"{_MODEL}.embed_tokens.weight"), 2, 1)

    def widened(self, value: str, rank: int, axis: int) -> str:
        """Pads a weight's axis from D to W elements."""
        return self.g.pad(value, rank, axis, self.width - self.config.decoder.hidden_size)

    def norm_weight(self, name: str) -> str:
        """(W): the weight of an RMS norm over rows of W elements, D of which are not padding."""
        weight = self.g.weight(name)
        if self.width == self.config.decoder.hidden_size:
            return weight
        share = self.config.decoder.hidden_size / self.width
        return self.widened(self.g.op("Mul", weight, self.g.constant(share**0.5)), 1, 0)

    @property
    def epsilon(self) -> float:
        """The epsilon of the norms, scaled for rows of W elements."""
        return self.config.decoder.rms_norm_eps * self.config.decoder.hidden_size / self.width

    def run(self, x: str, rows: Rows, frame_rows_before: int) -> tuple[str, list[str]]:
        """Passes rows (R,W) through all layers and adds their keys and values to the caches.

        The last layer computes the output of the last row only; of the other rows only keys and values are
        used.

        Returns:
            The output of the final norm for the last row (1,W). For tests also the residual stream after each
            layer: (R,W), and (1,W) for the last layer.
        """
        g, decoder = self.g, self.config.decoder
        epsilon, last = self.epsilon, len(self._layers) - 1
        residuals: list[str] = []
        normed = g.op("SimplifiedLayerNormalization", x, self._layers[0].input_norm, axis=-1, epsilon=epsilon)
        for index, layer in enumerate(self._layers):
            attended = self._attention(
                layer, normed, rows, self.caches[index], frame_rows_before, index == last
            )
            if index == last:
                x = g.slice(x, g.axis(0), rows.count - 1, rows.count)
            normed, x = g.add_and_norm(attended, x, layer.post_norm, epsilon)
            gate, up = g.split(layer.gate_up(g, normed), -1, *[decoder.intermediate_size] * 2)
            gate = g.op("QuickGelu", gate, domain=CONTRIB, alpha=1.0)  # x * sigmoid(x)
            down = layer.down(g, g.op("Mul", gate, up))
            following = (
                f"{_MODEL}.norm.weight"
                if index == last
                else f"{_MODEL}.layers.{index + 1}.input_layernorm.weight"
            )
            normed, x = g.add_and_norm(down, x, self.norm_weight(following), epsilon)
            residuals.append(x)
        return normed, residuals

    def _attention(
        self, layer: _Layer, normed: str, rows: Rows, cache: LayerCache, before: int, only_last: bool
    ) -> str:
        g, decoder = self.g, self.config.decoder
        heads, group, dim = decoder.num_key_value_heads, decoder.queries_per_group, decoder.head_dim
        if g.batched:
            normed = g.stack(normed, 1, rows.count, self.width)
        qkv = g.op(
            "RotaryEmbedding",
            layer.qkv(g, normed),
            self._rope_rows(rows),
            self.rope_cos,
            self.rope_sin,
            domain=CONTRIB,
            interleaved=1,
            num_heads=heads if g.batched else 1,
            rotary_embedding_dim=(group + 1) * dim,
        )
        query, key, value = g.split(qkv, -1, group * dim, dim, dim)
        cache.extend(g, key, value)
        count = rows.count
        if only_last:
            query, count = g.slice(query, g.axis(1), rows.count - 1, rows.count), 1
        if group > 1:
            query = g.stack(query, heads, count * group, dim)
        bias = rows.last_bias if only_last else rows.bias
        queries = Queries(query, count, bias, before + rows.count, rows.prefill and not only_last)
        return self.attention(g, queries, cache, layer.out)

    def _rope_rows(self, rows: Rows) -> str:
        """The rows of the rotary tables: the first one, or those of each video of a batch (B,R)."""
        if self.table_starts is None:
            return self.g.ints(rows.rope_offset)
        own = np.arange(rows.rope_offset, rows.rope_offset + rows.count)
        return self.g.op("Add", self.table_starts, self.g.constant(own, np.int64))

    # The weights are prepared by nodes that ONNX Runtime folds when a session is created.

    def _layer(self, index: int) -> _Layer:
        g, decoder = self.g, self.config.decoder
        name = f"{_MODEL}.layers.{index}"
        bias = g.weight if decoder.mlp_bias else None

        def transposed(weight: str) -> str:
            return g.op("Transpose", weight, perm=[1, 0])

        gate_up = g.op(
            "Concat", *(g.weight(f"{name}.mlp.{part}_proj.weight") for part in ("gate", "up")), axis=0
        )
        gate_up_bias = bias and g.op(
            "Concat", *(bias(f"{name}.mlp.{part}_proj.bias") for part in ("gate", "up")), axis=0
        )
        out = self.widened(transposed(g.weight(f"{name}.self_attn.o_proj.weight")), 2, 1)
        heads, width = decoder.num_key_value_heads, decoder.queries_per_group * decoder.head_dim
        return _Layer(
            input_norm=self.norm_weight(f"{name}.input_layernorm.weight"),
            qkv=self._qkv(f"{name}.self_attn"),
            out=OutputProjection(
                flat=out,
                by_head=g.reshape(out, heads, width, self.width),
                bias=(
                    self.widened(g.weight(f"{name}.self_attn.o_proj.bias"), 1, 0)
                    if decoder.attention_bias
                    else None
                ),
            ),
            post_norm=self.norm_weight(f"{name}.post_attention_layernorm.weight"),
            gate_up=_Linear(self.widened(transposed(gate_up), 2, 0), gate_up_bias),
            down=_Linear(
                self.widened(transposed(g.weight(f"{name}.mlp.down_proj.weight")), 2, 1),
                bias and self.widened(bias(f"{name}.mlp.down_proj.bias"), 1, 0),
            ),
        )

    def _qkv(self, name: str) -> _Linear:
        """(H, W, (G+2)*d): the scaled queries, the key and the value of each key/value head."""
        decoder = self.config.decoder
        heads, group, dim = decoder.num_key_value_heads, decoder.queries_per_group, decoder.head_dim

        def joined(kind: str, columns: int) -> str:
            g = self.g
            q = self._interleaved(g.weight(f"{name}.q_proj.{kind}"), heads, group, columns)
            q = g.op("Mul", q, g.constant(dim**-0.5))
            k = self._interleaved(g.weight(f"{name}.k_proj.{kind}"), heads, 1, columns)
            v = g.reshape(g.weight(f"{name}.v_proj.{kind}"), heads, dim, columns)
            return g.op("Transpose", g.op("Concat", q, k, v, axis=1), perm=[0, 2, 1])

        weight = self.widened(joined("weight", decoder.hidden_size), 3, 1)
        return _Linear(weight, joined("bias", 1) if decoder.attention_bias else None)

    def _interleaved(self, weight: str, heads: int, group: int, columns: int) -> str:
        """Moves rows i and i + d/2 of each head, which rotate together, to rows 2i and 2i + 1."""
        g, dim = self.g, self.config.decoder.head_dim
        pairs = g.reshape(weight, heads, group, 2, dim // 2, columns)
        return g.reshape(g.op("Transpose", pairs, perm=[0, 1, 3, 2, 4]), heads, group * dim, columns)
