import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from strategies import pixels_of

from autogaze_web.frames import rectangles
from autogaze_web.frames.rectangles import bands, bounding_box, first_covering, rectangles_of

SIDES = st.integers(1, 20)


@given(npst.arrays(np.bool_, st.tuples(SIDES, SIDES)))
def test_rectangles_cover_exactly_the_true_entries_once(flags):
    np.testing.assert_array_equal(pixels_of(rectangles_of(flags), *flags.shape), flags)


def test_equal_rows_share_their_rectangles():
    flags = np.array([[1, 1, 0, 1], [1, 1, 0, 1], [0, 1, 0, 0]], np.bool_)
    assert rectangles_of(flags).tolist() == [[0, 0, 2, 2], [0, 3, 2, 4], [2, 1, 3, 2]]


def test_the_first_rectangle_covers_a_place():
    covering = first_covering(np.array([[0, 1, 2, 3], [0, 0, 1, 2]], np.int32), 2, 4)
    assert covering.tolist() == [[1, 0, 0, 2], [2, 0, 0, 2]]


def test_bounding_box():
    assert bounding_box(np.array([[3, 4, 5, 6], [1, 5, 2, 9]], np.int32)) == (1, 4, 5, 9)
    assert bounding_box(np.zeros((0, 4), np.int32)) == (0, 0, 0, 0)


def test_bands_have_at_least_one_row(monkeypatch):
    monkeypatch.setattr(rectangles, "WORDS_AT_ONCE", 8)
    assert list(bands((1, 0, 4, 8))) == [(1, 0, 3, 8), (3, 0, 4, 8)]
    assert list(bands((0, 0, 2, 100))) == [(0, 0, 1, 100), (1, 0, 2, 100)]
