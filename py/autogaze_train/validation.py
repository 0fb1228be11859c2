"""Measures the reconstruction that a history gives, at the model's resolution and on its device."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .geometry import Geometry
from .search import Errors, History, after_frame


@dataclass(frozen=True)
class Outcome:
    """The reconstruction that a history gives. Frame 0 is a keyframe and excluded.

    Attributes:
        error: (B, T - 1), mean squared error in grey levels.
        updated: (B, T - 1), number of atoms written.
    """

    error: torch.Tensor
    updated: torch.Tensor

    @property
    def psnr(self) -> torch.Tensor:
        """(B,): PSNR in dB from the mean squared error of each clip."""
        return 10 * torch.log10(255**2 / self.error.mean(1).clamp_min(1e-2))


def follow(errors: Errors, covered: torch.Tensor) -> Outcome:
    """The outcome of updating the given atoms (B, T, A) bool."""
    shown = torch.zeros_like(covered[:, 0], dtype=torch.int64)
    error = []
    for t in range(covered.shape[1]):
        error.append((errors.before(t, shown) * ~covered[:, t]).mean(-1))
        shown = after_frame(t, shown, covered[:, t])
    return Outcome(torch.stack(error, 1)[:, 1:], covered.sum(2)[:, 1:])


def covered_by(history: History, geometry: Geometry) -> torch.Tensor:
    """(B, T, A): the atoms that a history updates."""
    slots = torch.arange(history.tokens.shape[2], device=history.tokens.device)
    cells = geometry.covers[history.tokens] > 0
    taken: torch.Tensor = (cells & (slots < history.counts[..., None])[..., None]).any(2)
    return taken


def covered_by_change(clips: torch.Tensor, geometry: Geometry, updated: torch.Tensor) -> torch.Tensor:
    """(B, T, A): the finest cells that changed most since the last frame, at least ``updated`` atoms."""
    change = torch.zeros(*clips.shape[:2], geometry.atoms, device=clips.device)
    atoms = geometry.split(clips).float()
    change[:, 1:] = (atoms[:, 1:] - atoms[:, :-1]).abs().mean(-1)
    finest = geometry.covers[geometry.covers.sum(1) == geometry.finest_cell]
    order = (change @ finest.T).argsort(-1, descending=True)
    cells = torch.ceil(updated / geometry.finest_cell)
    rank = torch.arange(len(finest), device=clips.device)
    taken = torch.zeros_like(order, dtype=torch.float32)
    taken[:, 1:] = (rank < cells[:, 1:, None]).float()
    chosen = torch.zeros_like(taken).scatter(2, order, taken)
    return (chosen @ finest) > 0
