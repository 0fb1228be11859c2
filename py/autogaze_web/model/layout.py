"""Where the rows of a video lie and which of them are seen: all of a run but its token ids.

That depends only on which slots of the runs before were pads, not on what was chosen. So layouts are
immutable and remembered: videos with the same history, such as most tiles of a frame, share one layout, its
feeds and the work of making it. Numbers in parentheses are upstream's rules, see ``generation.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .config import AutoGazeConfig
from .context import HIDDEN, ContextRows, Copy, copies_to
from .rope import inverse_frequencies, rotary_tables
from .rules import row_positions, seen_later
from .run import Run

Feeds = dict[str, NDArray[np.generic]]

_FIRST_ROWS, _GROWTH_ROWS = 8, 256
_NO_ROWS: NDArray[np.intp] = np.zeros(0, np.intp)
_NO_SLOTS: NDArray[np.bool_] = np.zeros(0, np.bool_)

REMEMBERED: Final = 256
"""Layouts, at most: more than the tiles of a 4K frame."""

REMEMBERED_ROWS: Final = 4096
"""Rows of the context of those that are remembered, at most: each has 5 bytes for a row, so all have 5 MB."""


@dataclass(frozen=True)
class _Piece:
    """Rows of a run that are not in the context yet, all of one frame."""

    frame: int
    source: int
    visible: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Layout:
    """The layout of one run of a video.

    Attributes:
        graph: ``frame`` or ``steps``.
        copies: rows to copy before the run.
        positions: (R,) the position of each row fed.
        rows: the context's rows during the run.
        pending_bias: (1,K), which of the last step of the frame before are seen; None for a steps graph.
    """

    graph: str
    copies: tuple[Copy, ...]
    positions: NDArray[np.int64]
    rows: ContextRows
    pending_bias: NDArray[np.float32] | None

    _config: AutoGazeConfig
    _window: int | None
    _index: int
    """Of the frame."""
    _base: int
    """The position after its vision tokens."""
    _tail: NDArray[np.int64]
    """(K) positions that all its steps share (1)."""
    _frames: Mapping[int, NDArray[np.intp]]
    """The context rows of each frame in the window."""
    _left: tuple[_Piece, ...]
    """What the run computes whatever is decided: pending and vision tokens."""
    _source: int
    """The run's row at which its steps begin."""
    _fed: NDArray[np.bool_]
    """Which slots of the step that a steps graph is fed are pads."""
    _seen: NDArray[np.bool_]
    """Which slots of the frame's steps in the context will be seen later."""
    _hidden: NDArray[np.intp]
    """Context rows that no later frame sees."""

    def feeds(self) -> Feeds:
        """The run's inputs but those that contain tokens or pixels; not to be written to."""
        decoder = self._config.decoder
        frequencies = inverse_frequencies(decoder)
        cos, sin = rotary_tables(self.positions, frequencies, decoder.queries_per_group + 1)
        feeds: Feeds = {"rope_cos": cos, "rope_sin": sin, "context_bias": self.rows.bias}
        if self.pending_bias is not None:
            feeds["pending_bias"] = self.pending_bias
        return feeds

    def run(self, steps: int, feeds: Feeds) -> Run:
        """The run of a graph of so many steps."""
        return Run(self.graph, steps, self.rows.capacity, self.copies, feeds, self.positions)


_Make = Callable[[Layout, bytes], Layout]


@lru_cache(maxsize=16)
def first_frame(
    config: AutoGazeConfig, window: int | None, capacity: int | None, first_position: int
) -> Layout:
    """The layout of a video's first run; the arguments are those of `Videos`."""
    rows = ContextRows(_FIRST_ROWS, _GROWTH_ROWS) if capacity is None else ContextRows(capacity)
    return _frame(config, window, 0, rows, {}, (), first_position, np.zeros(0, np.int64), _NO_SLOTS)


def next_frame(layout: Layout, padded: bytes) -> Layout:
    """The layout of the next frame's first run.

    Args:
        layout: of the frame's last run.
        padded: for each slot that this run decided a byte, 1 for a pad.

    Raises:
        ContextFullError: if the context has a fixed capacity, which is too small.
    """
    return _next(_next_frame, layout, padded)


def next_steps(layout: Layout, padded: bytes) -> Layout:
    """The layout of the run that continues a frame; arguments and errors as for `next_frame`."""
    return _next(_next_steps, layout, padded)


def _next(make: _Make, layout: Layout, padded: bytes) -> Layout:
    # Each has a state of the context, which can be large, and without a window grows for ever.
    if layout._window is None or layout.rows.capacity > REMEMBERED_ROWS:
        return make(layout, padded)
    return _remembered(make, layout, padded)


@lru_cache(maxsize=REMEMBERED)
def _remembered(make: _Make, layout: Layout, padded: bytes) -> Layout:
    return make(layout, padded)


def _next_frame(layout: Layout, padded: bytes) -> Layout:
    config, window = layout._config, layout._window
    fed, last = _fed_and_last(layout, padded)
    rows = layout.rows.copy()
    rows.hide(layout._hidden)
    pieces = (*layout._left, _Piece(layout._index, layout._source, seen_later(fed)))
    positions, start = row_positions(layout._base, np.concatenate([layout._seen, seen_later(fed)]))
    tail = np.concatenate([layout._tail, positions])[-config.decoder.num_multi_token_pred :]

    pending = seen_later(last)
    frames = {layout._index: _NO_ROWS, **layout._frames}
    while window is not None and len(frames) >= window:
        oldest = min(frames)
        rows.release(frames.pop(oldest))
        if oldest == layout._index:  # its last step was still waiting
            pending = _NO_SLOTS
    return _frame(config, window, layout._index + 1, rows, frames, pieces, start, tail, pending)


def _next_steps(layout: Layout, padded: bytes) -> Layout:
    fed, last = _fed_and_last(layout, padded)
    rows, frames = layout.rows.copy(), {layout._index: _NO_ROWS, **layout._frames}
    # Pads are seen during their frame (4).
    pieces = (*layout._left, _Piece(layout._index, layout._source, np.ones(fed.size, bool)))
    placed, copies = _place(rows, frames, pieces)
    pads = placed[placed.size - fed.size :][~seen_later(fed)]
    return replace(
        layout,
        graph="steps",
        copies=copies,
        positions=layout._tail,
        rows=rows.frozen(),
        pending_bias=None,
        _frames=frames,
        _left=(),
        _source=0,
        _fed=last,
        _seen=np.concatenate([layout._seen, seen_later(fed)]),
        _hidden=np.concatenate([layout._hidden, pads]),
    )


def _frame(
    config: AutoGazeConfig,
    window: int | None,
    index: int,
    rows: ContextRows,
    frames: dict[int, NDArray[np.intp]],
    pieces: Sequence[_Piece],
    start: int,
    tail: NDArray[np.int64],
    pending: NDArray[np.bool_],
) -> Layout:
    """The layout of a frame's first run.

    Args:
        rows, frames: of the frames before; both are changed.
        pieces: what the last run left.
        start: the next position.
        tail: the positions of the last rows.
        pending: which slots of the last step, which runs again (2), are seen.
    """
    heads, vision = config.decoder.num_multi_token_pred, np.ones(config.vision_tokens, bool)
    _, copies = _place(rows, frames, pieces)
    first = heads - pending.size
    visible = np.zeros(heads, bool)
    visible[first:] = pending
    positions, base = row_positions(start, np.concatenate([visible, vision]))
    tail = np.concatenate([tail, positions[first:]])[-heads:]
    tail = np.concatenate([np.full(heads - tail.size, tail[0]), tail])
    left = (_Piece(index - 1, first, pending), _Piece(index, heads, vision))
    pending_bias = np.where(visible, 0.0, HIDDEN).astype(np.float32)[None]
    pending_bias.flags.writeable = False
    return Layout(
        graph="frame",
        copies=copies,
        positions=np.concatenate([positions, tail]),
        rows=rows.frozen(),
        pending_bias=pending_bias,
        _config=config,
        _window=window,
        _index=index,
        _base=base,
        _tail=tail,
        _frames=frames,
        _left=left,
        _source=heads + vision.size,
        _fed=_NO_SLOTS,
        _seen=_NO_SLOTS,
        _hidden=_NO_ROWS,
    )


def _fed_and_last(layout: Layout, padded: bytes) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of the steps that a run was fed, and of the last one that it decided, which slots are pads."""
    slots, heads = np.frombuffer(padded, np.bool_), layout._config.decoder.num_multi_token_pred
    first = (slots.size - 1) // heads * heads
    return np.concatenate([layout._fed, slots[:first]]), slots[first:]


def _place(
    rows: ContextRows, frames: dict[int, NDArray[np.intp]], pieces: Sequence[_Piece]
) -> tuple[NDArray[np.intp], tuple[Copy, ...]]:
    """Finds context rows for what a run left; what belongs to a dropped frame is forgotten."""
    pieces = [piece for piece in pieces if piece.frame in frames]
    if not pieces:
        return _NO_ROWS, ()
    placed = rows.place(np.concatenate([piece.visible for piece in pieces]))
    start = 0
    for piece in pieces:
        end = start + piece.visible.size
        frames[piece.frame] = np.concatenate([frames[piece.frame], placed[start:end]])
        start = end
    sources = [np.arange(piece.source, piece.source + piece.visible.size) for piece in pieces]
    return placed, copies_to(placed, np.concatenate(sources))
