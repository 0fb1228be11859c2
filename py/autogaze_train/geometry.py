"""The pixels that the cells of tokens cover, in atoms: the largest squares that no cell edge divides."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from autogaze_web.model.config import AutoGazeConfig
from autogaze_web.model.tokens import ScaleLayout


@dataclass(frozen=True)
class Geometry:
    """The cells of a square frame that is divided into A x A atoms.

    Attributes:
        per_side: A, atoms per side of the frame.
        side: pixels per side of an atom.
        covers: (N, A*A) float32, 1 where the cell of a token covers an atom.
        finest_cell: number of atoms in the smallest cell, the unit of a token's price.
    """

    per_side: int
    side: int
    covers: torch.Tensor
    finest_cell: int

    @staticmethod
    def of(config: AutoGazeConfig, device: torch.device | str = "cpu") -> Geometry:
        """The geometry of an architecture's square input image.

        Raises:
            ValueError: if the image's side is not a multiple of the atoms per side that its grids need.
        """
        layout = ScaleLayout.of(config)
        per_side = math.lcm(*layout.grids)
        if config.input_img_size % per_side:
            raise ValueError(
                f"cells of grids {layout.grids} do not end on whole pixels of a side of "
                f"{config.input_img_size}: it must be a multiple of {per_side}"
            )
        masks = []
        for grid in layout.grids:
            span = per_side // grid
            for row in range(grid):
                for column in range(grid):
                    mask = torch.zeros(per_side, per_side)
                    mask[row * span : (row + 1) * span, column * span : (column + 1) * span] = 1
                    masks.append(mask.flatten())
        covers = torch.stack(masks)
        finest = int(covers.sum(1).min())
        return Geometry(per_side, config.input_img_size // per_side, covers.to(device), finest)

    @property
    def atoms(self) -> int:
        """Number of atoms in a frame."""
        return self.per_side**2

    def split(self, frames: torch.Tensor) -> torch.Tensor:
        """(..., 3, I, I) to (..., A*A, 3 * side**2): the pixels of each atom."""
        *lead, channels, height, _ = frames.shape
        a, s = self.per_side, height // self.per_side
        atoms = frames.reshape(-1, channels, a, s, a, s).permute(0, 2, 4, 1, 3, 5)
        return atoms.reshape(*lead, self.atoms, channels * s * s)
