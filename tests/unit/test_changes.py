import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autogaze_web.frames.changes import (
    BLOCK_ROWS,
    BLOCK_WORDS,
    block_grid,
    block_tables,
    changed_blocks,
    regions,
    words_of_blocks,
)


@given(st.integers(1, 70), st.integers(1, 70), st.data())
def test_every_changed_word_lies_in_a_region_and_regions_do_not_overlap(height, width, data):
    before = np.zeros((height, width), np.uint64)
    after = before.copy()
    for _ in range(data.draw(st.integers(0, 4))):
        y, x = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
        after[y, x] = 1 << data.draw(st.integers(0, 63))
    flags = changed_blocks(before, after)
    assert flags.shape == block_grid(after.shape)
    visits = np.zeros((height, width), int)
    for region in regions(flags, after.shape):
        visits[region] += 1
    assert visits.max(initial=0) <= 1
    assert (visits[after != before] == 1).all()


def test_equal_frames_have_no_regions():
    frame = np.ones((100, 100), np.uint64)
    assert list(regions(changed_blocks(frame, frame.copy()), frame.shape)) == []


def test_one_changed_byte_flags_one_block():
    before = np.zeros((100, 100), np.uint64)
    after = before.copy()
    after[BLOCK_ROWS, BLOCK_WORDS] = 1 << 40
    assert np.argwhere(changed_blocks(before, after)).tolist() == [[1, 1]]


@given(st.integers(1, 70), st.integers(1, 70))
def test_tables_contain_every_block_once_in_its_place(height, width):
    words = np.arange(height * width, dtype=np.uint64).reshape(height, width)
    visits = np.zeros(block_grid(words.shape), int)
    for where, table in block_tables(words):
        assert np.shares_memory(table, words), "a view"
        visits[where] += 1
        for (row, column), _ in np.ndenumerate(visits[where]):
            y, x = (where[0].start + row) * BLOCK_ROWS, (where[1].start + column) * BLOCK_WORDS
            expected = words[y : y + BLOCK_ROWS, x : x + BLOCK_WORDS]
            np.testing.assert_array_equal(table[row, column], expected)
            taken = words_of_blocks(table, np.array([row, row]), np.array([column, column]))
            np.testing.assert_array_equal(taken, [expected.reshape(-1)] * 2)
    assert (visits == 1).all()
