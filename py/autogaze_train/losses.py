"""What training minimises."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from .network import Answer
from .search import Lessons

SHARPNESS = 5.0
"""How much more a better cell is to be wanted: targets are proportional to this power of the scores."""

NEGLIGIBLE = 4.0
"""Squared grey levels of error at which a frame's choices count half."""

IDLE = 0.05
"""How much choices count where there is nothing to mend: the cheapest cells are learnt with little effort."""


@dataclass(frozen=True)
class Losses:
    """Means over all slots that count.

    Attributes:
        gaze: Kullback-Leibler divergence of the token distributions from the search's, in nats.
        task_loss: smooth absolute error of the predicted task losses.
        noticed: smooth absolute error of how stale patches are said to be, in decades of squared levels.
    """

    gaze: torch.Tensor
    task_loss: torch.Tensor
    noticed: torch.Tensor

    @property
    def total(self) -> torch.Tensor:
        """What is differentiated."""
        return self.gaze + self.task_loss + self.noticed


def targets(scores: torch.Tensor, used: torch.Tensor) -> torch.Tensor:
    """(..., N) probabilities to be learnt: powers of the scores, none on tokens used already.

    A whole distribution says more than the best cell's id: which others would have been as good.
    """
    open_scores = scores.masked_fill(used, 0)
    best = open_scores.amax(-1, keepdim=True)
    powers = (open_scores / best.clamp_min(1e-9)).pow(SHARPNESS)
    return powers / powers.sum(-1, keepdim=True).clamp_min(1e-9)


def staleness(error: torch.Tensor, patches: int) -> torch.Tensor:
    """(..., patches): ``log10(1 + e)``, e the mean squared error of a patch, from that of atoms (..., A)."""
    *lead, atoms = error.shape
    per_side, grid = math.isqrt(atoms), math.isqrt(patches)
    squares = functional.adaptive_avg_pool2d(error.reshape(-1, 1, per_side, per_side), grid)
    return torch.log10(1 + squares).reshape(*lead, patches)


def gaze_losses(answer: Answer, lessons: Lessons, reached: torch.Tensor) -> Losses:
    """Losses of the network's answer to a history.

    Most of what is to be learnt is to see what is stale, and ten tokens say little about that: so every
    patch is also asked for its own error. End-of-sequence is never chosen and not trained.

    Args:
        lessons: of the same history, n = S K.
        reached: (B, T, S) bool, steps that count.
    """
    wanted = targets(lessons.scores, lessons.used)
    chances = answer.logits[..., :-1].flatten(2, 3).masked_fill(lessons.used, -1e9).log_softmax(-1)
    divergence = (wanted * (wanted.clamp_min(1e-9).log() - chances)).sum(-1)
    slots = reached.repeat_interleave(answer.logits.shape[3], 2).float()
    squared = 10 ** (2 * lessons.task_loss) - 1
    weight = slots * (IDLE + (1 - IDLE) * squared / (squared + NEGLIGIBLE))
    error = functional.smooth_l1_loss(
        answer.task_loss.flatten(2), lessons.task_loss, reduction="none", beta=0.05
    )
    return Losses(
        (weight * divergence).sum() / weight.sum().clamp_min(1),
        (slots * error).sum() / slots.sum().clamp_min(1),
        functional.smooth_l1_loss(
            answer.noticed, staleness(lessons.stale, answer.noticed.shape[-1]), beta=0.1
        ),
    )
