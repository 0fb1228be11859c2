"""Says where a checkpoint's choices lose: which slots, how much, and whether by place or by size."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from autogaze_web.frames.resize import resize_bilinear_u8
from autogaze_web.frames.rgba import Rgba

from .geometry import Geometry
from .network import Network
from .policy import generate
from .search import Errors, Lessons, Stops, greedy_history, lessons
from .sequence import arrange
from .validation import covered_by, follow

SLOT_RANGES = ((0, 10), (10, 40), (40, 80))
_WASTED = 0.1

Figures = dict[str, float]


def as_input(frame: Rgba, size: int) -> NDArray[np.uint8]:
    """(size, size, 3): a frame's colours as the model gets them, squeezed to a square."""
    return np.ascontiguousarray(resize_bilinear_u8(frame[..., :3], size, size))


@torch.no_grad()
def diagnose(network: Network, clips: torch.Tensor) -> dict[str, Figures]:
    """Figures of clips (B, T, 3, I, I) uint8, for all slots and for each range of slots, without frame 0.

    ``gain`` is the sum of the chosen cells' scores divided by that of the best cells' scores in the same
    states. ``wasted`` is the share of tokens with less than a tenth of the best score, weighted by the best
    score. ``finer`` and ``coarser`` are the shares of the lost gain that fall on slots at which the chosen
    cell is smaller or larger than the best one. ``all`` also has the PSNR in dB of the model and of the
    search with as many tokens, and ``calibration``, the median of ``|predicted - true| / true`` of the task
    losses above 0.05.
    """
    geometry = Geometry.of(network.config, clips.device)
    k, window = network.config.decoder.num_multi_token_pred, network.config.max_num_frames
    slots = min(SLOT_RANGES[-1][1], len(geometry.covers)) // k * k
    budget = torch.full((len(clips),), slots, device=clips.device)
    stops = Stops(budget, torch.full_like(budget, -torch.inf, dtype=torch.float32))
    history = generate(network, clips, slots, stops, window)
    answer = network(clips, arrange(network.config, history, window))
    errors = Errors.of(clips, geometry)
    taught = lessons(errors, geometry, history)
    own, search = (
        follow(errors, covered_by(made, geometry)).psnr.mean()
        for made in (history, greedy_history(errors, geometry, slots))
    )
    true = taught.task_loss[:, 1:]
    off = ((answer.task_loss.flatten(2)[:, 1:] - true).abs() / true.clamp_min(1e-6))[true > 0.05]
    found = {"all": _figures(taught, history.tokens, geometry, 0, slots)}
    found["all"] |= {"psnr": float(own), "search": float(search)}
    if len(off):
        found["all"]["calibration"] = float(off.median())
    for first, end in SLOT_RANGES:
        if first < slots:
            found[f"slots {first}-{min(end, slots)}"] = _figures(taught, history.tokens, geometry, first, end)
    return {name: {key: round(value, 3) for key, value in row.items()} for name, row in found.items()}


def _figures(taught: Lessons, tokens: torch.Tensor, geometry: Geometry, first: int, end: int) -> Figures:
    part = (slice(None), slice(1, None), slice(first, end))
    scores = taught.scores.masked_fill(taught.used, 0)[part]
    best, best_token = scores.max(-1)
    chosen = scores.gather(-1, tokens[part][..., None])[..., 0]
    sizes = geometry.covers.sum(1)
    size, best_size = sizes[tokens[part]], sizes[best_token]
    lost = best - chosen
    all_lost, all_best = lost.sum().clamp_min(1e-9), best.sum().clamp_min(1e-9)
    return {
        "gain": float(chosen.sum() / all_best),
        "wasted": float((best * (chosen < _WASTED * best)).sum() / all_best),
        "finer": float((lost * (size < best_size)).sum() / all_lost),
        "coarser": float((lost * (size > best_size)).sum() / all_lost),
    }
