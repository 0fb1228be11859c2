"""Scales of any size, as upstream's encoder cuts them: pixels that fill no patch are dropped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..frames.resize import bicubic_taps
from ..readout.encoder_input import EncoderScales, Floats


@dataclass(frozen=True)
class PatchScales(EncoderScales):
    """`EncoderScales` without the condition that patches divide the scales, which may also repeat."""

    def __post_init__(self) -> None:
        if not self.scales or self.patch_size < 1 or min(self.scales) < self.patch_size:
            raise ValueError(f"a scale has at least a patch of {self.patch_size} pixels, got {self.scales}")


def resize_matrix(size: int, out: int) -> Floats:
    """(out, size): PyTorch's bicubic resize along one axis as a matrix; see `resize_bicubic`."""
    index, weight = bicubic_taps(size, out)
    matrix = np.zeros((out, size), np.float32)
    np.add.at(matrix, (np.broadcast_to(np.arange(out), index.shape), index), weight)
    return matrix
