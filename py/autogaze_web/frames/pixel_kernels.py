"""Loops over all pixels of a frame that WebAssembly's SIMD does several times as fast as its NumPy.

The functions that need them (``changed_blocks``, ``cell_sums``, ``SquaredErrorMap.update``, ``draw_output``,
the mask panel, the drawing of cells, ``lighten_plan``, ``dim``) have NumPy code, which runs unless somebody
has installed kernels. The page does (``page/simd_kernels.py``). Results are equal to the last bit.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .rgba import Words
from .words import BlendWeights


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

    def paint_rectangles(
        self, target: Words, picture: Words, rectangles: NDArray[np.int32], paints: NDArray[np.uint32]
    ) -> None:
        """Paints rectangles over each other, in their order.

        Args:
            target: where; its bytes outside the rectangles stay as they are.
            picture: words of the target's shape.
            rectangles: (N, 5) of y0, x0, y1, x1, ends exclusive, and an index of ``paints``.
            paints: (K, 2, 4): the weights and addends of red, green, blue and alpha, of `blended_paints` or
                `opaque_paints`. A byte becomes ``(picture's byte * weight + addend) >> 24``.
        """

    def copy_rectangles(
        self, target: Words, source: Words, rectangles: NDArray[np.int32]
    ) -> NDArray[np.int32]:
        """Copies rectangles of a frame to the same places of another one.

        Args:
            target: where; its bytes outside the rectangles stay as they are.
            source: words of the target's shape.
            rectangles: (N, 4) of y0, x0, y1, x1, ends exclusive, disjoint.

        Returns:
            How many pixels of each block were copied.
        """

    def fill_rectangles(self, target: Words, rectangles: NDArray[np.int32], pixel: int) -> None:
        """Writes a pixel, its four bytes as a little-endian number, all over rectangles as above."""

    def dim(self, frame: Words, target: Words) -> None:
        """Writes a frame at three eighths of its brightness: ``outlines.dim``."""


def blended_paints(colours: NDArray[np.uint8], weights: BlendWeights) -> NDArray[np.uint32]:
    """Paints (K, 2, 4) that blend colours (K, 3) over the picture as ``words.blend`` does."""
    paints = np.zeros((len(colours), 2, 4), np.uint32)
    paints[:, 0, :3], paints[:, 0, 3] = weights.source, 1 << 24
    paints[:, 1, :3] = weights.addend(colours)
    return paints


def opaque_paints(colours: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Paints (K, 2, 4) of opaque colours (K, 3), whatever the picture."""
    paints = np.zeros((len(colours), 2, 4), np.uint32)
    paints[:, 1, :3] = colours.astype(np.uint32) << np.uint32(24)
    paints[:, 1, 3] = 255 << 24
    return paints


_installed: PixelKernels | None = None


def install(kernels: PixelKernels | None) -> None:
    """Uses these kernels from now on; None for NumPy."""
    global _installed
    _installed = kernels


def installed() -> PixelKernels | None:
    """The kernels to use; None for NumPy."""
    return _installed
