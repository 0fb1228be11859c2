"""``gazing_info``: what AutoGaze tells a vision encoder, in upstream's layout, and what follows from it.

A clip's chosen patches lie one frame after the other in a sequence of N slots that all clips of a batch
share; where a clip has fewer patches than its neighbours, slots are padding. An image encoder becomes a
video encoder that sees only these patches by two changes: it embeds the patches of the slots
(``gather``), and it masks its attention (``attention_mask``). The meaning of the fields and masks is that of
AutoGaze's guide to integration (NVlabs/AutoGaze, INTEGRATION.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..frames.arrays import to_numpy
from ..masks.cells import Cells

AttentionKind = Literal["block-causal", "causal", "bidirectional"]
ATTENTION_KINDS: tuple[str, ...] = get_args(AttentionKind)


@dataclass(frozen=True)
class GazingInfo:
    """Which patches of each clip's frames are gazed at.

    Attributes:
        gazing_pos: (B, N) int64, patch numbers counted through all frames: ``frame * patches + patch``.
        if_padded_gazing: (B, N) bool, slots that hold nothing.
        num_gazing_each_frame: (T,) int64, slots of each frame, padding included; adds up to N.
    """

    gazing_pos: NDArray[np.int64]
    if_padded_gazing: NDArray[np.bool_]
    num_gazing_each_frame: NDArray[np.int64]

    def __post_init__(self) -> None:
        slots = int(self.num_gazing_each_frame.sum())
        if self.num_gazing_each_frame.ndim != 1 or (self.num_gazing_each_frame < 0).any():
            raise ValueError("num_gazing_each_frame is one number of slots of at least 0 for each frame")
        if self.gazing_pos.ndim != 2 or self.gazing_pos.shape != self.if_padded_gazing.shape:
            raise ValueError(
                "gazing_pos and if_padded_gazing are (batch, slots) alike, got "
                f"{self.gazing_pos.shape} and {self.if_padded_gazing.shape}"
            )
        if self.gazing_pos.shape[1] != slots:
            raise ValueError(
                f"num_gazing_each_frame adds up to {slots} slots, but gazing_pos has "
                f"{self.gazing_pos.shape[1]}"
            )

    @staticmethod
    def of(given: Mapping[str, Any]) -> GazingInfo:
        """From a `Gaze`, upstream's dictionary of tensors, or any mapping with these three keys.

        Raises:
            ValueError: if a key is missing or the shapes do not fit each other.
        """
        keys = ("gazing_pos", "if_padded_gazing", "num_gazing_each_frame")
        missing = [key for key in keys if key not in given]
        if missing:
            raise ValueError(f"gazing_info needs {', '.join(keys)}; missing: {', '.join(missing)}")
        pos, padded, count = (np.asarray(to_numpy(given[key])) for key in keys)
        return GazingInfo(pos.astype(np.int64), padded.astype(np.bool_), count.astype(np.int64))

    @staticmethod
    def of_cells(clips: Sequence[Sequence[Cells]], grids: Sequence[int]) -> GazingInfo:
        """From the cells of every frame of every clip, padded to the longest of each frame.

        Args:
            clips: for each clip its frames' cells; all clips have the same number of frames.
            grids: cells per side of the encoder's scales, coarse to fine: (2, 4, 7, 14) for scales of 32,
                64, 112 and 224 pixels and patches of 16.

        Raises:
            ValueError: if the clips differ in length, or a cell is of none of the grids.
        """
        frames = len(clips[0]) if clips else 0
        if any(len(clip) != frames for clip in clips):
            raise ValueError(f"the clips of a batch have one length, got {[len(clip) for clip in clips]}")
        ids = [[patch_numbers(cells, grids) for cells in clip] for clip in clips]
        counts = [max((clip[t].size for clip in ids), default=0) for t in range(frames)]
        patches = sum(grid * grid for grid in grids)
        # A pad is the number after its frame's last patch, as upstream has it.
        pos = [
            np.concatenate([_padded(clip[t], counts[t], patches) + t * patches for t in range(frames)])
            for clip in ids
        ]
        padded = [
            np.concatenate([np.arange(counts[t]) >= clip[t].size for t in range(frames)]) for clip in ids
        ]
        shape = (len(clips), sum(counts))
        return GazingInfo(
            np.array(pos, np.int64).reshape(shape),
            np.array(padded, np.bool_).reshape(shape),
            np.array(counts, np.int64),
        )

    @property
    def frame_of_slot(self) -> NDArray[np.int64]:
        """(N,) the frame that each slot belongs to."""
        return np.repeat(np.arange(self.num_gazing_each_frame.size), self.num_gazing_each_frame)


def patch_numbers(cells: Cells, grids: Sequence[int]) -> NDArray[np.int64]:
    """The numbers of cells among all patches of a frame: grid after grid, row by row in each.

    Raises:
        ValueError: if a cell is of none of the grids.
    """
    offsets = {grid: sum(g * g for g in grids[:index]) for index, grid in enumerate(grids)}
    unknown = set(cells.grid.tolist()) - offsets.keys()
    if unknown:
        raise ValueError(
            f"cells of the {min(unknown)}x{min(unknown)} grid are no patches of grids {list(grids)}"
        )
    offset = np.array([offsets[grid] for grid in cells.grid.tolist()], np.int64)
    grid, row, col = (array.astype(np.int64) for array in (cells.grid, cells.row, cells.col))
    return offset + row * grid + col


def gather(sequence: ArrayLike, gazing: GazingInfo) -> NDArray[Any]:
    """Of a sequence of all patches the gazed ones; in padded slots the sequence's first entry.

    Args:
        sequence: (B, T * patches, C), or (1, T * patches, C) for all clips alike.

    Returns:
        (B, N, C).

    Raises:
        ValueError: if the batches differ or a position is beyond the sequence.
    """
    array = np.asarray(sequence)
    batch = gazing.gazing_pos.shape[0]
    if array.ndim != 3 or array.shape[0] not in (1, batch):
        raise ValueError(f"the sequence is (batch of {batch} or 1, patches, channels), got {array.shape}")
    clip = np.arange(batch)[:, None] if array.shape[0] == batch else np.zeros((1, 1), np.intp)
    return array[clip, real_positions(gazing, array.shape[1])]


def real_positions(gazing: GazingInfo, total: int) -> NDArray[np.int64]:
    """``gazing_pos`` with padded slots at 0.

    Raises:
        ValueError: if a position is not within 0 .. total - 1.
    """
    position = np.where(gazing.if_padded_gazing, 0, gazing.gazing_pos)
    if position.size and (int(position.min()) < 0 or int(position.max()) >= total):
        raise ValueError(
            f"gazing_pos goes from {position.min()} to {position.max()}, but there are {total} patches: "
            "do the number of frames, the scales and the patch size fit the gazing?"
        )
    return position


def attention_allowed(
    gazing: GazingInfo, kind: str = "block-causal", frame_independent: bool = False
) -> NDArray[np.bool_]:
    """Which slot (query) may attend to which (key).

    ``block-causal``: to its own frame and all earlier ones; ``causal``: to itself and all earlier slots;
    ``bidirectional``: to all. Nobody attends to padding, except that every slot attends to itself, so that
    no softmax is empty.

    Args:
        gazing: the slots.
        kind: one of the three, ``_`` or ``-``.
        frame_independent: keep each slot to its own frame.

    Returns:
        (B, N, N) bool, queries along axis 1, keys along axis 2.

    Raises:
        ValueError: for another kind.
    """
    kind = kind.replace("_", "-")
    if kind not in ATTENTION_KINDS:
        raise ValueError(f"attention is {', '.join(ATTENTION_KINDS)}, got {kind!r}")
    frame = gazing.frame_of_slot
    slot = np.arange(frame.size)
    allowed = np.ones((slot.size, slot.size), np.bool_)
    if kind == "block-causal":
        allowed = frame[:, None] >= frame
    elif kind == "causal":
        allowed = slot[:, None] >= slot
    if frame_independent:
        allowed = allowed & (frame[:, None] == frame)
    own: NDArray[np.bool_] = slot[:, None] == slot
    return np.logical_or(allowed & ~gazing.if_padded_gazing[:, None, :], own)


def attention_mask(
    gazing: GazingInfo, kind: str = "block-causal", frame_independent: bool = False
) -> NDArray[np.float32]:
    """``attention_allowed`` to add to attention scores: 0 where allowed, minus infinity elsewhere.

    Returns:
        (B, 1, N, N) float32, to be broadcast over heads.
    """
    allowed = attention_allowed(gazing, kind, frame_independent)[:, None]
    return np.where(allowed, np.float32(0), np.float32(-np.inf))


def without_padding(features: ArrayLike, gazing: GazingInfo) -> list[NDArray[Any]]:
    """An encoder's features (B, N, C) at the real slots: for each clip (its own number, C)."""
    array = np.asarray(features)
    return [clip[~padded] for clip, padded in zip(array, gazing.if_padded_gazing, strict=True)]


def _padded(ids: NDArray[np.int64], size: int, pad: int) -> NDArray[np.int64]:
    return np.concatenate([ids, np.full(size - ids.size, pad, np.int64)])
