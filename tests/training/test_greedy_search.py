"""The search against brute force: every cell tried with the page's own accumulation."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the tests of training need torch: pip install --group dev")

from tiny_model import tiny_values  # noqa: E402

from autogaze_train.geometry import Geometry  # noqa: E402
from autogaze_train.search import (  # noqa: E402
    LEAST_REMOVED,
    TOKEN_PRICE,
    Errors,
    History,
    Stops,
    after_frame,
    greedy_history,
    gumbel_noise,
    lessons,
    task_loss,
)
from autogaze_web.frames.rgba import as_frame  # noqa: E402
from autogaze_web.masks.update_plan import plan_update  # noqa: E402
from autogaze_web.model.config import AutoGazeConfig  # noqa: E402
from autogaze_web.model.tokens import ScaleLayout  # noqa: E402
from autogaze_web.panels.metrics import psnr  # noqa: E402
from autogaze_web.panels.output import Accumulator  # noqa: E402

CONFIG = AutoGazeConfig.from_dict(tiny_values())
LAYOUT = ScaleLayout.of(CONFIG)
GEOMETRY = Geometry.of(CONFIG)
SLOTS = 4


def make_clips(seed: int, clips: int = 2, frames: int = 4):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(clips, frames, 3, 8, 8, generator=generator) * 60 + 90
    fine = torch.nn.functional.interpolate(coarse.flatten(0, 1), (64, 64), mode="bilinear")
    return fine.reshape(clips, frames, 3, 64, 64).to(torch.uint8)


def rgba(frame) -> np.ndarray:
    return as_frame(np.ascontiguousarray(frame.permute(1, 2, 0).numpy()))


def squared(a: np.ndarray, b: np.ndarray) -> float:
    return float(((a[..., :3].astype(float) - b[..., :3]) ** 2).sum() / 3)


def accumulated(clip, frames: list[list[int]]) -> list[np.ndarray]:
    """The page's output after each frame, given each frame's tokens."""
    accumulator = Accumulator()
    images = []
    for frame, tokens in zip(clip, frames, strict=True):
        accumulator.update(rgba(frame), plan_update(LAYOUT.cells(tokens), 64, 64))
        images.append(accumulator.image.copy())
    return images


def best_cell(output: np.ndarray, frame: np.ndarray, taken: list[int]) -> tuple[int, float]:
    """The cell whose pixels, copied over, remove most for their cost; tried one by one."""
    done = np.zeros((64, 64), bool)
    for token in taken:
        done |= pixels_of(token)
    scores = []
    for token in range(LAYOUT.tokens):
        fresh = pixels_of(token) & ~done
        mended = output.copy()
        mended[fresh] = frame[fresh]
        atoms = fresh.sum() / GEOMETRY.side**2
        gain = (squared(output, frame) - squared(mended, frame)) / GEOMETRY.side**2
        cost = atoms + TOKEN_PRICE * GEOMETRY.finest_cell
        scores.append(-1.0 if token in taken else (gain + LEAST_REMOVED) / cost)
    return int(np.argmax(scores)), float(max(scores))


def pixels_of(token: int) -> np.ndarray:
    covered = np.zeros((64, 64), bool)
    for y0, x0, y1, x1 in plan_update(LAYOUT.cells([token]), 64, 64).rectangles.tolist():
        covered[y0:y1, x0:x1] = True
    return covered


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_each_choice_is_the_best_of_all_cells(seed: int) -> None:
    clips = make_clips(seed)
    history = greedy_history(Errors.of(clips, GEOMETRY), GEOMETRY, SLOTS)
    for clip, tokens in zip(clips, history.tokens.tolist(), strict=True):
        outputs = accumulated(clip, tokens)
        for t in range(1, len(tokens)):
            frame, output = rgba(clip[t]), outputs[t - 1]
            taken: list[int] = []
            for token in tokens[t]:
                assert token == best_cell(output, frame, taken)[0]
                taken.append(token)
                covered = pixels_of(token)
                output = output.copy()
                output[covered] = frame[covered]


def test_where_nothing_is_left_to_mend_the_cheapest_cells_are_taken() -> None:
    clips = make_clips(6, clips=1, frames=1).expand(-1, 3, -1, -1, -1).clone()
    clips[:, 2, :, :32, :32] += 40
    history = greedy_history(Errors.of(clips, GEOMETRY), GEOMETRY, SLOTS)
    atoms = GEOMETRY.covers.sum(1)
    assert (atoms[history.tokens[0, 1]] == GEOMETRY.finest_cell).all(), "a still frame"
    mended = history.tokens[0, 2, 0]
    assert atoms[mended] == 4 * GEOMETRY.finest_cell, "the quarter that changed, in one token"
    within = (GEOMETRY.covers[mended] @ GEOMETRY.covers[history.tokens[0, 2, 1:]].T).tolist()
    assert within == [GEOMETRY.finest_cell] * (SLOTS - 1), "then cells that cost no pixels"


def test_the_error_followed_is_that_of_the_pages_output() -> None:
    clips = make_clips(5)
    errors = Errors.of(clips, GEOMETRY)
    history = greedy_history(errors, GEOMETRY, SLOTS)
    covered = (GEOMETRY.covers[history.tokens] > 0).any(2)
    shown = torch.zeros(2, GEOMETRY.atoms, dtype=torch.int64)
    for t in range(clips.shape[1]):
        error = errors.before(t, shown) * ~covered[:, t]
        shown = after_frame(t, shown, covered[:, t])
        if t == 0:
            continue
        for b, clip in enumerate(clips):
            output = accumulated(clip, history.tokens[b].tolist())[t]
            expected = 255**2 / 10 ** (psnr(rgba(clip[t]), output) / 10)
            assert float(error[b].mean()) == pytest.approx(expected, rel=1e-4)


def test_lessons_score_every_slot_as_the_search_saw_it() -> None:
    clips = make_clips(3)
    errors = Errors.of(clips, GEOMETRY)
    history = greedy_history(errors, GEOMETRY, SLOTS)
    taught = lessons(errors, GEOMETRY, history)
    best = taught.scores.masked_fill(taught.used, -1).argmax(-1)
    assert torch.equal(best, history.tokens)
    for slot in range(SLOTS):
        before = taught.used[:, :, slot].sum(-1)
        assert (before == slot).all()
    assert (taught.task_loss.diff(dim=-1) <= 0).all()


def test_lessons_hold_for_any_history() -> None:
    """What counts is the reconstruction that the history left, not the search's."""
    clips = make_clips(4, clips=1, frames=3)
    errors = Errors.of(clips, GEOMETRY)
    tokens = torch.tensor([[[5, 6, 7], [0, 8, 9], [1, 2, 3]]])
    counts = torch.tensor([[3, 1, 3]])
    taught = lessons(errors, GEOMETRY, History(tokens, counts))
    outputs = accumulated(clips[0], [[5, 6, 7], [0], [1, 2, 3]])
    token, score = best_cell(outputs[1], rgba(clips[0, 2]), [])
    assert int(taught.scores[0, 2, 0].argmax()) == token
    assert float(taught.scores[0, 2, 0].max()) == pytest.approx(score, rel=1e-4)


def test_task_loss_is_the_logarithm_of_the_error_in_grey_levels() -> None:
    covered = torch.zeros(1, 4, dtype=torch.bool)
    assert float(task_loss(torch.zeros(1, 4), covered)[0]) == 0
    assert float(task_loss(torch.full((1, 4), 99.0), covered)[0]) == pytest.approx(1)
    covered[0, :2] = True
    assert float(task_loss(torch.full((1, 4), 198.0), covered)[0]) == pytest.approx(1)


def test_frames_end_at_their_budget_or_requirement_but_not_before_one_token() -> None:
    stops = Stops(torch.tensor([3, 2, 3]), torch.tensor([0.5, 0.5, -torch.inf]))
    losses = torch.tensor([[0.9, 0.4, 0.3], [0.4, 0.9, 0.9], [0.0, 0.0, 0.0]])
    assert stops.count(losses).tolist() == [1, 2, 3]
    assert Stops(torch.tensor([3]), torch.tensor([2.0])).count(torch.ones(1, 3)).tolist() == [1]


def test_noise_lets_choices_stray_but_never_repeat() -> None:
    clips = make_clips(6, clips=8)
    errors = Errors.of(clips, GEOMETRY)
    generator = torch.Generator().manual_seed(0)
    sizes = torch.tensor([0.0] * 4 + [3.0] * 4)
    noise = gumbel_noise((8, 4, SLOTS, LAYOUT.tokens), sizes, generator)
    straying = greedy_history(errors, GEOMETRY, SLOTS, noise=noise)
    straight = greedy_history(errors, GEOMETRY, SLOTS)
    assert torch.equal(straying.tokens[:4], straight.tokens[:4])
    assert not torch.equal(straying.tokens[4:], straight.tokens[4:])
    for frame in straying.tokens.flatten(0, 1).tolist():
        assert len(set(frame)) == SLOTS


def test_a_size_that_cells_do_not_divide_is_refused() -> None:
    values = tiny_values()
    values["gaze_model_config"]["input_img_size"] = 66
    with pytest.raises(ValueError, match="multiple of 4"):
        Geometry.of(AutoGazeConfig.from_dict(values))
