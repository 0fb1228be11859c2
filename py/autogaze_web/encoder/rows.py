"""Which rows of a gaze are encoded, and which rows see which.

Upstream has an output for padding, too, and its pooled vector counts it. The pads of a frame are equal tokens
that see the same, so one row stands for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.context import HIDDEN
from ..readout.gazing_info import GazingInfo
from .config import SiglipConfig

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Rows:
    """The rows of one video, frame after frame; with ``causal`` attention the pads are behind all others.

    Attributes:
        position: (m,) patch of each row, counted through all frames; 0 for pads.
        slot: (m,) the frame that each row belongs to, which is not always that of its patch.
        padded: (m,) whether the row is padding.
        count: (m,) entries of the gaze that the row stands for.
        row_of_entry: (n,) the row of each entry of the gaze; -1 for padding that is not encoded.
    """

    position: Integers
    slot: Integers
    padded: Flags
    count: Integers
    row_of_entry: Integers

    def __len__(self) -> int:
        return self.position.size


def plan_rows(gazing: GazingInfo, video: int, config: SiglipConfig, padding: bool) -> Rows:
    """The rows of one video of a gaze.

    Args:
        padding: whether padding is encoded, as upstream does.
    """
    slot, padded = gazing.frame_of_slot, gazing.if_padded_gazing[video]
    real, pads = np.flatnonzero(~padded), np.flatnonzero(padded if padding else np.zeros_like(padded))
    row_of_entry = np.full(padded.size, -1, np.int64)
    # Behind real tokens, causal pads see one another in order, so no two are equal.
    shared = np.arange(pads.size) if config.attn_type == "causal" else slot[pads]
    if config.attn_type == "bidirectional":
        shared = np.zeros(pads.size, np.int64)
    _, first, member, count = np.unique(shared, return_index=True, return_inverse=True, return_counts=True)
    entry = np.concatenate([real, pads[first]])
    is_pad = np.arange(entry.size) >= real.size
    order = np.lexsort((is_pad, slot[entry])) if config.attn_type == "block_causal" else np.arange(entry.size)
    rank = np.empty(entry.size, np.int64)
    rank[order] = np.arange(entry.size)
    row_of_entry[real] = rank[: real.size]
    row_of_entry[pads] = rank[real.size + member.reshape(-1)]
    counts = np.concatenate([np.ones(real.size, np.int64), count])
    position = np.where(is_pad, 0, gazing.gazing_pos[video][entry])
    return Rows(position[order], slot[entry][order], is_pad[order], counts[order], row_of_entry)


def visible_rows(rows: Rows, chosen: slice, config: SiglipConfig) -> Flags:
    """(k, k): which of the chosen rows (queries) see which of them (keys)."""
    slot, padded = rows.slot[chosen], rows.padded[chosen]
    own: Flags = np.eye(slot.size, dtype=np.bool_)
    if config.attn_type == "causal":
        return np.tri(slot.size, dtype=np.bool_)
    if config.attn_type == "bidirectional":
        # Upstream gives pads no attention at all: they see nothing, not even themselves.
        return np.logical_and(~padded[:, None], ~padded[None, :])
    frames = slot[:, None] == slot if config.frame_independent_encoding else slot[:, None] >= slot
    return np.logical_or(frames & ~padded[None, :], own)


def attention_bias(rows: Rows, chosen: slice, cached: int, config: SiglipConfig) -> NDArray[np.float32]:
    """The mask that is added to attention scores: 0 where a row sees a key, `HIDDEN` elsewhere.

    Returns:
        (k, 1 + cached + k): the first key is empty, and seen by the rows that have no attention.
    """
    own = visible_rows(rows, chosen, config)
    nothing = ~own.any(axis=1, keepdims=True)
    past = np.broadcast_to(~nothing, (len(own), cached))
    return np.where(np.concatenate([nothing, past, own], axis=1), np.float32(0), np.float32(HIDDEN))
