"""The three loops over all pixels of two frames that WebAssembly's SIMD does ten times as fast as its NumPy.

The functions that need them (``changed_blocks``, ``SquaredErrorMap.update``, ``cell_sums``) have NumPy
code, which runs unless somebody has installed kernels. The page does (``page/simd_kernels.py``). Results are
equal to the last bit.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .rgba import Words


class PixelKernels(Protocol):
    """What kernels compute. Frames are words (H, W / 2), blocks those of ``changes.block_grid``."""

    def changed_blocks(self, previous: Words, current: Words) -> NDArray[np.bool_]:
        """Which blocks have any differing byte."""

    def squared_errors(
        self, a: Words, b: Words, blocks: NDArray[np.bool_], errors: NDArray[np.int64]
    ) -> None:
        """Writes the sums of squared differences of the colour bytes in the given blocks into ``errors``."""

    def atom_differences(
        self,
        before: Words,
        after: Words,
        changed: NDArray[np.bool_],
        rows: NDArray[np.int32],
        columns: NDArray[np.int32],
    ) -> NDArray[np.int64]:
        """Sums of the absolute differences of the colour bytes over each atom of a lattice.

        Args:
            before, after: the frames.
            changed: the blocks in which they may differ; no other is read.
            rows, columns: (R + 1,) and (C + 1,) pixel edges of the atoms, from 0 to the frame's height and
                width, at most ``words.MAX_ROWS_PER_LANE_SUM`` apart.

        Returns:
            (R, C, 3): red, green and blue.
        """


_installed: PixelKernels | None = None


def install(kernels: PixelKernels | None) -> None:
    """Uses these kernels from now on; None for NumPy."""
    global _installed
    _installed = kernels


def installed() -> PixelKernels | None:
    """The kernels to use; None for NumPy."""
    return _installed
