"""Features as colours, and how near the features of gazed patches are to those of all."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autogaze_web.encoder.feature_colours import FeatureColours, colour_picture
from autogaze_web.encoder.similarity import mean_cosine, picture_psnr

HIDDEN = 48


def features_of(seed, count=265, drift=0.0):
    """Features with three strong directions, which turn with ``drift``, and noise."""
    fixed = np.random.default_rng(7)
    directions = np.linalg.qr(fixed.normal(size=(HIDDEN, 6)))[0]
    turned = np.cos(drift) * directions[:, :3] + np.sin(drift) * directions[:, 3:]
    random = np.random.default_rng(seed)
    strengths = random.normal(size=(count, 3)) * (5, 3, 2)
    noise = random.normal(size=(count, HIDDEN)) * 0.05
    return (strengths @ turned.T + noise + 1).astype(np.float32), turned


def test_the_first_directions_are_the_principal_components():
    features, directions = features_of(0)
    colours = FeatureColours(HIDDEN)
    colours.of(features)
    assert np.abs(colours.basis.T @ colours.basis - np.eye(3)).max() < 1e-9
    centred = features.astype(np.float64) - features.mean(axis=0)
    expected = np.linalg.svd(centred, full_matrices=False)[2][:3].T
    assert np.abs(np.abs((colours.basis * expected).sum(axis=0)) - 1).max() < 1e-3
    assert np.linalg.norm(colours.basis.T @ directions) > 1.7


def test_colours_stay_while_features_stay_and_follow_them_slowly():
    colours = FeatureColours(HIDDEN)
    watched, _ = features_of(1)
    before = colours.of(watched).astype(int)
    for seed in range(2, 40):  # other patches of the same kind
        colours.of(features_of(seed, count=40)[0])
    after = colours.of(watched, learn=False).astype(int)
    assert np.abs(after - before).mean() < 12
    # Signs must not flip, nor directions change places.
    for channel in range(3):
        assert np.corrcoef(before[:, channel], after[:, channel])[0, 1] > 0.95
    last = colours.basis
    for step in range(60):
        features, directions = features_of(100 + step, drift=math.pi / 2 * min(step / 20, 1))
        colours.of(features)
        assert np.abs(colours.basis - last).max() < 0.15
        last = colours.basis
    assert np.linalg.norm(colours.basis.T @ directions) > 1.5, "they follow what the video shows"


def test_few_features_have_colours_without_moving_them():
    colours = FeatureColours(HIDDEN)
    assert colours.of(features_of(0, count=2)[0]).tolist() == [[128] * 3] * 2
    colours.of(features_of(0)[0])
    basis = colours.basis.copy()
    assert colours.of(features_of(1, count=3)[0]).shape == (3, 3)
    assert colours.of(np.zeros((0, HIDDEN), np.float32)).shape == (0, 3)
    assert (colours.basis == basis).all()
    constant = FeatureColours(HIDDEN)
    for _ in range(3):
        assert np.isfinite(constant.of(np.ones((9, HIDDEN), np.float32))).all()
    assert np.isfinite(constant.basis).all()
    with pytest.raises(ValueError, match=r"shape \(n, 48\)"):
        colours.of(np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="at least 3"):
        FeatureColours(2)


def test_newer_cells_cover_older_ones_and_finer_ones_coarser_ones():
    grey = np.arange(1, 8, dtype=np.uint8)[:, None].repeat(3, axis=1)
    first = (np.array([0, 5]), grey[:2])  # the left upper quarter, then a cell of the finer grid
    second = (np.array([6, 1]), grey[2:4])  # the finer one was chosen first
    picture = colour_picture([2, 3], [first, second])
    assert picture.shape == (6, 6, 4)
    assert picture[0, 0].tolist() == [1, 1, 1, 255]
    assert picture[0, 5].tolist() == [3, 3, 3, 255]
    # Patch 5 is the middle of the 3x3 grid's first row; the new quarter covers its right half.
    assert picture[:3, 2].tolist() == [[2, 2, 2, 255]] * 2 + [[1, 1, 1, 255]]
    assert picture[:3, 3].tolist() == [[4, 4, 4, 255]] * 3
    assert (picture[3:] == 0).all()


def test_the_cosine_is_of_rows():
    random = np.random.default_rng(0)
    first, second = random.normal(size=(2, 9, 5)).astype(np.float32)
    expected = np.mean(
        [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(first, second, strict=True)]
    )
    assert mean_cosine(first, second) == pytest.approx(expected, abs=1e-6)
    assert mean_cosine(first, first) == pytest.approx(1)
    assert math.isnan(mean_cosine(first[:0], second[:0]))
    first[0] = 0
    assert mean_cosine(first, first) == pytest.approx(8 / 9)
    with pytest.raises(ValueError, match="both have the shape"):
        mean_cosine(first, second[:3])
    with pytest.raises(ValueError, match="one shape"):
        picture_psnr(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 3, 3), np.uint8))
