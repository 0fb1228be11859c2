"""Blocks that moved are found where they were, as a plain search finds them, and copied from there."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from autogaze_web.masks.block_motion import displacements, predicted


def image(height: int, width: int, seed: int = 0) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    return pixels


def plain(previous: np.ndarray, current: np.ndarray, block: int, reach: int) -> np.ndarray:
    """Block by block and place by place."""
    height, width = current.shape[:2]
    old, new = (each[..., :3].astype(int).sum(2) // 3 for each in (previous, current))
    tops, lefts = range(0, height, block), range(0, width, block)
    found = np.zeros((len(tops), len(lefts), 2), int)
    places = sorted(product(range(-reach, reach + 1), repeat=2), key=lambda at: at[0] ** 2 + at[1] ** 2)
    for (i, top), (j, left) in product(enumerate(tops), enumerate(lefts)):
        bottom, right = min(top + block, height), min(left + block, width)
        costs = {}
        for y, x in places:
            if top + y >= 0 and bottom + y <= height and left + x >= 0 and right + x <= width:
                source = old[top + y : bottom + y, left + x : right + x]
                costs[y, x] = np.abs(new[top:bottom, left:right] - source).sum() + 256 * ((y, x) != (0, 0))
        found[i, j] = min(costs, key=costs.__getitem__)
    return found


@pytest.mark.parametrize(("height", "width"), [(48, 64), (40, 37), (9, 9)])
def test_the_search_finds_what_a_plain_search_finds(height: int, width: int) -> None:
    previous = image(height, width)
    # Large flat areas, so that many places are equally good.
    previous[: height // 2] = previous[: height // 2] // 64 * 64
    current = np.roll(previous, (2, -3), (0, 1))
    current[height // 3 :, : width // 3] = image(height, width, 1)[height // 3 :, : width // 3]
    assert (displacements(previous, current, 16, 4) == plain(previous, current, 16, 4)).all()


def test_a_pan_is_rebuilt_without_a_pixel_of_the_new_frame() -> None:
    wide = image(64, 80)
    previous, current = wide[:, :64], wide[:, 5:69]
    frame = predicted(previous, displacements(previous, current))
    inside = np.s_[:, :48]
    assert (frame[inside] == current[inside]).all(), "of the last column of blocks the source is outside"
    assert not (previous[inside] == current[inside]).all()


def test_noise_moves_nothing() -> None:
    still = np.full((64, 64, 4), 100, np.uint8)
    noisy = still.copy()
    noisy[..., :3] += np.random.default_rng(0).integers(0, 2, (64, 64, 1), dtype=np.uint8)
    assert not displacements(still, noisy).any()
    assert not displacements(image(64, 64), image(64, 64, 1), reach=0).any()


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match=r"one size, got \(16, 16\) and \(16, 32\)"):
        displacements(image(16, 16), image(16, 32))
    with pytest.raises(ValueError, match="got 0 and 7"):
        displacements(image(16, 16), image(16, 16), block=0)
    with pytest.raises(ValueError, match=r"\(1, 1\) blocks do not fit 32x16"):
        predicted(image(32, 16), np.zeros((1, 1, 2), np.int64))
