"""The training loop."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

from autogaze_web.model.config import AutoGazeConfig

from .corpus import RealClips
from .geometry import Geometry
from .losses import Losses, gaze_losses
from .network import Answer, Network
from .policy import own_history
from .render import Pictures, render_clips
from .scene import draw_kinds
from .screens import render_screens
from .search import Errors, History, Lessons, Stops, greedy_history, gumbel_noise, lessons
from .sequence import arrange
from .starting_weights import set_starting_weights


@dataclass(frozen=True)
class Plan:
    """The length of the training and the size of its batches.

    Attributes:
        steps: optimiser steps.
        clips: clips in a batch of the longest clips; a batch of shorter clips contains more.
        frames: frames of the longest clips.
        first_frames: frames of the clips in the first part, which teaches change before it teaches memory.
        first_part: length of the first part as a share of the training.
        real_share: share of the clips that are cut from real videos, if there are any.
        screen_share: share of the clips that show screens (`render_screens`).
        policy_from: share of the training after which the policy gradient is phased in.
        uses: steps on each batch: the first on the search's history, the others on the network's own.
        rate: peak learning rate.
        seconds: time limit; the learning rate decays fully within it.
        seed: of the random numbers.
        done: share of the training that the initial weights have completed.
        until: share of the training at which to stop.
    """

    steps: int
    clips: int = 32
    frames: int = 12
    first_frames: int = 4
    first_part: float = 0.25
    real_share: float = 0.15
    screen_share: float = 0.22
    policy_from: float = 0.5
    uses: int = 6
    rate: float = 2e-3
    seconds: float = math.inf
    seed: int = 1
    done: float = 0.0
    until: float = 1.0


@dataclass
class Progress:
    """The progress of the training: ``share`` is the completed share, ``average`` the averaged weights."""

    step: int
    share: float
    losses: Losses
    average: dict[str, torch.Tensor]


_FIRST_STEPS, _STEADY, _FINAL_RATE, _AVERAGE = 100, 0.35, 0.01, 0.998
# Steps per frame, drawn uniformly. The page uses two; the finest cells of twelve cover 60 % of a frame.
_STEP_COUNTS = (1, 2, 2, 3, 4, 6, 9, 12)
# The plan's number of clips is for this many steps; batches with more steps have fewer clips.
_PLANNED_STEPS = 4
_POLICY, _POLICY_RAMP = 0.7, 0.2
_OWN_FROM = 0.08


def train(
    config: AutoGazeConfig,
    plan: Plan,
    pictures: Pictures,
    screens: Pictures,
    real: RealClips,
    device: torch.device,
    report: Callable[[Progress], None],
    weights: dict[str, torch.Tensor] | None = None,
) -> dict[str, torch.Tensor]:
    """Trains a network from given or initial weights and returns its averaged weights by name."""
    torch.manual_seed(plan.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    network = Network(config)
    set_starting_weights(network, plan.seed)
    if weights is not None:
        network.load_state_dict(weights)
    network.to(device)
    matrices = [weight for weight in network.parameters() if weight.ndim > 1]
    vectors = [weight for weight in network.parameters() if weight.ndim == 1]
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.02}, {"params": vectors, "weight_decay": 0.0}],
        lr=plan.rate,
        betas=(0.9, 0.95),
        fused=device.type == "cuda",
    )
    average = {name: weight.detach().clone() for name, weight in network.state_dict().items()}
    source = Batches(config, plan, pictures, screens, real, device)
    began = time.monotonic()
    step, share = 0, plan.done
    while share < plan.until:
        for clips, history, taught in source.batch(share):
            for group in optimiser.param_groups:
                group["lr"] = plan.rate * _rate(share) * min(1.0, (step + 1) / _FIRST_STEPS)
            with _half(device):
                sequence = arrange(config, history, config.max_num_frames)
                answer = network(clips, sequence)
            losses = gaze_losses(answer, taught, sequence.reached)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(losses.total(_policy(plan, share)))
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            source.answered(answer)
            step += 1
            share = plan.done + max(step / plan.steps, (time.monotonic() - began) / plan.seconds)
            decay = min(_AVERAGE, step / (step + 10))
            with torch.no_grad():
                now = network.state_dict()
                torch._foreach_lerp_(list(average.values()), list(now.values()), 1 - decay)
            report(Progress(step, share, losses, average))
            if share >= plan.until:
                break
    return average


def _rate(share: float) -> float:
    """The learning rate's schedule: constant, then a cosine decay."""
    fallen = 0.5 - 0.5 * math.cos(math.pi * max(0.0, (share - _STEADY) / (1 - _STEADY)))
    return 1 - (1 - _FINAL_RATE) * fallen


def _policy(plan: Plan, share: float) -> float:
    """The share of the policy gradient."""
    return _POLICY * min(1.0, max(0.0, (share - plan.policy_from) / _POLICY_RAMP))


def _half(device: torch.device) -> AbstractContextManager[object]:
    """bfloat16 on a GPU."""
    return torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext()


class Batches:
    """Produces clips with histories and their training targets."""

    def __init__(
        self,
        config: AutoGazeConfig,
        plan: Plan,
        pictures: Pictures,
        screens: Pictures,
        real: RealClips,
        device: torch.device,
    ) -> None:
        self._config, self._plan, self._pictures, self._real = config, plan, pictures, real
        self._screens = screens
        self._geometry = Geometry.of(config, device)
        self._generator = torch.Generator(device).manual_seed(plan.seed)
        self._chance = random.Random(plan.seed)
        self._answer: Answer | None = None

    def batch(self, share: float) -> Iterator[tuple[torch.Tensor, History, Lessons]]:
        """One batch of clips with several histories, one after another.

        The network's answer to each must be passed to `answered`.
        """
        plan, device = self._plan, self._generator.device
        first = share < plan.first_part
        frames = plan.first_frames if first else plan.frames
        k, tokens = self._config.decoder.num_multi_token_pred, len(self._geometry.covers)
        steps = min(self._chance.choice(_STEP_COUNTS), tokens // k)
        slots = k * steps
        # Attention takes time in proportion to the square of the rows.
        rows, planned = (self._config.vision_tokens + k * s for s in (steps, _PLANNED_STEPS))
        count = max(1, round(plan.clips * plan.frames / frames * (planned / rows) ** 2))
        clips = self._clips(count, frames)
        errors = Errors.of(clips, self._geometry)
        for use in range(plan.uses):
            stops = Stops.draw(count, slots, self._generator)
            if use == 0 or share < _OWN_FROM or self._answer is None:
                stray = torch.rand(count, generator=self._generator, device=device)
                shape = (count, frames, slots, len(self._geometry.covers))
                noise = gumbel_noise(shape, 1.5 * stray.square(), self._generator)
                history = greedy_history(errors, self._geometry, slots, stops, noise)
            else:
                history = own_history(self._answer, stops)
            yield clips, history, lessons(errors, self._geometry, history)

    def answered(self, answer: Answer) -> None:
        """Stores the network's answer to the last history."""
        self._answer = answer

    def _clips(self, count: int, frames: int) -> torch.Tensor:
        size = self._config.input_img_size
        cut = round(count * self._plan.real_share) if self._real.videos else 0
        screens = round(count * self._plan.screen_share)
        kinds = draw_kinds(count - cut - screens, self._generator)
        clips = [render_clips(self._pictures, kinds, frames, size, self._generator)]
        if screens:
            clips.append(render_screens(self._screens, screens, frames, size, self._generator))
        if cut:
            clips.append(self._real.draw(cut, frames, size, self._generator))
        return torch.cat(clips)
