"""Attention over the context and the frame's own rows, and its output projection, for CPUs and for GPUs.

Both variants compute softmax(q k + bias) v and then the output projection; they differ only in the order of
summation. A CPU needs few passes over memory, while a GPU needs every operation spread over many workgroups.
In ONNX Runtime's WebGPU matrix products, each workgroup computes 32 x 32 results and iterates over the whole
shared dimension. A product of a few rows of weights with thousands of values would occupy six workgroups and
leave the rest of the GPU idle. `GpuAttention` therefore splits the context into chunks.

Layout: queries (H,R*G,d), with G query heads per key/value head and H key/value heads; keys and values
(H,n,d).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from ..model.config import DecoderConfig
from .nodes import GraphBuilder

CHUNK: Final = 128
"""Context rows that a GPU workgroup sums when few rows attend, as in a step."""

PREFILL_CHUNK: Final = 3 * CHUNK
"""Context rows that a GPU workgroup sums in the prefill. The capacity for GPUs is a multiple of this."""


@dataclass(frozen=True)
class OutputProjection:
    """The output projection: its weight as ``flat`` (H*G*d,W) and ``by_head`` (H,G*d,W), optional bias."""

    flat: str
    by_head: str
    bias: str | None


@dataclass
class LayerCache:
    """A layer's context and the frame's rows up to this point.

    Attributes:
        context_key, context_value: (H,C,d), graph inputs.
        new_key, new_value: (H,n,d), rows of the frame; None before the first rows.
        derived: values computed from the context once for all blocks of rows, by name.
    """

    context_key: str
    context_value: str
    new_key: str | None = None
    new_value: str | None = None
    derived: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """(H,n,d) keys of the frame's rows up to this point."""
        return _there(self.new_key)

    @property
    def value(self) -> str:
        """(H,n,d) values of the frame's rows up to this point."""
        return _there(self.new_value)

    def extend(self, g: GraphBuilder, key: str, value: str) -> None:
        """Appends the keys and values of more rows."""
        rows = g.axis(1)
        self.new_key = key if self.new_key is None else g.op("Concat", self.new_key, key, axis=rows)
        self.new_value = value if self.new_value is None else g.op("Concat", self.new_value, value, axis=rows)

    def context_key_t(self, g: GraphBuilder) -> str:
        """(H,d,C): the context's keys, transposed once."""
        if "key_t" not in self.derived:
            self.derived["key_t"] = g.permute(self.context_key, 0, 2, 1)
        return self.derived["key_t"]


@dataclass(frozen=True)
class Queries:
    """Rows that attend together.

    Attributes:
        values: (H,R*G,d), scaled.
        count: R.
        bias: (R*G, context + frame rows), or one row for all queries, added to the scores.
        frame_rows: number of rows of the frame up to this point, including these.
        prefill: whether these are the many rows of a frame's prefill, not the few rows of a step.
    """

    values: str
    count: int
    bias: str
    frame_rows: int
    prefill: bool


class Attention(Protocol):
    """Builds the nodes of attention and its output projection."""

    def __call__(self, g: GraphBuilder, queries: Queries, cache: LayerCache, out: OutputProjection) -> str:
        """Adds the nodes; returns the projected output (R,W)."""
        ...


@dataclass(frozen=True)
class CpuAttention:
    """Attention for CPUs: few operations, each as large as possible.

    Attributes:
        config: the decoder's architecture.
        capacity: C, or None if it is a symbolic dimension.
    """

    config: DecoderConfig
    capacity: int | None

    def __call__(self, g: GraphBuilder, queries: Queries, cache: LayerCache, out: OutputProjection) -> str:
        """Adds the nodes; returns the projected output (R,W)."""
        mixed = self._joined(g, queries, cache) if queries.prefill else self._apart(g, queries, cache)
        mixed = _heads_of(g, self.config, mixed, queries.count)
        if queries.prefill or g.batched:
            return _project_flat(g, self.config, mixed, queries.count, out)
        # For few rows one Einsum is cheaper than transposing the heads first.
        return _biased(g, g.op("Einsum", mixed, out.by_head, equation="hrd,hdo->ro"), out)

    def _joined(self, g: GraphBuilder, queries: Queries, cache: LayerCache) -> str:
        """For many rows: concatenates keys and values, which are smaller than the scores."""
        keys = g.op("Concat", cache.context_key, cache.key, axis=g.axis(1))
        values = g.op("Concat", cache.context_value, cache.value, axis=g.axis(1))
        scores = g.op("MatMul", queries.values, g.permute(keys, 0, 2, 1))
        return g.op("MatMul", g.op("Softmax", g.op("Add", scores, queries.bias), axis=-1), values)

    def _apart(self, g: GraphBuilder, queries: Queries, cache: LayerCache) -> str:
        """For few rows: splits the scores, which are smaller than the context."""
        weights = _weights(g, queries, cache)
        if self.capacity is None:
            past = g.slice(weights, -1, 0, -queries.frame_rows)
            new = g.slice(weights, -1, -queries.frame_rows, 2**31 - 1)
        else:
            past, new = g.split(weights, -1, self.capacity, queries.frame_rows)
        return g.op("Add", g.op("MatMul", past, cache.context_value), g.op("MatMul", new, cache.value))


@dataclass(frozen=True)
class GpuAttention:
    """Attention for GPUs: many workgroups sum chunks of the context in parallel.

    Attributes:
        config: the decoder's architecture.
        capacity: C, a multiple of `PREFILL_CHUNK`.
        row_width: W.
    """

    config: DecoderConfig
    capacity: int
    row_width: int

    def __post_init__(self) -> None:
        if self.capacity < 1 or self.capacity % PREFILL_CHUNK:
            raise ValueError(
                f"a context for GPUs has a multiple of {PREFILL_CHUNK} rows, got {self.capacity}: "
                f"use {gpu_capacity(max(1, self.capacity))}"
            )

    def __call__(self, g: GraphBuilder, queries: Queries, cache: LayerCache, out: OutputProjection) -> str:
        """Adds the nodes; returns the projected output (R,W)."""
        mixed = self._mixed(g, queries, cache)
        mixed = _heads_of(g, self.config, mixed, queries.count)
        if queries.prefill:
            return _project_flat(g, self.config, mixed, queries.count, out)
        # For few rows, projecting each head and summing costs less than transposing the heads.
        by_head = g.op("MatMul", mixed, out.by_head)
        return _biased(
            g, _sum_of(g, by_head, self.config.num_key_value_heads, queries.count, self.row_width), out
        )

    def _mixed(self, g: GraphBuilder, queries: Queries, cache: LayerCache) -> str:
        """(H,R*G,d): the values of context and frame, weighted by attention."""
        config, rows = self.config, queries.count * self.config.queries_per_group
        heads, dim = config.num_key_value_heads, config.head_dim
        size = PREFILL_CHUNK if queries.prefill else CHUNK
        chunks = self.capacity // size
        past, new = g.split(_weights(g, queries, cache), -1, self.capacity, queries.frame_rows)
        past = g.reshape(past, heads, rows, chunks, size)
        by_chunk = g.op("Transpose", past, perm=[0, 2, 1, 3]) if rows > 1 else past
        by_chunk = g.reshape(by_chunk, heads, chunks, rows, size)
        parts = g.op("MatMul", by_chunk, g.reshape(cache.context_value, heads, chunks, size, dim))
        summed = g.op("MatMul", g.constant(np.ones((1, chunks))), g.reshape(parts, heads, chunks, rows * dim))
        return g.op("Add", g.reshape(summed, heads, rows, dim), g.op("MatMul", new, cache.value))


def _sum_of(g: GraphBuilder, value: str, parts: int, rows: int, width: int) -> str:
    """(rows,width): the sum of (parts,rows,width). A ReduceSum would transpose first."""
    ones = g.constant(np.ones((1, parts)))
    return g.reshape(g.op("MatMul", ones, g.reshape(value, parts, rows * width)), rows, width)


def gpu_row_width(config: DecoderConfig) -> int:
    """W, the width of rows for GPUs; see `decoder`."""
    threads, at_once = 64, 4
    return -(-config.hidden_size // (threads * at_once)) * threads * at_once


def gpu_capacity(rows: int) -> int:
    """The smallest capacity for GPUs with at least ``rows`` rows."""
    return -(-rows // PREFILL_CHUNK) * PREFILL_CHUNK


def _weights(g: GraphBuilder, queries: Queries, cache: LayerCache) -> str:
    """(H,R*G,C+n): softmax over context and frame. Only the scores are concatenated, not the keys."""
    past = g.op("MatMul", queries.values, cache.context_key_t(g))
    if queries.prefill:
        new = g.op("MatMul", queries.values, g.permute(cache.key, 0, 2, 1))
    else:
        equation = "bhqd,bhld->bhql" if g.batched else "hqd,hld->hql"
        new = g.op("Einsum", queries.values, cache.key, equation=equation)
    return g.op("Softmax", g.op("Add", g.op("Concat", past, new, axis=-1), queries.bias), axis=-1)


def _heads_of(g: GraphBuilder, config: DecoderConfig, mixed: str, count: int) -> str:
    """(H,R,G*d) from (H,R*G,d)."""
    group = config.queries_per_group
    if group == 1:
        return mixed
    return g.stack(mixed, config.num_key_value_heads, count, group * config.head_dim)


def _project_flat(
    g: GraphBuilder, config: DecoderConfig, mixed: str, count: int, out: OutputProjection
) -> str:
    """(R,W): transposes the heads, so that many rows form one large product."""
    width = config.num_key_value_heads * config.queries_per_group * config.head_dim
    flat = g.stack(g.permute(mixed, 1, 0, 2), count, width)
    return _biased(g, g.op("MatMul", flat, out.flat), out)


def _biased(g: GraphBuilder, value: str, out: OutputProjection) -> str:
    return value if out.bias is None else g.op("Add", value, out.bias)


def _there(name: str | None) -> str:
    if name is None:
        raise RuntimeError("no rows have been added to this layer yet")
    return name
