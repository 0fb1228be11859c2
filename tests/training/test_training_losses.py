"""What training minimises is zero where it should be, and grows where it should."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="the tests of training need torch: pip install --group dev")

from autogaze_train.losses import (  # noqa: E402
    IDLE,
    LEAST_TASK_LOSS,
    NEGLIGIBLE,
    SHARPNESS,
    gaze_losses,
    staleness,
    targets,
)
from autogaze_train.network import Answer  # noqa: E402
from autogaze_train.search import Lessons  # noqa: E402

B, T, S, K, N, A = 1, 2, 2, 3, 8, 4


def make_lessons() -> Lessons:
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(B, T, S * K, N, generator=generator) * 100
    used = torch.zeros(B, T, S * K, N, dtype=torch.bool)
    for slot in range(1, S * K):
        used[:, :, slot:, slot - 1] = True
    return Lessons(scores, used, torch.full((B, T, S * K), 1.2), torch.full((B, T, A), 99.0))


def perfect(taught: Lessons) -> Answer:
    wanted = targets(taught.scores, taught.used).clamp_min(1e-30).log()
    logits = torch.cat([wanted, torch.full((*wanted.shape[:-1], 1), 50.0)], -1).reshape(B, T, S, K, N + 1)
    return Answer(logits, taught.task_loss.reshape(B, T, S, K), torch.full((B, T, A), 2.0))


def test_targets_are_powers_of_the_scores_without_used_tokens() -> None:
    scores = torch.tensor([4.0, 2.0, 8.0])
    found = targets(scores, torch.tensor([False, False, True]))
    assert found.tolist() == pytest.approx([1 / (1 + 0.5**SHARPNESS), 1 - 1 / (1 + 0.5**SHARPNESS), 0])


def test_a_perfect_answer_costs_nothing_and_end_of_sequence_is_not_trained() -> None:
    taught = make_lessons()
    losses = gaze_losses(perfect(taught), taught, torch.ones(B, T, S, dtype=torch.bool))
    assert float(losses.total()) == pytest.approx(0, abs=1e-4)


def test_each_loss_sees_its_own_fault() -> None:
    taught, reached = make_lessons(), torch.ones(B, T, S, dtype=torch.bool)
    good = perfect(taught)
    flat = gaze_losses(Answer(torch.zeros_like(good.logits), good.task_loss, good.noticed), taught, reached)
    assert float(flat.gaze) > 0.1
    assert float(flat.task_loss) == 0
    wrong = gaze_losses(Answer(good.logits, good.task_loss + 0.5, good.noticed), taught, reached)
    assert float(wrong.task_loss) == pytest.approx(0.5 / 1.2 - 0.025), "relative to the task loss of 1.2"
    taught.task_loss.fill_(0.01)
    calm = gaze_losses(
        Answer(good.logits, taught.task_loss.reshape(B, T, S, K) + 0.5, good.noticed), taught, reached
    )
    assert float(calm.task_loss) == pytest.approx(0.5 / LEAST_TASK_LOSS - 0.025)
    blind = gaze_losses(Answer(good.logits, good.task_loss, good.noticed + 1), taught, reached)
    assert float(blind.noticed) == pytest.approx(1 - 0.05)


def test_the_regret_is_the_logarithm_of_the_expected_share_of_the_best_score() -> None:
    taught, reached = make_lessons(), torch.ones(B, T, S, dtype=torch.bool)
    taught.scores[...] = torch.tensor([4.0, 4, 4, 4, 4, 4, 4, 8])
    good = perfect(taught)
    even = Answer(torch.zeros_like(good.logits), good.task_loss, good.noticed)
    first = torch.zeros(B, T, S, dtype=torch.bool)
    first[:, :, 0] = True
    only_first = Lessons(taught.scores, taught.used, taught.task_loss, taught.stale)
    only_first.used[:, :, :, :6] = True  # two tokens are open: one has half of the other's score
    losses = gaze_losses(even, only_first, first)
    assert float(losses.regret) == pytest.approx(-math.log(0.75))
    certain = torch.zeros_like(good.logits)
    certain[..., 7] = 50
    best = gaze_losses(Answer(certain, good.task_loss, good.noticed), only_first, reached)
    assert float(best.regret) == pytest.approx(0, abs=1e-4)
    assert float(best.gaze) > 0, "the divergence also wants the cell with half of the score"
    assert float(best.total(1.0)) == pytest.approx(0, abs=1e-4)
    assert float(best.total()) == pytest.approx(float(best.gaze), abs=1e-4)


def test_slots_with_more_to_gain_have_more_weight_in_the_regret() -> None:
    taught, reached = make_lessons(), torch.ones(B, T, S, dtype=torch.bool)
    taught.scores[:, 1] /= 100
    good = perfect(taught)

    def regret_of_a_blind_frame(t: int) -> float:
        logits = good.logits.clone()
        logits[:, t] = 0
        return float(gaze_losses(Answer(logits, good.task_loss, good.noticed), taught, reached).regret)

    always = float(gaze_losses(good, taught, reached).regret)
    assert regret_of_a_blind_frame(0) - always > 4 * (regret_of_a_blind_frame(1) - always)


def test_steps_that_a_frame_does_not_reach_do_not_count() -> None:
    taught = make_lessons()
    good = perfect(taught)
    logits = good.logits.clone()
    logits[:, :, 1] = 0
    reached = torch.ones(B, T, S, dtype=torch.bool)
    reached[:, :, 1] = False
    losses = gaze_losses(Answer(logits, good.task_loss, good.noticed), taught, reached)
    assert float(losses.gaze) == pytest.approx(0, abs=1e-4)


def test_a_frame_without_an_error_to_mend_counts_little() -> None:
    taught = make_lessons()
    good, reached = perfect(taught), torch.ones(B, T, S, dtype=torch.bool)
    logits = good.logits.clone()
    logits[:, 1] = 0
    wrong = Answer(logits, good.task_loss, good.noticed)
    task_loss = taught.task_loss.clone()
    alike = gaze_losses(wrong, taught, reached)
    task_loss[:, 1] = 0
    less = gaze_losses(wrong, Lessons(taught.scores, taught.used, task_loss, taught.stale), reached)
    # 1.2 is an error of 250 squared levels.
    counts = IDLE + (1 - IDLE) * 250 / (250 + NEGLIGIBLE)
    assert float(less.gaze / alike.gaze) == pytest.approx(2 * IDLE / (IDLE + counts), rel=0.01)


def test_staleness_averages_errors_over_patches() -> None:
    error = torch.zeros(1, 16)
    error[0, [0, 1, 4, 5]] = torch.tensor([99.0, 99.0, 0.0, 198.0])
    assert staleness(error, 4)[0].tolist() == pytest.approx([2.0, 0, 0, 0])
