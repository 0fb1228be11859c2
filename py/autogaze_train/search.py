"""The teacher: a greedy search for the cells that correct a frame's reconstruction at the least cost.

The reconstruction is the page's ``interframe`` output: the whole first frame, then the previous output with
the chosen cells overwritten by the current frame. Every atom of it is therefore a copy from some frame, and
all possible errors are those between two frames in one atom: `Errors`.

The *score* of a cell is the error that it removes divided by its cost: the pixels that it newly covers, plus
a price per token. Without the price, the finest cells would always win; without the pixels, the coarsest.
Every cell is credited with removing a small error, so that the cheapest cell wins where nothing is left to
correct: one whose pixels are already up to date, or else a finest cell.

Letters: B clips, T frames, A atoms, N tokens, n slots of a frame. Errors are squared grey levels, averaged
over the pixels and colours of an atom.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .geometry import Geometry

TOKEN_PRICE = 0.5
"""Cost of a token in addition to its pixels, in finest cells."""

LEAST_REMOVED = 2.0
"""Error that every cell is credited with, in squared grey levels times atoms. A finest cell of four atoms
with an error below one squared level is then not worth its pixels."""

EMPTY_LEVEL = 128.0
"""Grey level of the output before the first frame."""


@dataclass(frozen=True)
class Errors:
    """All errors that a reconstruction of some clips can have.

    Attributes:
        pairs: (B, T, T, A), the errors between frame t [1] and frame s [2], which is shown in its place.
        empty: (B, T, A), the errors of an empty output.
    """

    pairs: torch.Tensor
    empty: torch.Tensor

    @staticmethod
    def of(clips: torch.Tensor, geometry: Geometry) -> Errors:
        """The errors of clips (B, T, 3, I, I) uint8."""
        atoms = geometry.split(clips).float() - EMPTY_LEVEL
        atoms = atoms.transpose(1, 2)  # (B, A, T, values)
        squares = atoms.square().sum(-1)
        products = atoms @ atoms.transpose(-1, -2)
        pairs = (squares[..., None] + squares[..., None, :] - 2 * products).clamp_min(0) / atoms.shape[-1]
        pairs.diagonal(dim1=-2, dim2=-1).zero_()
        return Errors(pairs.permute(0, 2, 3, 1).contiguous(), (squares / atoms.shape[-1]).transpose(1, 2))

    def before(self, t: int, shown: torch.Tensor) -> torch.Tensor:
        """(B, A): the error before frame t is processed, given the frame that each atom shows (B, A)."""
        if t == 0:
            return self.empty[:, 0]
        return self.pairs[:, t].gather(1, shown[:, None])[:, 0]


def scores(
    error: torch.Tensor, covered: torch.Tensor, geometry: Geometry, price: float = TOKEN_PRICE
) -> torch.Tensor:
    """(..., N): the score of each cell.

    Args:
        error: (..., A), of the reconstruction.
        covered: (..., A) bool, atoms that the frame's tokens have already updated.
        geometry: the cells.
        price: cost of a token in finest cells.
    """
    left = (~covered).to(error.dtype)
    removed, pixels = torch.stack([error * left, left]) @ geometry.covers.T.to(error.dtype)
    score: torch.Tensor = (removed + LEAST_REMOVED) / (pixels + price * geometry.finest_cell)
    return score


def task_loss(error: torch.Tensor, covered: torch.Tensor) -> torch.Tensor:
    """(...): ``log10(sqrt(1 + e))`` with the mean squared error e in grey levels.

    0 means no error, 0.7 five grey levels (a PSNR of 34 dB), 1 ten levels (28 dB).
    """
    squared = (error * ~covered).mean(-1)
    return 0.5 * torch.log10(1 + squared)


def after_frame(t: int, shown: torch.Tensor, covered: torch.Tensor) -> torch.Tensor:
    """(B, A): the frame that each atom shows after frame t. The first frame replaces everything."""
    return torch.zeros_like(shown) if t == 0 else torch.where(covered, t, shown)


@dataclass(frozen=True)
class History:
    """The tokens chosen in each frame of some clips.

    Attributes:
        tokens: (B, T, n) int64, in the order of choice, without repetition in a frame.
        counts: (B, T) int64, 1 .. n: how many of the first tokens count. The others are the choices with
            which the last step would have continued.
    """

    tokens: torch.Tensor
    counts: torch.Tensor


@dataclass(frozen=True)
class Stops:
    """When the frames of each clip end: after ``budget`` (B,) tokens or at the loss ``requirement`` (B,)."""

    budget: torch.Tensor
    requirement: torch.Tensor

    @staticmethod
    def draw(clips: int, slots: int, generator: torch.Generator) -> Stops:
        """Random stops: budgets of 1 .. slots; requirements of 0.2 .. 1.2, or never (-inf) for a third."""
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
        """(B,): the number of tokens, at least 1, given the loss before each slot (B, n)."""
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
    """Chooses the cells of each frame greedily: repeatedly the cell with the highest score.

    Args:
        errors: of the clips.
        geometry: the cells.
        slots: n, tokens to choose in each frame.
        stops: when frames end; None for n tokens.
        noise: (B, T, n, N), added to the logarithms of the scores to perturb the choices (`gumbel_noise`).
        price: cost of a token in finest cells.
    """
    clips, frames = errors.empty.shape[:2]
    every = torch.arange(clips, device=errors.empty.device)
    shown = torch.zeros(errors.empty[:, 0].shape, dtype=torch.int64, device=every.device)
    choose = _captured if every.is_cuda else _choose
    tokens, counts = [], []
    for t in range(frames):
        error = errors.before(t, shown)
        chosen, along = choose(error, None if noise is None else noise[:, t], geometry, slots, price)
        if stops is None:
            count = torch.full((clips,), slots, device=every.device)
        else:
            count = stops.count(task_loss(error[:, None], along[:, :-1]))
        shown = after_frame(t, shown, along[every, count])
        tokens.append(chosen)
        counts.append(count)
    return History(torch.stack(tokens, 1), torch.stack(counts, 1))


def _choose(
    error: torch.Tensor, noise: torch.Tensor | None, geometry: Geometry, slots: int, price: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """One frame's tokens (B, n), and the atoms covered before each slot and at the end (B, n + 1, A)."""
    cells = geometry.covers > 0
    covered = torch.zeros_like(error, dtype=torch.bool)
    used = torch.zeros(len(error), len(cells), dtype=torch.bool, device=error.device)
    chosen, covers = [], [covered]
    for slot in range(slots):
        value = scores(error, covered, geometry, price)
        if noise is not None:
            value = value.clamp_min(1e-6).log() + noise[:, slot]
        token = value.masked_fill(used, -torch.inf).argmax(1)
        used = used.scatter(1, token[:, None], True)
        covered = covered | cells[token]
        chosen.append(token)
        covers.append(covered)
    return torch.stack(chosen, 1), torch.stack(covers, 1)


class _Captured:
    """`_choose` for one shape as a CUDA graph, which launches a frame's thousand small kernels at once."""

    def __init__(
        self, error: torch.Tensor, noise: torch.Tensor | None, geometry: Geometry, slots: int, price: float
    ) -> None:
        self._error, self._noise = error.clone(), None if noise is None else noise.clone()
        self._geometry = geometry  # keeps the captured address of its tensor valid
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            _choose(self._error, self._noise, geometry, slots, price)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._out = _choose(self._error, self._noise, geometry, slots, price)

    def __call__(self, error: torch.Tensor, noise: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        self._error.copy_(error)
        if self._noise is not None and noise is not None:
            self._noise.copy_(noise)
        self._graph.replay()
        chosen, covers = self._out
        return chosen.clone(), covers.clone()


_graphs: dict[tuple[object, ...], _Captured] = {}


def _captured(
    error: torch.Tensor, noise: torch.Tensor | None, geometry: Geometry, slots: int, price: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """`_choose` on a GPU."""
    key = (error.shape, error.device, noise is None, geometry.covers.data_ptr(), slots, price)
    if key not in _graphs:
        _graphs[key] = _Captured(error, noise, geometry, slots, price)
    return _graphs[key](error, noise)


def gumbel_noise(shape: tuple[int, ...], sizes: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Noise (B, ...) that, added to log scores, samples in proportion to the scores to the power 1 / size.

    Args:
        shape: of the noise.
        sizes: (B,), for each clip; 0 for no noise.
        generator: of the random numbers.
    """
    even = torch.rand(shape, generator=generator, device=generator.device)
    noise = -torch.log(-torch.log(even.clamp(1e-9, 1 - 1e-6)))
    return noise * sizes.reshape(-1, *[1] * (len(shape) - 1))


@dataclass(frozen=True)
class Lessons:
    """The training targets for a history.

    Attributes:
        scores: (B, T, n, N), the score of every cell before each slot, given the tokens of earlier slots.
        used: (B, T, n, N) bool, tokens chosen in earlier slots of the frame.
        task_loss: (B, T, n), the task loss before each slot.
        stale: (B, T, A), the error of each atom before the frame is processed.
    """

    scores: torch.Tensor
    used: torch.Tensor
    task_loss: torch.Tensor
    stale: torch.Tensor


def lessons(errors: Errors, geometry: Geometry, history: History, price: float = TOKEN_PRICE) -> Lessons:
    """Replays a history and scores every cell at each of its slots."""
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
