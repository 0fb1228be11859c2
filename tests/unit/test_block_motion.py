"""Blocks that moved are found where they were, as a plain search finds them, and copied from there."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from autogaze_web.masks import block_search
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


@pytest.mark.parametrize("reach", [0, 1, 4, 7])
@pytest.mark.parametrize(("height", "width"), [(48, 64), (40, 37), (9, 9), (1, 1), (3, 50), (35, 2)])
def test_the_search_finds_what_a_plain_search_finds(height: int, width: int, reach: int) -> None:
    previous = image(height, width)
    # Large flat areas, so that many places are equally good.
    previous[: height // 2] = previous[: height // 2] // 64 * 64
    current = np.roll(previous, (2, -3), (0, 1))
    current[height // 3 :, : width // 3] = image(height, width, 1)[height // 3 :, : width // 3]
    assert (displacements(previous, current, reach) == plain(previous, current, 16, reach)).all()


@pytest.mark.parametrize("levels", [1, 4, 120])
def test_it_finds_the_same_in_flat_pictures_and_in_many_rows_of_blocks(levels: int) -> None:
    """In flat pictures many places are equally good; rows are searched in bands."""
    height, width = 80, 16 * 260
    previous = np.kron(image(height // 8, width // 8), np.ones((8, 8, 1), np.uint8)) // levels * levels
    current = np.roll(previous, (3, 5), (0, 1))
    current[::3] //= 2
    assert (displacements(previous, current, 3) == plain(previous, current, 16, 3)).all()


def test_a_frame_of_one_picture_is_not_moved_and_costs_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_search, "_least_differences", None)
    assert not displacements(image(64, 64), image(64, 64)).any()


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


@pytest.mark.parametrize(("grey", "moves"), [(128, False), (129, True)])
def test_a_block_moves_only_where_that_saves_more_than_it_costs(grey: int, moves: bool) -> None:
    """One pixel moved up by a row: where it was and where it is, 256 or 258 grey levels are wrong in all."""
    previous, current = np.zeros((48, 48, 4), np.uint8), np.zeros((48, 48, 4), np.uint8)
    previous[24, 20, :3] = current[23, 20, :3] = grey
    assert displacements(previous, current)[1, 1].tolist() == [int(moves), 0]


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match=r"one size, got \(16, 16\) and \(16, 32\)"):
        displacements(image(16, 16), image(16, 32))
    with pytest.raises(ValueError, match="0 pixels away or more, got -1"):
        displacements(image(16, 16), image(16, 16), -1)
    with pytest.raises(ValueError, match=r"\(1, 1\) blocks do not fit 32x16"):
        predicted(image(32, 16), np.zeros((1, 1, 2), np.int64))
