"""Which patches of each frame an encoder is given in training: orders of all patches, the best first.

The encoder must serve whatever chooses: AutoGaze, patch-diff, chance, a coarse picture that becomes finer.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from .geometry import Geometry
from .network import Network
from .policy import own_history
from .search import EMPTY_LEVEL, LEAST_REMOVED, Errors, Stops, greedy_history, gumbel_noise
from .sequence import arrange

_GAZED_TOKENS = 40
"""Tokens of a frame that AutoGaze chooses; the search takes time for each. The rest is chance."""


def random_order(clips: torch.Tensor, geometry: Geometry, generator: torch.Generator) -> torch.Tensor:
    """(B, T, N): patches by chance; each clip prefers some scales."""
    count, frames = clips.shape[:2]
    noise = gumbel_noise((count, frames, len(geometry.covers)), _ones(count, clips), generator)
    taste = torch.randn(count, len(_scales(geometry)), generator=generator, device=clips.device)
    order: torch.Tensor = (noise + taste[:, None, _scale_of(geometry)]).argsort(-1, descending=True)
    return order


def coarse_to_fine(clips: torch.Tensor, geometry: Geometry, generator: torch.Generator) -> torch.Tensor:
    """(B, T, N): the coarse patches first; within a scale by chance."""
    count, frames = clips.shape[:2]
    chance = torch.rand(count, frames, len(geometry.covers), generator=generator, device=clips.device)
    order: torch.Tensor = (_scale_of(geometry) + chance).argsort(-1)
    return order


def by_change(clips: torch.Tensor, geometry: Geometry, generator: torch.Generator) -> torch.Tensor:
    """(B, T, N): as patch-diff, the finest patches that changed most since the last frame first."""
    change = _change(clips, geometry, generator)
    finest = _scale_of(geometry) == len(_scales(geometry)) - 1
    share = change @ geometry.covers.T / geometry.covers.sum(1)
    order: torch.Tensor = torch.where(finest, share + 1e6, share).argsort(-1, descending=True)
    return order


def by_gain(clips: torch.Tensor, geometry: Geometry, generator: torch.Generator) -> torch.Tensor:
    """(B, T, N): patches of all scales by the change that they show for their pixels, with some chance."""
    count = len(clips)
    change = _change(clips, geometry, generator)
    pixels = geometry.covers.sum(1)
    price = geometry.finest_cell * 4 * torch.rand(count, 1, 1, generator=generator, device=clips.device)
    gain = (change @ geometry.covers.T + LEAST_REMOVED) / (pixels + price)
    spread = 0.5 * torch.rand(count, generator=generator, device=clips.device)
    noise = gumbel_noise(tuple(gain.shape), spread, generator)
    order: torch.Tensor = (gain.log() + noise).argsort(-1, descending=True)
    return order


def gazed(network: Network) -> Order:
    """AutoGaze's choices, and those of the search that it learned from, half of the clips each."""

    @torch.no_grad()
    def order(clips: torch.Tensor, geometry: Geometry, generator: torch.Generator) -> torch.Tensor:
        count, frames = clips.shape[:2]
        patches, k = len(geometry.covers), network.config.decoder.num_multi_token_pred
        slots = min(_GAZED_TOKENS, patches // k * k)
        errors = Errors.of(clips, geometry)
        everywhere = torch.full((count,), slots, device=clips.device)
        stops = Stops(everywhere, torch.full((count,), -torch.inf, device=clips.device))
        noise = gumbel_noise((count, frames, slots, patches), 0.5 * _ones(count, clips), generator)
        history = greedy_history(errors, geometry, slots, stops, noise)
        answer = network(clips, arrange(network.config, history, network.config.max_num_frames))
        tokens = history.tokens.clone()
        tokens[::2] = own_history(answer, stops).tokens[::2]
        rank = torch.rand(count, frames, patches, generator=generator, device=clips.device)
        places = torch.arange(slots, device=clips.device).float() - slots
        chosen: torch.Tensor = rank.scatter(2, tokens, places.expand(tokens.shape)).argsort(-1)
        return chosen

    return order


Order = Callable[[torch.Tensor, Geometry, torch.Generator], torch.Tensor]
"""From clips (B, T, 3, I, I) uint8 to (B, T, N) int64, every patch of each frame once."""

CHEAP_ORDERS: tuple[Order, ...] = (random_order, coarse_to_fine, by_change, by_gain)


def _change(clips: torch.Tensor, geometry: Geometry, generator: torch.Generator) -> torch.Tensor:
    """(B, T, A): squared change since the last frame; of the first frame the difference from grey."""
    atoms = geometry.split(clips).float()
    before = torch.cat([torch.full_like(atoms[:, :1], EMPTY_LEVEL), atoms[:, :-1]], 1)
    change: torch.Tensor = (atoms - before).square().mean(-1)
    tiny = torch.rand(change.shape, generator=generator, device=change.device)
    return change + 1e-3 * tiny


def _scales(geometry: Geometry) -> list[int]:
    """The distinct cell sizes in atoms, the coarsest first."""
    return sorted(set(geometry.covers.sum(1).long().tolist()), reverse=True)


def _scale_of(geometry: Geometry) -> torch.Tensor:
    """(N,) int64: the scale of each patch, the coarsest is 0."""
    sizes = torch.tensor(_scales(geometry), device=geometry.covers.device)
    return (geometry.covers.sum(1).long()[:, None] == sizes).long().argmax(1)


def _ones(count: int, clips: torch.Tensor) -> torch.Tensor:
    return torch.ones(count, device=clips.device)
