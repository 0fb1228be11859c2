"""Attention over the context and the frame's own rows, and its projection: one way for CPUs, one for GPUs.

Both compute softmax(q k + bias) v, then the output projection, and differ in the order of sums alone. What
is cheap differs: a CPU wants few operations on memory, a GPU wants every operation spread over many
workgroups. ONNX Runtime's WebGPU products give one workgroup 32 x 32 results and let it walk along all of the
shared dimension, so a few rows of weights times thousands of values would keep six workgroups busy and the
rest of the GPU idle: that is why `GpuAttention` cuts the context into chunks.

Layout: queries (H,R*G,d), G query heads on each of H key/value heads; keys and values (H,n,d).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from ..model.config import DecoderConfig
from .nodes import GraphBuilder

CHUNK: Final = 128
"""Context rows that a GPU's workgroup sums over when few rows attend."""

PREFILL_CHUNK: Final = 3 * CHUNK
"""The same when a frame's first rows attend; a context for GPUs has a multiple of this many rows."""


@dataclass(frozen=True)
class Projection:
    """The output projection: ``flat`` (H*G*d,W), the same ``by_head`` (H,G*d,W), and its bias, if any."""

    flat: str
    by_head: str
    bias: str | None


@dataclass
class LayerCache:
    """A layer's context (graph inputs) and the frame's rows so far.

    Attributes:
        context_key, context_value: (H,C,d).
        derived: values made from the context once for all blocks of rows, by name.
    """

    context_key: str
    context_value: str
    new_key: str | None = None
    new_value: str | None = None
    derived: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """(H,n,d) keys of the frame's rows so far."""
        return _there(self.new_key)

    @property
    def value(self) -> str:
        """(H,n,d) values of the frame's rows so far."""
        return _there(self.new_value)

    def extend(self, g: GraphBuilder, key: str, value: str) -> None:
        """Adds the keys and values of further rows."""
        self.new_key = key if self.new_key is None else g.op("Concat", self.new_key, key, axis=1)
        self.new_value = value if self.new_value is None else g.op("Concat", self.new_value, value, axis=1)

    def context_key_t(self, g: GraphBuilder) -> str:
        """(H,d,C): the context's keys, transposed once."""
        if "key_t" not in self.derived:
            self.derived["key_t"] = g.op("Transpose", self.context_key, perm=[0, 2, 1])
        return self.derived["key_t"]


@dataclass(frozen=True)
class Queries:
    """Rows that attend together.

    Attributes:
        values: (H,R*G,d), scaled.
        count: R.
        bias: (R*G, context + frame rows) or one row for all, added to the scores.
        frame_rows: rows of the frame so far, these included.
        prefill: whether these are a frame's first rows, which are many, and not the few of a step.
    """

    values: str
    count: int
    bias: str
    frame_rows: int
    prefill: bool


class Attention(Protocol):
    """Builds attention and its projection."""

    def __call__(self, g: GraphBuilder, queries: Queries, cache: LayerCache, out: Projection) -> str:
        """(R,W)."""
        ...


@dataclass(frozen=True)
class CpuAttention:
    """Few operations, each as large as can be.

    Attributes:
        capacity: C, None where it is a symbolic dimension.
    """

    config: DecoderConfig
    capacity: int | None

    def __call__(self, g: GraphBuilder, queries: Queries, cache: LayerCache, out: Projection) -> str:
        """(R,W)."""
        mixed = self._joined(g, queries, cache) if queries.prefill else self._apart(g, queries, cache)
        mixed = _heads_of(g, self.config, mixed, queries.count)
        if queries.prefill:
            return _project_flat(g, self.config, mixed, queries.count, out)
        # For few rows one Einsum is cheaper than moving the heads together first.
        return _biased(g, g.op("Einsum", mixed, out.by_head, equation="hrd,hdo->ro"), out)

    def _joined(self, g: GraphBuilder, queries: Queries, cache: LayerCache) -> str:
        """For many rows: context and frame are joined first, for the scores are the larger part."""
        keys = g.op("Concat", cache.context_key, cache.key, axis=1)
        values = g.op("Concat", cache.context_value, cache.value, axis=1)
        scores = g.op("MatMul", queries.values, g.op("Transpose", keys, perm=[0, 2, 1]))
        return g.op("MatMul", g.op("Softmax", g.op("Add", scores, queries.bias), axis=-1), values)

    def _apart(self, g: GraphBuilder, queries: Queries, cache: LayerCache) -> str:
        """For few rows: the context is the larger part and stays where it is."""
        weights = _weights(g, queries, cache)
        if self.capacity is None:
            past = g.slice(weights, -1, 0, -queries.frame_rows)
            new = g.slice(weights, -1, -queries.frame_rows, 2**31 - 1)
        else:
            past, new = g.split(weights, -1, self.capacity, queries.frame_rows)
        return g.op("Add", g.op("MatMul", past, cache.context_value), g.op("MatMul", new, cache.value))


@dataclass(frozen=True)
class GpuAttention:
    """Many workgroups: the context is summed in chunks side by side.

    Attributes:
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

    def __call__(self, g: GraphBuilder, queries: Queries, cache: LayerCache, out: Projection) -> str:
        """(R,W)."""
        mixed = self._mixed(g, queries, cache)
        mixed = _heads_of(g, self.config, mixed, queries.count)
        if queries.prefill:
            return _project_flat(g, self.config, mixed, queries.count, out)
        # For few rows moving the heads together would cost more than projecting each and summing.
        by_head = g.op("MatMul", mixed, out.by_head)
        return _biased(
            g, _sum_of(g, by_head, self.config.num_key_value_heads, queries.count, self.row_width), out
        )

    def _mixed(self, g: GraphBuilder, queries: Queries, cache: LayerCache) -> str:
        """(H,R*G,d): the mix of all values."""
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
    """(rows,width): the sum of (parts,rows,width). A ReduceSum would first transpose them."""
    ones = g.constant(np.ones((1, parts)))
    return g.reshape(g.op("MatMul", ones, g.reshape(value, parts, rows * width)), rows, width)


def gpu_row_width(config: DecoderConfig) -> int:
    """W of rows for GPUs: see `decoder`."""
    threads, at_once = 64, 4
    return -(-config.hidden_size // (threads * at_once)) * threads * at_once


def gpu_capacity(rows: int) -> int:
    """The smallest context for GPUs with at least so many rows."""
    return -(-rows // PREFILL_CHUNK) * PREFILL_CHUNK


def _weights(g: GraphBuilder, queries: Queries, cache: LayerCache) -> str:
    """(H,R*G,C+n): softmax over the context and the frame's rows, of which only the scores are joined."""
    past = g.op("MatMul", queries.values, cache.context_key_t(g))
    if queries.prefill:
        new = g.op("MatMul", queries.values, g.op("Transpose", cache.key, perm=[0, 2, 1]))
    else:
        new = g.op("Einsum", queries.values, cache.key, equation="hqd,hld->hql")
    return g.op("Softmax", g.op("Add", g.op("Concat", past, new, axis=-1), queries.bias), axis=-1)


def _heads_of(g: GraphBuilder, config: DecoderConfig, mixed: str, count: int) -> str:
    """(H,R,G*d) from (H,R*G,d)."""
    group = config.queries_per_group
    if group == 1:
        return mixed
    return g.reshape(mixed, config.num_key_value_heads, count, group * config.head_dim)


def _project_flat(g: GraphBuilder, config: DecoderConfig, mixed: str, count: int, out: Projection) -> str:
    """(R,W): the heads are moved together, for many rows make one large product."""
    width = config.num_key_value_heads * config.queries_per_group * config.head_dim
    flat = g.reshape(g.op("Transpose", mixed, perm=[1, 0, 2]), count, width)
    return _biased(g, g.op("MatMul", flat, out.flat), out)


def _biased(g: GraphBuilder, value: str, out: Projection) -> str:
    return value if out.bias is None else g.op("Add", value, out.bias)


def _there(name: str | None) -> str:
    if name is None:
        raise RuntimeError("no rows have passed this layer yet")
    return name
