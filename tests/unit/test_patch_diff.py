import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogaze_web.frames.rgba import as_frame
from autogaze_web.masks.cells import cell_edges
from autogaze_web.masks.patch_diff import IMAGE_STD, PatchDiff, active_cells, patch_difference

MEAN = np.array([0.485, 0.456, 0.406])


def reference_scores(previous, current, grid):
    """The definition, word by word: normalise, absolute difference, mean over channels and pixels."""

    def normalise(frame):
        return (frame[..., :3] / 127.5 - 1 - MEAN) / IMAGE_STD

    change = np.abs(normalise(current) - normalise(previous))
    rows = list(zip(*cell_edges(grid, current.shape[0]), strict=True))
    columns = list(zip(*cell_edges(grid, current.shape[1]), strict=True))
    return np.array([[change[y0:y1, x0:x1].mean() for x0, x1 in columns] for y0, y1 in rows])


def random_frames(seed, height, width):
    generator = np.random.default_rng(seed)
    previous = generator.integers(0, 256, (height, width, 4), dtype=np.uint8)
    current = previous.copy()
    y, x = generator.integers(0, height), generator.integers(0, width)
    current[y:, x:] = generator.integers(0, 256, current[y:, x:].shape, dtype=np.uint8)
    return as_frame(previous), as_frame(current)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 90), st.integers(1, 90), st.integers(1, 16))
def test_scores_equal_the_definition(seed, height, width, grid):
    previous, current = random_frames(seed, height, width)
    expected = reference_scores(previous, current, grid)
    np.testing.assert_allclose(patch_difference(previous, current, grid), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("height", "width"), [(360, 640), (359, 641), (720, 1280)])
def test_scores_of_video_sizes(height, width):
    previous, current = random_frames(7, height, width)
    expected = reference_scores(previous, current, 14)
    np.testing.assert_allclose(patch_difference(previous, current, 14), expected, rtol=0, atol=1e-12)


def test_large_cells_do_not_overflow_the_packed_sums():
    black, white = np.zeros((1100, 40, 4), np.uint8), np.full((1100, 40, 4), 255, np.uint8)
    assert patch_difference(black, white, 1)[0, 0] == pytest.approx(reference_scores(black, white, 1)[0, 0])


def test_thresholds_in_grey_levels():
    # 0.15 is a mean change of about 4.3 levels: 4 stay below, 5 exceed it.
    base = np.full((14, 14, 4), 100, np.uint8)
    assert len(PatchDiff()(base, base + np.uint8(4))) == 0
    assert len(PatchDiff()(base, base + np.uint8(5))) == 196


def test_active_cells_are_sorted_by_score_and_then_by_position():
    scores = np.array([[0.2, 0.5], [0.5, 0.15]])
    cells = active_cells(scores, 0.15)
    assert list(zip(cells.row.tolist(), cells.col.tolist(), strict=True)) == [(0, 1), (1, 0), (0, 0)]
    assert cells.grid.tolist() == [2, 2, 2]
    assert cells.confidence.tolist() == [1, 1, 1]


def test_confidence_without_a_threshold_is_the_score():
    cells = active_cells(np.array([[0.25, 3.0], [0.0, np.nan]]), 0.0)
    assert cells.confidence.tolist() == [1.0, 0.25]


def test_equal_frames_have_no_cells_even_at_threshold_zero():
    frame = np.random.default_rng(0).integers(0, 256, (30, 40, 4), dtype=np.uint8)
    assert len(PatchDiff(threshold=0)(frame, frame.copy())) == 0


def test_alpha_is_ignored():
    frame = np.zeros((28, 28, 4), np.uint8)
    opaque = frame.copy()
    opaque[..., 3] = 255
    assert patch_difference(frame, opaque).max() == 0


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"grid": 0}, "at least 1 cell"),
        ({"threshold": -0.1}, "at least 0"),
        ({"threshold": np.nan}, "finite"),
    ],
)
def test_errors_for_invalid_settings(settings_, message):
    with pytest.raises(ValueError, match=message):
        PatchDiff(**settings_)


def test_error_for_frames_of_different_sizes():
    with pytest.raises(ValueError, match="one size"):
        patch_difference(np.zeros((4, 4, 4), np.uint8), np.zeros((4, 6, 4), np.uint8))
