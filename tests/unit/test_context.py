from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogaze_web.model.context import HIDDEN, ContextFullError, ContextRows, Copy, copies_to

TRUE, FALSE = np.bool_(True), np.bool_(False)


def visible_rows(rows: ContextRows) -> list[int]:
    return np.flatnonzero(rows.bias[0] == 0).tolist()


def test_rows_are_given_out_in_turn_and_around_the_end() -> None:
    rows = ContextRows(6)
    first = rows.place(np.array([True, False, True, True]))
    copies = copies_to(first, np.arange(10, 14))
    assert first.tolist() == [0, 1, 2, 3]
    assert copies == (Copy(10, 4, 0),)
    assert visible_rows(rows) == [0, 2, 3]
    assert rows.bias[0, 1] == np.float32(HIDDEN)
    rows.release(first)
    second = rows.place(np.ones(5, bool))
    copies = copies_to(second, np.arange(5))
    assert second.tolist() == [4, 5, 0, 1, 2]
    assert copies == (Copy(0, 2, 4), Copy(2, 3, 0))
    assert visible_rows(rows) == [0, 1, 2, 4, 5]


def test_a_fixed_context_says_when_it_is_full() -> None:
    rows = ContextRows(3)
    rows.place(np.ones(2, bool))
    with pytest.raises(ContextFullError, match="3 rows and needs 1 more"):
        rows.place(np.ones(2, bool))


def test_a_growing_context_keeps_what_it_has() -> None:
    rows = ContextRows(2, growth=4)
    rows.place(np.array([True, False]))
    more = rows.place(np.ones(5, bool))
    assert rows.capacity == 10
    assert more.tolist() == [2, 3, 4, 5, 6]
    assert visible_rows(rows) == [0, 2, 3, 4, 5, 6]


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(1, 4))
def test_rows_in_use_never_overlap(frames: list[int], window: int) -> None:
    rows, held = ContextRows(1, growth=3), []
    for count in frames:
        if len(held) == window:
            rows.release(held.pop(0))
        given_out = rows.place(np.ones(count, bool))
        copies = copies_to(given_out, np.arange(5, 5 + count))
        held.append(given_out)
        together = np.concatenate(held)
        assert len(set(together.tolist())) == together.size
        assert visible_rows(rows) == sorted(together.tolist())
        targets = np.concatenate([np.arange(c.row, c.row + c.count) for c in copies] or [np.zeros(0)])
        assert targets.tolist() == given_out.tolist()
        sources = np.concatenate([np.arange(c.source, c.source + c.count) for c in copies] or [np.zeros(0)])
        assert sources.tolist() == list(range(5, 5 + count))
    assert rows.capacity <= 1 + 9 * window + 3
