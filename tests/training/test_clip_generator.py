"""Clips are made as their kind says, and again the same."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the tests of training need torch: pip install --group dev")

from autogaze_train.documents import draw_documents  # noqa: E402
from autogaze_train.render import Pictures, render_clips  # noqa: E402
from autogaze_train.scene import HELD_OUT_KINDS, KINDS, TRAINING_KINDS, draw_kinds  # noqa: E402
from autogaze_train.screens import render_screens  # noqa: E402


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    generator = torch.Generator().manual_seed(7)
    coarse = torch.rand(4, 3, 24, 24, generator=generator) * 255
    fine = torch.nn.functional.interpolate(coarse, (96, 96), mode="bilinear")
    return Pictures(fine.to(torch.uint8))


def render(pictures: Pictures, kinds: list[str], seed: int = 0, size: int = 48):
    return render_clips(pictures, kinds, 8, size, torch.Generator().manual_seed(seed))


def change(clip, later: int, earlier: int) -> float:
    return float((clip[later].float() - clip[earlier].float()).abs().mean())


def test_the_same_seed_makes_the_same_clips_and_another_seed_others(pictures: Pictures) -> None:
    kinds = list(KINDS)
    first = render(pictures, kinds)
    assert first.shape == (len(kinds), 8, 3, 48, 48)
    assert first.dtype == torch.uint8
    assert torch.equal(first, render(pictures, kinds))
    assert not torch.equal(first, render(pictures, kinds, seed=1))


def test_a_static_scene_has_noise_and_nothing_else(pictures: Pictures) -> None:
    clips = render(pictures, ["static"] * 8).float()
    mean = clips.mean(1, keepdim=True)
    assert float((clips - mean).abs().amax()) < 20
    assert float((clips[:, 0] - clips[:, -1]).mean().abs()) < 0.5


@pytest.mark.parametrize("kind", ["pan", "zoom", "rotation", "handheld", "parallax", "ripple"])
def test_what_moves_as_a_whole_changes_everywhere(pictures: Pictures, kind: str) -> None:
    clips = render(pictures, [kind] * 12)
    still = render(pictures, ["static"] * 12)
    moved = (clips[:, 0].float() - clips[:, -1].float()).abs().mean(1)  # (12, 48, 48)
    noise = (still[:, 0].float() - still[:, -1].float()).abs().mean(1)
    quadrants = torch.nn.functional.avg_pool2d(moved, 24)
    assert float(quadrants.mean(0).min()) > 2 * float(noise.mean())


def test_objects_change_some_of_the_frame_only(pictures: Pictures) -> None:
    clips = render(pictures, ["objects"] * 24, size=64)
    moved = (clips[:, 0].float() - clips[:, -1].float()).abs().mean(1) > 12
    shares = moved.float().mean((1, 2))
    assert 0.01 < float(shares.mean()) < 0.5


def test_a_cut_changes_the_picture_once(pictures: Pictures) -> None:
    clips = render(pictures, ["cut"] * 12)
    for clip in clips:
        changes = [change(clip, t, t - 1) for t in range(1, 8)]
        largest = max(range(7), key=lambda t: changes[t])
        others = [c for t, c in enumerate(changes) if t != largest]
        if changes[largest] > 25:  # the two crops may be one and the same
            assert changes[largest] > 2 * max(others)


def test_light_changes_brightness_and_noise_does_not(pictures: Pictures) -> None:
    light = render(pictures, ["lighting"] * 12).float().mean((2, 3, 4))
    noise = render(pictures, ["noise"] * 12).float().mean((2, 3, 4))
    assert float((light.amax(1) - light.amin(1)).mean()) > 4 * float((noise.amax(1) - noise.amin(1)).mean())


def test_training_never_draws_a_held_out_kind() -> None:
    drawn = set(draw_kinds(4000, torch.Generator().manual_seed(0)))
    assert drawn == set(TRAINING_KINDS)
    assert not drawn & set(HELD_OUT_KINDS)


def test_documents_have_sharp_edges_and_depend_on_the_seed_and_their_index_only() -> None:
    documents = draw_documents(6, 192, 1)
    assert documents.shape == (6, 3, 192, 192)
    assert documents.dtype == torch.uint8
    assert torch.equal(documents[:2], draw_documents(2, 192, 1))
    assert not torch.equal(documents, draw_documents(6, 192, 2))
    steps = documents.float().diff(dim=-1).abs().amax((1, 2, 3))
    assert float(steps.min()) > 60


def test_screens_rest_except_where_and_when_something_is_replaced(pictures: Pictures) -> None:
    clips = render_screens(pictures, 24, 8, 48, torch.Generator().manual_seed(0))
    assert clips.shape == (24, 8, 3, 48, 48)
    assert torch.equal(clips, render_screens(pictures, 24, 8, 48, torch.Generator().manual_seed(0)))
    change = clips.float().diff(dim=1).abs().amax(2)  # (24, 7, 48, 48)
    changed = (change > 20).float().mean((2, 3))  # the share of the pixels in each frame
    assert float(changed.median()) < 0.02, "most frames repeat the last one"
    assert float((changed.amax(1) > 0.02).float().mean()) > 0.5, "most clips have an event"
