"""The sparse and the dense way of a plan to the pixels are one."""

from unittest import mock

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from strategies import some_cells

from autogaze_web.frames.changes import BLOCK_ROWS, BLOCK_WORDS
from autogaze_web.frames.rgba import as_frame
from autogaze_web.masks import update_plan
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.update_plan import plan_update
from autogaze_web.panels import plan_pixels
from autogaze_web.panels.output import Accumulator

SIDES = st.integers(1, 80)


def two_frames(height, width):
    frames = np.random.default_rng(height).integers(0, 256, (2, height, width, 4), dtype=np.uint8)
    return [as_frame(frame) for frame in frames]


@given(some_cells(), SIDES, SIDES, st.sampled_from([1, 100, update_plan.WORDS_AT_ONCE]))
def test_both_ways_write_the_same_pixels(cells, height, width, words_at_once):
    plan = plan_update(cells, height, width)
    before, frame = two_frames(height, width)
    for sparse, dense, more in (
        (plan_pixels.copy_sparse, plan_pixels.copy_dense, ()),
        (plan_pixels.lighten_sparse, plan_pixels.lighten_dense, (0.38,)),
    ):
        outputs = [as_frame(before.copy()) for _ in range(2)]
        sparse(outputs[0], frame, plan, *more)
        with mock.patch.object(update_plan, "WORDS_AT_ONCE", words_at_once):
            dense(outputs[1], frame, plan, *more)
        np.testing.assert_array_equal(*outputs)
        np.testing.assert_array_equal(outputs[0][~plan.pixels()], before[~plan.pixels()])


@given(some_cells(), SIDES, SIDES)
def test_blocks_are_those_of_the_pixels(cells, height, width):
    plan = plan_update(cells, height, width)
    pixels = plan.pixels()
    assert pixels.sum() == plan.pixel_count
    touched, inside = plan_pixels.covered_blocks(plan)
    for (row, column), flag in np.ndenumerate(touched):
        side = 2 * BLOCK_WORDS
        block = pixels[row * BLOCK_ROWS :, column * side :][:BLOCK_ROWS, :side]
        assert flag == block.any()
        assert inside[row, column] == block.all()


def test_many_small_cells_are_dense_and_few_are_not():
    row, col = np.divmod(np.arange(0, 64 * 64, 2), 64)
    checks = Cells.of(64, row, (col + row) % 64)
    assert plan_pixels.is_dense(plan_update(checks, 180, 320))
    assert not plan_pixels.is_dense(plan_update(Cells.of(14, [0, 3], [1, 9]), 180, 320))
    assert not plan_pixels.is_dense(plan_update(Cells.none(), 1, 1))
    some = plan_update(Cells.of(64, *np.divmod(np.arange(0, 64 * 64, 330), 64)), 180, 320)
    assert (
        180 * 320 / plan_pixels.DENSE_BLEND_BELOW < len(some.rectangles) < 180 * 320 / plan_pixels.DENSE_BELOW
    )
    assert not plan_pixels.is_dense(some)
    assert plan_pixels.is_dense(some, blended=True)


def test_an_accumulator_takes_either_way_alike(monkeypatch):
    row, col = np.divmod(np.arange(0, 64 * 64, 2), 64)
    plan = plan_update(Cells.of(64, row, (col + row) % 64), 90, 141)
    results = []
    for limit in (0, 10**9):
        monkeypatch.setattr(plan_pixels, "DENSE_BELOW", limit)
        accumulator = Accumulator()
        for frame in two_frames(90, 141):
            update = accumulator.update(frame, plan)
        results.append((accumulator.image, update.written, update.box))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
