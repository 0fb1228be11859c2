"""The losses that training minimises."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from .network import Answer
from .search import Lessons

SHARPNESS = 5.0
"""Targets are proportional to this power of the scores."""

NEGLIGIBLE = 0.5
"""Error of a frame, in squared grey levels, at which its choices have half of the full weight."""

IDLE = 0.05
"""Weight of choices where nothing needs correction, which is enough to learn the cheapest cells."""

LEAST_TASK_LOSS = 0.1
"""Task loss below which errors of its prediction count as absolute instead of relative errors."""

MOST_URGENT = 6.0
"""Largest weight of a slot in the regret, relative to the mean slot of its clip."""


@dataclass(frozen=True)
class Losses:
    """The losses, averaged over all slots that count.

    Attributes:
        gaze: Kullback-Leibler divergence of the token distributions from the search's, in nats.
        regret: minus the logarithm of the expected score of a token that is drawn from the network's
            distribution, relative to the best score, in nats; 0 if the best token is certain.
        task_loss: smooth relative error of the predicted task losses.
        noticed: smooth absolute error of the predicted staleness of patches, in decades of squared levels.
    """

    gaze: torch.Tensor
    regret: torch.Tensor
    task_loss: torch.Tensor
    noticed: torch.Tensor

    def total(self, policy: float = 0.0) -> torch.Tensor:
        """The sum, which training differentiates; ``policy``, 0 .. 1, is the regret's share of the gaze."""
        return (1 - policy) * self.gaze + policy * self.regret + self.task_loss + self.noticed


def targets(scores: torch.Tensor, used: torch.Tensor) -> torch.Tensor:
    """(..., N) target probabilities: powers of the scores, 0 for tokens that are already used.

    A distribution contains more information than the best cell's id: which other cells are as good.
    """
    open_scores = scores.masked_fill(used, 0)
    best = open_scores.amax(-1, keepdim=True)
    powers = (open_scores / best.clamp_min(1e-9)).pow(SHARPNESS)
    return powers / powers.sum(-1, keepdim=True).clamp_min(1e-9)


def staleness(error: torch.Tensor, patches: int) -> torch.Tensor:
    """(..., patches): ``log10(1 + e)`` with the mean squared error e of a patch, from the atoms' (..., A)."""
    *lead, atoms = error.shape
    per_side, grid = math.isqrt(atoms), math.isqrt(patches)
    squares = functional.adaptive_avg_pool2d(error.reshape(-1, 1, per_side, per_side), grid)
    return torch.log10(1 + squares).reshape(*lead, patches)


def gaze_losses(answer: Answer, lessons: Lessons, reached: torch.Tensor) -> Losses:
    """The losses of the network's answer to a history.

    The main task is to recognise stale pixels, and ten tokens carry little information about that. The
    network therefore also predicts the error of every patch. End-of-sequence is never chosen and not trained.

    The gradient of the regret is a policy gradient on the reconstruction: the reward of a token is its score,
    and since the score of every token is known, the expectation is exact instead of sampled. A slot's weight
    grows with the square root of what the best token would gain, relative to the clip's other slots.

    Args:
        answer: the network's answer.
        lessons: the targets for the same history, n = S K.
        reached: (B, T, S) bool, the steps that count.
    """
    wanted = targets(lessons.scores, lessons.used)
    chances = answer.logits[..., :-1].flatten(2, 3).masked_fill(lessons.used, -1e9).log_softmax(-1)
    divergence = (wanted * (wanted.clamp_min(1e-9).log() - chances)).sum(-1)
    slots = reached.repeat_interleave(answer.logits.shape[3], 2).float()
    squared = 10 ** (2 * lessons.task_loss) - 1
    weight = slots * (IDLE + (1 - IDLE) * squared / (squared + NEGLIGIBLE))
    open_scores = lessons.scores.masked_fill(lessons.used, 0)
    best = open_scores.amax(-1)
    expected = (chances.exp() * open_scores).sum(-1) / best.clamp_min(1e-9)
    gain = best.sqrt() * slots
    mean_gain = gain.sum((1, 2), keepdim=True) / slots.sum((1, 2), keepdim=True).clamp_min(1)
    urgent = weight * (gain / mean_gain.clamp_min(1e-9)).clamp_max(MOST_URGENT)
    size = lessons.task_loss.clamp_min(LEAST_TASK_LOSS)
    error = functional.smooth_l1_loss(
        answer.task_loss.flatten(2) / size, lessons.task_loss / size, reduction="none", beta=0.05
    )
    return Losses(
        (weight * divergence).sum() / weight.sum().clamp_min(1),
        -(urgent * expected.clamp_min(1e-6).log()).sum() / urgent.sum().clamp_min(1),
        (slots * error).sum() / slots.sum().clamp_min(1),
        functional.smooth_l1_loss(
            answer.noticed, staleness(lessons.stale, answer.noticed.shape[-1]), beta=0.1
        ),
    )
