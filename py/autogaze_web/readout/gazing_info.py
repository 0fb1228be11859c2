"""``gazing_info``: AutoGaze's interface to vision encoders, in the layout of NVIDIA's code.

The gazed patches of a clip are listed frame by frame in N slots. All clips of a batch have the same slots, so
a clip with fewer patches in a frame has padding there. Two changes turn an image encoder into a video encoder
that sees only the gazed patches: it embeds the patches of the slots (``gather``) and masks its attention
(``attention_mask``). The fields and masks have the meaning given in AutoGaze's integration guide
(NVlabs/AutoGaze, INTEGRATION.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..frames.arrays import to_numpy
from ..limits import MAX_GRID, expect, is_whole, shown
from ..masks.cells import Cells

AttentionKind = Literal["block-causal", "causal", "bidirectional"]
ATTENTION_KINDS: tuple[str, ...] = get_args(AttentionKind)


@dataclass(frozen=True)
class GazingInfo:
    """The gazed patches of each clip.

    Attributes:
        gazing_pos: (B, N) int64, patch numbers that count through all frames: ``frame * patches + patch``.
        if_padded_gazing: (B, N) bool, True for slots that are padding.
        num_gazing_each_frame: (T,) int64, slots of each frame including padding; adds up to N.

    Examples:
        >>> from autogaze_web import Cells, GazingInfo
        >>> first, second = Cells.of(2, [0, 1], [0, 1]), Cells.of(2, [1], [0])
        >>> info = GazingInfo.of_cells([[first, second]], grids=[2])
        >>> info.gazing_pos.tolist(), info.num_gazing_each_frame.tolist()
        ([[0, 3, 6]], [2, 1])
        >>> GazingInfo.of(model({"video": video})).gazing_pos.shape[0]
        1
    """

    gazing_pos: NDArray[np.int64]
    if_padded_gazing: NDArray[np.bool_]
    num_gazing_each_frame: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name, array in vars(self).items():
            if not isinstance(array, np.ndarray) or array.dtype.kind not in "biu":
                raise ValueError(f"{name} must be an array of whole numbers; GazingInfo.of takes others, too")
        if self.num_gazing_each_frame.ndim != 1 or (self.num_gazing_each_frame < 0).any():
            raise ValueError("num_gazing_each_frame must be (frames,) numbers of slots, none negative")
        slots = int(self.num_gazing_each_frame.sum())
        if self.gazing_pos.ndim != 2 or self.gazing_pos.shape != self.if_padded_gazing.shape:
            raise ValueError(
                "gazing_pos and if_padded_gazing must both be (batch, slots), got "
                f"{self.gazing_pos.shape} and {self.if_padded_gazing.shape}"
            )
        if self.gazing_pos.shape[1] != slots:
            raise ValueError(
                f"num_gazing_each_frame adds up to {slots} slots, but gazing_pos has "
                f"{self.gazing_pos.shape[1]}"
            )

    @staticmethod
    def of(given: Mapping[str, Any]) -> GazingInfo:
        """Creates it from a `Gaze`, NVIDIA's dictionary of tensors, or any mapping with its three keys.

        Raises:
            ValueError: if a key is missing or the shapes do not match.
        """
        expect(given, Mapping, "gazing_info")
        keys = ("gazing_pos", "if_padded_gazing", "num_gazing_each_frame")
        missing = [key for key in keys if key not in given]
        if missing:
            raise ValueError(f"gazing_info needs {', '.join(keys)}; missing: {', '.join(missing)}")
        pos, padded, count = (np.asarray(to_numpy(given[key])) for key in keys)
        for key, array in zip(keys, (pos, padded, count), strict=True):
            if array.dtype.kind not in "biuf":
                raise ValueError(f"{key} must be numbers, got values of type {array.dtype}")
        return GazingInfo(pos.astype(np.int64), padded.astype(np.bool_), count.astype(np.int64))

    @staticmethod
    def of_cells(clips: Sequence[Sequence[Cells]], grids: Sequence[int]) -> GazingInfo:
        """Creates it from the cells of every frame, each frame padded to the clip with the most cells.

        Args:
            clips: for each clip the cells of its frames; all clips have the same number of frames.
            grids: cells per side of the encoder's scales, coarse to fine: (2, 4, 7, 14) for scales of 32,
                64, 112 and 224 pixels and patches of 16.

        Raises:
            ValueError: if the clips differ in length, or a cell is on none of the grids.
        """
        try:
            clips, grids = [list(clip) for clip in clips], list(grids)
        except TypeError:
            raise ValueError(
                "give a list of clips, each a list of its frames' Cells, and the grids"
            ) from None
        if not all(is_whole(grid) and 1 <= grid <= MAX_GRID for grid in grids):
            raise ValueError(f"grids must be whole numbers, 1 to {MAX_GRID}, got {shown(grids)}")
        frames = len(clips[0]) if clips else 0
        if any(len(clip) != frames for clip in clips):
            raise ValueError(
                f"clips of a batch must have the same length, got {[len(clip) for clip in clips]}"
            )
        ids = [[patch_numbers(cells, grids) for cells in clip] for clip in clips]
        counts = [max((clip[t].size for clip in ids), default=0) for t in range(frames)]
        patches = sum(grid * grid for grid in grids)
        # Padding has the number after its frame's last patch, as in NVIDIA's code.
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
        """(N,): the frame of each slot."""
        counts = self.num_gazing_each_frame.astype(np.intp)  # 32 bits wide under WebAssembly
        return np.repeat(np.arange(counts.size, dtype=np.int64), counts)


def patch_numbers(cells: Cells, grids: Sequence[int]) -> NDArray[np.int64]:
    """The patch numbers of cells within a frame, which count grid after grid and row by row.

    Raises:
        ValueError: if a cell is on none of the grids.
    """
    expect(cells, Cells, "what is gazed at in a frame")
    offsets = {grid: sum(g * g for g in grids[:index]) for index, grid in enumerate(grids)}
    unknown = set(cells.grid.tolist()) - offsets.keys()
    if unknown:
        raise ValueError(
            f"cells on the {min(unknown)}x{min(unknown)} grid are not patches of the grids {list(grids)}"
        )
    offset = np.array([offsets[grid] for grid in cells.grid.tolist()], np.int64)
    grid, row, col = (array.astype(np.int64) for array in (cells.grid, cells.row, cells.col))
    return offset + row * grid + col


def gather(sequence: ArrayLike, gazing: GazingInfo) -> NDArray[Any]:
    """Gathers the gazed patches from a sequence of all patches; padding gets the first patch.

    Args:
        sequence: (B, T * patches, C), or (1, T * patches, C) for all clips.

    Returns:
        (B, N, C).

    Raises:
        ValueError: if the batch sizes differ or a position is beyond the sequence.
    """
    expect(gazing, GazingInfo, "the gaze")
    array = np.asarray(sequence)
    batch = gazing.gazing_pos.shape[0]
    if array.ndim != 3 or array.shape[0] not in (1, batch):
        raise ValueError(f"the sequence is (batch of {batch} or 1, patches, channels), got {array.shape}")
    clip = np.arange(batch)[:, None] if array.shape[0] == batch else np.zeros((1, 1), np.intp)
    return array[clip, real_positions(gazing, array.shape[1])]


def real_positions(gazing: GazingInfo, total: int) -> NDArray[np.int64]:
    """``gazing_pos`` with 0 for padding.

    Raises:
        ValueError: if a position is not within 0 .. total - 1.
    """
    position = np.where(gazing.if_padded_gazing, 0, gazing.gazing_pos)
    if position.size and (int(position.min()) < 0 or int(position.max()) >= total):
        raise ValueError(
            f"gazing_pos ranges from {position.min()} to {position.max()}, but there are {total} patches: "
            "check that the number of frames, the scales and the patch size match the gazing"
        )
    return position


def attention_allowed(
    gazing: GazingInfo, kind: str = "block-causal", frame_independent: bool = False
) -> NDArray[np.bool_]:
    """Which slots (queries) may attend to which slots (keys).

    ``block-causal``: each slot attends to its own frame and all earlier ones; ``causal``: to itself and all
    earlier slots; ``bidirectional``: to all slots. No slot attends to padding, except that every slot attends
    to itself, so that no softmax is empty.

    Args:
        gazing: the slots.
        kind: one of the three; ``_`` may replace ``-``.
        frame_independent: restrict each slot to its own frame.

    Returns:
        (B, N, N) bool, queries along axis 1, keys along axis 2.

    Raises:
        ValueError: for another kind.
    """
    expect(gazing, GazingInfo, "the gaze")
    kind = kind.replace("_", "-") if isinstance(kind, str) else kind
    if kind not in ATTENTION_KINDS:
        raise ValueError(f"the attention is one of {', '.join(ATTENTION_KINDS)}, got {kind!r}")
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
    """``attention_allowed`` as an additive mask of attention scores: 0 if allowed, otherwise minus infinity.

    Returns:
        (B, 1, N, N) float32, to be broadcast over heads.
    """
    allowed = attention_allowed(gazing, kind, frame_independent)[:, None]
    return np.where(allowed, np.float32(0), np.float32(-np.inf))


def without_padding(features: ArrayLike, gazing: GazingInfo) -> list[NDArray[Any]]:
    """An encoder's features (B, N, C) without those of padding: for each clip (slots of that clip, C)."""
    array = np.asarray(features)
    return [clip[~padded] for clip, padded in zip(array, gazing.if_padded_gazing, strict=True)]


def _padded(ids: NDArray[np.int64], size: int, pad: int) -> NDArray[np.int64]:
    return np.concatenate([ids, np.full(size - ids.size, pad, np.int64)])
