"""The teacher: greedy search for the cells that mend a frame's reconstruction at the least cost.

The reconstruction is the page's ``interframe`` output: the first frame whole, then the previous output with
the chosen cells overwritten by the present frame. So every atom of it is a copy of an earlier frame's, and
all errors there can ever be are those between two frames in one atom: `pair_errors`.

A cell's *score* is the error that it removes, divided by what it costs: the pixels that it covers anew and
a price for being a token at all. Without the price the finest cells would always win, without the pixels
the coarsest. Every cell is said to remove a little, so that where nothing is left to mend the cheapest wins:
one whose pixels are up to date already, or else a finest one.

Letters: B clips, T frames, A atoms, N tokens, n slots of a frame. Errors are squared grey levels, averaged
over the pixels and colours of an atom.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .geometry import Geometry

TOKEN_PRICE = 0.5
"""What a token costs besides its pixels, in finest cells."""

LEAST_REMOVED = 4.0
"""What every cell is said to remove besides, in squared grey levels times atoms: one atom wrong by two.
A finest cell of four atoms whose error is under two squared levels then is not worth its pixels."""

EMPTY_LEVEL = 128.0
"""Grey level of the output before the first frame."""


@dataclass(frozen=True)
class Errors:
    """Every error that a reconstruction of some clips can have.

    Attributes:
        pairs: (B, T, T, A), of frame t [1] shown in place of frame s [2].
        empty: (B, T, A), of an empty output.
    """

    pairs: torch.Tensor
    empty: torch.Tensor

    @staticmethod
    def of(clips: torch.Tensor, geometry: Geometry) -> Errors:
        """Errors of clips (B, T, 3, I, I) uint8."""
        atoms = geometry.split(clips).float() - EMPTY_LEVEL
        atoms = atoms.transpose(1, 2)  # (B, A, T, values)
        squares = atoms.square().sum(-1)
        products = atoms @ atoms.transpose(-1, -2)
        pairs = (squares[..., None] + squares[..., None, :] - 2 * products).clamp_min(0) / atoms.shape[-1]
        pairs.diagonal(dim1=-2, dim2=-1).zero_()
        return Errors(pairs.permute(0, 2, 3, 1).contiguous(), (squares / atoms.shape[-1]).transpose(1, 2))

    def before(self, t: int, shown: torch.Tensor) -> torch.Tensor:
        """(B, A): the error before frame t is gazed at, given which frame each atom shows (B, A)."""
        if t == 0:
            return self.empty[:, 0]
        return self.pairs[:, t].gather(1, shown[:, None])[:, 0]


def scores(
    error: torch.Tensor, covered: torch.Tensor, geometry: Geometry, price: float = TOKEN_PRICE
) -> torch.Tensor:
    """(..., N): what each cell would remove for its cost.

    Args:
        error: (..., A) of the reconstruction.
        covered: (..., A) bool, atoms that this frame's tokens have brought up to date already.
    """
    left = (~covered).to(error.dtype)
    removed, pixels = torch.stack([error * left, left]) @ geometry.covers.T.to(error.dtype)
    score: torch.Tensor = (removed + LEAST_REMOVED) / (pixels + price * geometry.finest_cell)
    return score


def task_loss(error: torch.Tensor, covered: torch.Tensor) -> torch.Tensor:
    """(...): ``log10`` of the root mean squared error in grey levels, with 1 added to the square.

    0: no error; 0.7: 5 grey levels, a PSNR of 34 dB; 1: ten levels, 28 dB.
    """
    squared = (error * ~covered).mean(-1)
    return 0.5 * torch.log10(1 + squared)


def after_frame(t: int, shown: torch.Tensor, covered: torch.Tensor) -> torch.Tensor:
    """(B, A): which frame each atom shows after frame t; the first one is taken over as a whole."""
    return torch.zeros_like(shown) if t == 0 else torch.where(covered, t, shown)


@dataclass(frozen=True)
class History:
    """What was gazed at in each frame of some clips.

    Attributes:
        tokens: (B, T, n) int64, in the order of choice, no token twice in a frame.
        counts: (B, T) int64, 1 .. n: the first so many tokens were taken; the others only say how the
            last step would have gone on.
    """

    tokens: torch.Tensor
    counts: torch.Tensor


@dataclass(frozen=True)
class Stops:
    """When a frame ends, per clip: after ``budget`` (B,) tokens, or at a loss of ``requirement`` (B,)."""

    budget: torch.Tensor
    requirement: torch.Tensor

    @staticmethod
    def draw(clips: int, slots: int, generator: torch.Generator) -> Stops:
        """Random ones: budgets of 1 .. slots; requirements of 0.2 .. 1.2, a third minus infinity: never."""
        device = generator.device
        budget = torch.randint(1, slots + 1, (clips,), generator=generator, device=device)
        whole = torch.rand(clips, generator=generator, device=device) < 0.4
        requirement = 0.2 + torch.rand(clips, generator=generator, device=device)
        never = torch.rand(clips, generator=generator, device=device) < 1 / 3
        return Stops(
            torch.where(whole, slots, budget),
            torch.where(never, torch.full_like(requirement, -torch.inf), requirement),
        )

    def count(self, losses: torch.Tensor) -> torch.Tensor:
        """(B,) tokens taken, given the loss before each slot (B, n); at least 1."""
        met = losses <= self.requirement[:, None]
        met[:, 0] = False
        slots = losses.shape[1]
        first = torch.where(met.any(1), met.int().argmax(1), slots)
        return torch.minimum(first, self.budget.clamp(1, slots))


def greedy_history(
    errors: Errors,
    geometry: Geometry,
    slots: int,
    stops: Stops | None = None,
    noise: torch.Tensor | None = None,
    price: float = TOKEN_PRICE,
) -> History:
    """Gazes at each frame greedily: again and again the cell of the highest score.

    Args:
        slots: n, tokens to choose in each frame.
        stops: when frames end; None: after n tokens.
        noise: (B, T, n, N) added to the logarithms of the scores, so that choices stray (`gumbel_noise`).
    """
    clips, frames = errors.empty.shape[:2]
    every = torch.arange(clips, device=errors.empty.device)
    shown = torch.zeros(errors.empty[:, 0].shape, dtype=torch.int64, device=every.device)
    cells = geometry.covers > 0
    tokens, counts = [], []
    for t in range(frames):
        error = errors.before(t, shown)
        covered = torch.zeros_like(shown, dtype=torch.bool)
        used = torch.zeros(clips, len(cells), dtype=torch.bool, device=every.device)
        chosen, covers = [], [covered]
        for slot in range(slots):
            value = scores(error, covered, geometry, price)
            if noise is not None:
                value = value.clamp_min(1e-6).log() + noise[:, t, slot]
            token = value.masked_fill(used, -torch.inf).argmax(1)
            used.scatter_(1, token[:, None], True)
            covered = covered | cells[token]
            chosen.append(token)
            covers.append(covered)
        along = torch.stack(covers, 1)
        if stops is None:
            count = torch.full((clips,), slots, device=every.device)
        else:
            count = stops.count(task_loss(error[:, None], along[:, :-1]))
        shown = after_frame(t, shown, along[every, count])
        tokens.append(torch.stack(chosen, 1))
        counts.append(count)
    return History(torch.stack(tokens, 1), torch.stack(counts, 1))


def gumbel_noise(shape: tuple[int, ...], sizes: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Noise of ``shape`` (B, ...) that, added to log scores, draws by the scores to the power 1 / size.

    Args:
        sizes: (B,) of each clip; 0 for none.
    """
    even = torch.rand(shape, generator=generator, device=generator.device)
    noise = -torch.log(-torch.log(even.clamp(1e-9, 1 - 1e-6)))
    return noise * sizes.reshape(-1, *[1] * (len(shape) - 1))


@dataclass(frozen=True)
class Lessons:
    """What is to be learnt from a history.

    Attributes:
        scores: (B, T, n, N) of every cell before each slot, tokens of the slots before it taken.
        used: (B, T, n, N) bool, tokens chosen in earlier slots of the frame.
        task_loss: (B, T, n) before each slot.
        stale: (B, T, A) error of each atom before the frame is gazed at.
    """

    scores: torch.Tensor
    used: torch.Tensor
    task_loss: torch.Tensor
    stale: torch.Tensor


def lessons(errors: Errors, geometry: Geometry, history: History, price: float = TOKEN_PRICE) -> Lessons:
    """Follows a history and scores every cell at every slot of it."""
    clips, frames, slots = history.tokens.shape
    cells = geometry.covers[history.tokens] > 0  # (B, T, n, A)
    covered = torch.cumsum(cells, 2, dtype=torch.int16) > 0
    before = torch.cat([torch.zeros_like(covered[:, :, :1]), covered[:, :, :-1]], 2)
    shown = torch.zeros(errors.empty[:, 0].shape, dtype=torch.int64, device=errors.empty.device)
    every = torch.arange(clips, device=shown.device)
    at_start = []
    for t in range(frames):
        at_start.append(errors.before(t, shown))
        shown = after_frame(t, shown, covered[every, t, history.counts[:, t] - 1])
    stale = torch.stack(at_start, 1)
    error = stale[:, :, None].expand(-1, -1, slots, -1)
    chosen = torch.nn.functional.one_hot(history.tokens, len(geometry.covers))
    used = torch.cumsum(chosen, 2) - chosen > 0
    return Lessons(scores(error, before, geometry, price), used, task_loss(error, before), stale)
