"""What generation returns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..masks.cells import Cells
from .run import FrameGaze
from .tokens import ScaleLayout


@dataclass(frozen=True)
class Gaze:
    """The chosen patches of B videos of T frames. Fields can also be had as ``gaze["gazing_pos"]``.

    Attributes:
        gazing_pos: (B,S) int64, id + N * frame, S slots over all frames in order of choice. The value of a
            pad means nothing (N + N * frame; -1 + N * frame after resolution adaptation): see the next.
        if_padded_gazing: (B,S) bool, whether a slot is a pad.
        num_gazing_each_frame: (T,) int64, slots of each frame, pads included.
        gazing_mask: for each scale (B,T,cells) bool, the chosen cells, row-major.
        num_vision_tokens_each_frame: N.
        confidence: (B,S) float32, the softmax probability of each token among those it was chosen from;
            0 for a pad.
        task_loss_prediction: (B,S) float32, the loss predicted if the frame ended with this slot; None after
            resolution adaptation.
        decoder_steps_each_frame: (T,) int64, steps of the decoder; a batch shares them.
        layout: how ids fall into the scales' grids.
    """

    gazing_pos: NDArray[np.int64]
    if_padded_gazing: NDArray[np.bool_]
    num_gazing_each_frame: NDArray[np.int64]
    gazing_mask: list[NDArray[np.bool_]]
    num_vision_tokens_each_frame: int
    confidence: NDArray[np.float32]
    task_loss_prediction: NDArray[np.float32] | None
    decoder_steps_each_frame: NDArray[np.int64]
    layout: ScaleLayout

    def __getitem__(self, name: str) -> Any:
        if name not in self.keys():
            raise KeyError(name)
        return getattr(self, name)

    def keys(self) -> list[str]:
        """Names of the fields, so that ``dict(gaze)`` works."""
        return [field.name for field in fields(self)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def cells(self, frame: int = 0, video: int = 0) -> Cells:
        """The cells chosen in one frame, in the order of choice and without pads."""
        ends = np.cumsum(self.num_gazing_each_frame)
        slots = slice(int(ends[frame] - self.num_gazing_each_frame[frame]), int(ends[frame]))
        kept = ~self.if_padded_gazing[video, slots]
        local = self.gazing_pos[video, slots][kept] - frame * self.num_vision_tokens_each_frame
        return self.layout.cells(local, self.confidence[video, slots][kept])


def assemble(frames: list[list[FrameGaze]], layout: ScaleLayout) -> Gaze:
    """The result of T frames of B videos, given as [frame][video]."""
    n = layout.tokens

    def joined(name: str) -> NDArray[Any]:
        return np.stack(
            [
                np.concatenate(parts)
                for parts in zip(*([getattr(g, name) for g in f] for f in frames), strict=True)
            ]
        )

    num_gazing = np.array([f[0].tokens.size for f in frames], np.int64)
    offsets = np.repeat(np.arange(len(frames), dtype=np.int64) * n, num_gazing.astype(np.intp))
    gazing_pos = joined("tokens").astype(np.int64) + offsets
    padded = joined("padded")
    return Gaze(
        gazing_pos=gazing_pos,
        if_padded_gazing=padded,
        num_gazing_each_frame=num_gazing,
        gazing_mask=layout.gazing_mask(gazing_pos, padded, [int(k) for k in num_gazing]),
        num_vision_tokens_each_frame=n,
        confidence=joined("confidence"),
        task_loss_prediction=joined("task_loss"),
        decoder_steps_each_frame=np.array([f[0].steps for f in frames], np.int64),
        layout=layout,
    )
