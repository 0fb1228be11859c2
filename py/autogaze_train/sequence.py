"""The decoder's rows for whole clips, arranged as generation would feed them frame by frame.

Each frame has K + Nv + (S - 1) K rows: the tokens of the previous frame's last step, the vision tokens, and
this frame's tokens except those of its last step. Positions and visibility of the rows follow upstream's
generation, not upstream's own training: all steps of a frame reuse the positions of its last K prefix rows,
and its last step runs again before the next frame. Training and run time therefore agree exactly.
``autogaze_web.model.generation`` states the same rules step by step.

Letters: B clips, T frames, S steps per frame, K tokens per step, Nv vision tokens, R rows per frame, W
window.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from autogaze_web.model.config import AutoGazeConfig

from .search import History


@dataclass(frozen=True)
class Sequence:
    """The rows of B clips.

    Attributes:
        tokens: (B, T, R - Nv) int64, the ids of the rows that are not vision tokens: K, then (S - 1) K.
        positions: (B, T * R) int64.
        visible: (B, 1, T * R, T * R) bool, whether a row [2] attends to a row [3].
        asked: (T * S,) int64, the row whose output selects the tokens of each step.
        reached: (B, T, S) bool, whether the frame reaches a step.
    """

    tokens: torch.Tensor
    positions: torch.Tensor
    visible: torch.Tensor
    asked: torch.Tensor
    reached: torch.Tensor


def arrange(config: AutoGazeConfig, history: History, window: int) -> Sequence:
    """The rows that represent a history in the decoder.

    Args:
        config: the architecture.
        history: n = S K tokens per frame.
        window: W, frames that a frame attends to, itself included.
    """
    k, vision = config.decoder.num_multi_token_pred, config.vision_tokens
    clips, frames, slots = history.tokens.shape
    steps, device = slots // k, history.tokens.device
    taken = (history.counts + k - 1) // k
    fed = k * (taken - 1)

    slot = torch.arange(k, device=device)
    last = fed[..., None] + slot
    pending = history.tokens.gather(2, last.clamp(max=slots - 1))
    waiting = last < history.counts[..., None]
    pending, waiting = (_delayed(rows) for rows in (pending, waiting))
    later = torch.arange(k * (steps - 1), device=device) < fed[..., None]
    seen = torch.cat([waiting, torch.ones(clips, frames, vision, dtype=torch.bool, device=device), later], 2)

    before = waiting.sum(2) + vision  # rows before the frame's own tokens
    start = _delayed((before + fed).cumsum(1))
    prefix = start[..., None] + seen[..., : k + vision].long().cumsum(2) - 1
    tail = (start + before)[..., None] - k + slot
    positions = torch.cat([prefix, tail.repeat(1, 1, steps - 1)], 2).clamp_min(0)

    rows = seen.shape[2]
    run = torch.arange(frames, device=device).repeat_interleave(rows)
    owner = run - (torch.arange(rows, device=device) < k).long().repeat(frames)
    order = torch.arange(frames * rows, device=device)
    allowed = (order <= order[:, None]) & (owner > run[:, None] - window)
    visible = allowed & seen.reshape(clips, 1, 1, -1)
    visible = visible | torch.eye(frames * rows, dtype=torch.bool, device=device)

    asked = k + vision - 1 + k * torch.arange(steps, device=device)
    return Sequence(
        torch.cat([pending, history.tokens[..., : k * (steps - 1)]], 2),
        positions.reshape(clips, -1),
        visible,
        (rows * torch.arange(frames, device=device)[:, None] + asked).flatten(),
        torch.arange(steps, device=device) < taken[..., None],
    )


def _delayed(values: torch.Tensor) -> torch.Tensor:
    """Shifts values by one frame; the first frame gets zeros."""
    return torch.cat([torch.zeros_like(values[:, :1]), values[:, :-1]], 1)
