"""Trains the encoder and its frame decoder: a masked autoencoder over gazed patches of clips.

The encoder reads the patches that something chose; the decoder rebuilds whole frames from the newest feature
of each patch. Clips, choices and budgets vary from batch to batch (`token_orders`).
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

from autogaze_web.encoder.config import SiglipConfig
from autogaze_web.encoder.frame_decoder import FrameDecoderConfig

from .corpus import RealClips
from .encoder_network import Encoder, FrameDecoder
from .encoder_rows import ClipRows, all_patches, as_pixels, rows_of
from .encoder_start import set_starting_weights
from .geometry import Geometry
from .network import Network
from .render import Pictures, render_clips
from .scene import draw_kinds
from .screens import render_screens
from .token_orders import CHEAP_ORDERS, gazed


@dataclass(frozen=True)
class EncoderPlan:
    """The length of the training and the size of its batches.

    Attributes:
        steps: optimiser steps.
        rows: rows of a batch, over all its clips: B times m.
        frames: frames of the longest clips.
        rebuilt: frames of each clip that are rebuilt.
        real_share, screen_share: shares of the clips that are real, and that show screens.
        uses: steps on each batch of clips, with other choices each time.
        rate: peak learning rate.
        seconds: time limit; the learning rate decays fully within it.
        seed: of the random numbers.
        done, until: shares of the training that the initial weights have completed, and at which to stop.
    """

    steps: int
    rows: int = 65536
    frames: int = 12
    rebuilt: int = 3
    real_share: float = 0.2
    screen_share: float = 0.15
    uses: int = 4
    rate: float = 1.5e-3
    seconds: float = math.inf
    seed: int = 1
    done: float = 0.0
    until: float = 1.0


@dataclass
class EncoderProgress:
    """The progress of the training; ``average`` holds the averaged weights of encoder and decoder."""

    step: int
    share: float
    loss: torch.Tensor
    error: torch.Tensor
    average: dict[str, torch.Tensor]


_WARM_UP, _FINAL_RATE, _AVERAGE = 200, 0.01, 0.999
# Tokens of a frame, and how many times as many the first frame has.
_BUDGETS = (1, 2, 4, 8, 13, 16, 16, 26, 26, 40, 53, 106, 160, 265)
_FIRST_FRAMES = (1, 1, 2, 4, 16, 1000)
_MOST_CLIPS = 160
# With more tokens than this, what AutoGaze chooses after its first is no better than chance.
_MOST_GAZED = 60
# Rows of a clip, before frames are left out.
_LONGEST = 1100


class MaskedAutoencoder(torch.nn.Module):
    """Encoder and decoder as one module."""

    def __init__(self, encoder: SiglipConfig, decoder: FrameDecoderConfig) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(encoder), FrameDecoder(decoder)

    def forward(self, patches: torch.Tensor, rows: ClipRows, targets: torch.Tensor) -> torch.Tensor:
        """The rebuilt frames (B, R, C, S, S).

        Args:
            patches: (B, T, N, P), all patches of the clips.
            rows: those that are encoded.
            targets: (B, R) int64, frames to rebuild.
        """
        window = self.decoder.config.window
        features = self.encoder(rows_of(patches, rows), rows.ids, rows.visible(window))
        newest = rows.newest(targets, self.decoder.config.patches, window)
        parts = (newest.features(features), newest.present, newest.ages)
        rebuilt: torch.Tensor = self.decoder(*(part.flatten(0, 1) for part in parts))
        return rebuilt.reshape(*targets.shape, *rebuilt.shape[1:])


def reconstruction_loss(rebuilt: torch.Tensor, frames: torch.Tensor) -> torch.Tensor:
    """Absolute and squared error of the pixels, and the absolute error of their differences.

    The squared error alone gives blur; differences of neighbouring pixels are what a blurred edge lacks.
    """
    error = rebuilt.float() - frames
    edges = [error.diff(dim=axis).abs().mean() for axis in (-1, -2)]
    return error.abs().mean() + 2 * error.square().mean() + 0.5 * (edges[0] + edges[1])


def train_encoder(
    configs: tuple[SiglipConfig, FrameDecoderConfig],
    plan: EncoderPlan,
    gaze: Network,
    sources: tuple[Pictures, Pictures, RealClips],
    report: Callable[[EncoderProgress], None],
    weights: dict[str, torch.Tensor] | None = None,
) -> dict[str, torch.Tensor]:
    """Trains from given or initial weights and returns the averaged weights by name.

    Args:
        configs: of encoder and decoder.
        gaze: a trained AutoGaze for the encoder's patches, on the device of the training.
        sources: pictures, pictures and documents for screens, and real clips.
    """
    device = next(gaze.parameters()).device
    torch.manual_seed(plan.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    batches = EncoderBatches(configs[0], plan, gaze, sources, device)
    model = MaskedAutoencoder(*configs)
    if weights is None:
        clips = batches.clips(8, 2)
        first = all_patches(as_pixels(clips), configs[0]).flatten(0, 2)
        set_starting_weights(model.encoder, model.decoder, first, torch.Generator().manual_seed(plan.seed))
    else:
        model.load_state_dict(weights)
    model.to(device)
    matrices = [weight for weight in model.parameters() if weight.ndim > 1]
    vectors = [weight for weight in model.parameters() if weight.ndim == 1]
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.02}, {"params": vectors, "weight_decay": 0.0}],
        lr=plan.rate,
        betas=(0.9, 0.98),
        fused=device.type == "cuda",
    )
    average = {name: weight.detach().clone() for name, weight in model.state_dict().items()}
    began, step, share = time.monotonic(), 0, plan.done
    while share < plan.until:
        for patches, frames, rows, targets in batches.batch():
            for group in optimiser.param_groups:
                group["lr"] = plan.rate * _rate(share) * min(1.0, (step + 1) / _WARM_UP)
            with _half(device):
                rebuilt = model(patches, rows, targets)
            loss = reconstruction_loss(rebuilt, frames)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            step += 1
            share = plan.done + max(step / plan.steps, (time.monotonic() - began) / plan.seconds)
            decay = min(_AVERAGE, step / (step + 10))
            with torch.no_grad():
                now = model.state_dict()
                torch._foreach_lerp_(list(average.values()), list(now.values()), 1 - decay)
            error = (rebuilt.detach().float() - frames).square().mean()
            report(EncoderProgress(step, share, loss.detach(), error, average))
            if share >= plan.until:
                break
    return average


def _rate(share: float) -> float:
    """The learning rate's schedule: a cosine decay."""
    return _FINAL_RATE + (1 - _FINAL_RATE) * (0.5 + 0.5 * math.cos(math.pi * min(1.0, share)))


def _half(device: torch.device) -> AbstractContextManager[object]:
    """bfloat16 on a GPU."""
    return torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext()


class EncoderBatches:
    """Draws clips, the rows that are encoded and the frames that are rebuilt."""

    def __init__(
        self,
        config: SiglipConfig,
        plan: EncoderPlan,
        gaze: Network,
        sources: tuple[Pictures, Pictures, RealClips],
        device: torch.device,
    ) -> None:
        self._config, self._plan = config, plan
        self._pictures, self._screens, self._real = sources
        self._geometry = Geometry.of(gaze.config, device)
        self._gazed = gazed(gaze)
        self._generator = torch.Generator(device).manual_seed(plan.seed)
        self._chance = random.Random(plan.seed)

    def batch(self) -> list[tuple[torch.Tensor, torch.Tensor, ClipRows, torch.Tensor]]:
        """All patches of some clips, and several times the frames to rebuild, the rows and the targets."""
        plan, chance, patches = self._plan, self._chance, len(self._geometry.covers)
        budget = min(patches, chance.choice(_BUDGETS))
        first = min(patches, budget * chance.choice(_FIRST_FRAMES))
        frames = max(2, min(plan.frames, 1 + (_LONGEST - first) // budget))
        m = first + (frames - 1) * budget
        count = max(1, min(_MOST_CLIPS, plan.rows // m))
        # Of few sizes: the search's kernels are captured for each.
        count = count if count < 16 else count // 16 * 16
        clips = self.clips(count, frames)
        pixels = as_pixels(clips)
        everything = all_patches(pixels, self._config)
        orders = self._orders(clips, budget)
        made = []
        for use in range(plan.uses):
            rows = ClipRows.of(orders[use], self._counts(count, frames, first, budget))
            shape = (count, plan.rebuilt)
            targets = torch.randint(frames, shape, generator=self._generator, device=clips.device)
            wanted = pixels[torch.arange(count, device=clips.device)[:, None], targets]
            made.append((everything, wanted, rows, targets))
        return made

    def _orders(self, clips: torch.Tensor, budget: int) -> torch.Tensor:
        """(uses, B, T, N): the order of each clip at each use; a third of the clips are gazed at first."""
        cheap = torch.stack([maker(clips, self._geometry, self._generator) for maker in CHEAP_ORDERS])
        clip = torch.arange(len(clips))
        orders = torch.stack([cheap[(clip + use) % len(cheap), clip] for use in range(self._plan.uses)])
        if budget <= _MOST_GAZED:
            orders[:2, ::3] = self._gazed(clips[::3].contiguous(), self._geometry, self._generator)
        return orders

    def _counts(self, count: int, frames: int, first: int, budget: int) -> torch.Tensor:
        """(B, T): the full budget for half of the clips, fewer tokens in each frame for the others."""
        device = self._generator.device
        most = torch.full((frames,), budget, device=device)
        most[0] = first
        full = torch.rand(count, 1, generator=self._generator, device=device) < 0.5
        share = torch.rand(count, frames, generator=self._generator, device=device).square()
        fewer = torch.where(full, most, (most * share).ceil().long().clamp_min(1))
        fewer[0] = most  # Frames of one size for all batches of this shape.
        return fewer

    def clips(self, count: int, frames: int) -> torch.Tensor:
        """(count, frames, 3, I, I) uint8."""
        size, plan = self._config.image_size, self._plan
        cut = round(count * plan.real_share) if self._real.videos else 0
        screens = round(count * plan.screen_share)
        kinds = draw_kinds(count - cut - screens, self._generator)
        clips = [render_clips(self._pictures, kinds, frames, size, self._generator)]
        if screens:
            clips.append(render_screens(self._screens, screens, frames, size, self._generator))
        if cut:
            clips.append(self._real.draw(cut, frames, size, self._generator))
        # Orders go to clips in turn, so the kinds must be mixed.
        mixed = torch.randperm(count, generator=self._generator, device=self._generator.device)
        return torch.cat(clips)[mixed]
