from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import noise_frame, some_cells

from autogaze_web.frames import rectangles
from autogaze_web.frames.changes import BLOCK_ROWS, BLOCK_WORDS
from autogaze_web.frames.rgba import as_frame
from autogaze_web.masks.cells import Cells, cell_rectangles
from autogaze_web.masks.update_plan import plan_update
from autogaze_web.panels import output as output_panel
from autogaze_web.panels.output import Accumulation, Accumulator

SIDES = st.integers(1, 80)
SIZES = [(56, 56), (37, 53), (90, 141)]


def union(cells, size):
    mask = np.zeros(size, bool)
    for y0, x0, y1, x1 in cell_rectangles(cells, *size).tolist():
        mask[y0:y1, x0:x1] = True
    return mask


CELLS = Cells.of([14, 14, 14, 2, 7], [0, 3, 13, 1, 3], [0, 4, 13, 0, 2])


@pytest.mark.parametrize("size", SIZES)
def test_interframe_copies_exactly_the_covered_pixels(size):
    first, second = noise_frame(0, *size), noise_frame(1, *size)
    accumulator = Accumulator()
    keyframe = accumulator.update(first, plan_update(Cells.none(), *size))
    assert keyframe.keyframe
    assert keyframe.updated_pixels == size[0] * size[1]
    np.testing.assert_array_equal(accumulator.image, first)

    update = accumulator.update(second, plan_update(CELLS, *size))
    mask = union(CELLS, size)
    np.testing.assert_array_equal(accumulator.image, np.where(mask[..., None], second, first))
    assert not update.keyframe
    assert update.updated_pixels == mask.sum()


@pytest.mark.parametrize("size", SIZES)
def test_full_blend_lightens_each_covered_pixel_once(size):
    frame = noise_frame(2, *size)
    accumulator = Accumulator(Accumulation(mode="full-blend"))
    accumulator.update(frame, plan_update(Cells.none(), *size))
    update = accumulator.update(frame, plan_update(CELLS, *size))
    # In hundredths: 62 parts of the frame and 38 of white, halves rounded up.
    light = (frame[..., :3].astype(int) * 62 + 255 * 38 + 50) // 100
    mask = union(CELLS, size)
    np.testing.assert_array_equal(
        accumulator.image[..., :3], np.where(mask[..., None], light, frame[..., :3])
    )
    assert (accumulator.image[..., 3] == 255).all()
    assert update.updated_pixels == mask.sum()


@pytest.mark.parametrize("mode", ["interframe", "full-blend"])
def test_updates_report_their_blocks_and_box_correctly(mode):
    size = (90, 141)
    accumulator = Accumulator(Accumulation(mode=mode))
    accumulator.update(noise_frame(0, *size), plan_update(Cells.none(), *size))
    before = accumulator.image.copy()
    frame = noise_frame(1, *size)
    update = accumulator.update(frame, plan_update(CELLS, *size))
    for (row, column), equal in np.ndenumerate(update.equal):
        block = np.s_[16 * row : 16 * row + 16, 32 * column : 32 * column + 32]
        if equal:
            np.testing.assert_array_equal(accumulator.image[block], frame[block])
        if not update.written[row, column]:
            np.testing.assert_array_equal(accumulator.image[block], before[block])
    y0, x0, y1, x1 = update.box
    outside = np.ones(size, bool)
    outside[y0:y1, x0:x1] = False
    np.testing.assert_array_equal(accumulator.image[outside], before[outside])


def test_keyframe_interval():
    accumulator = Accumulator(Accumulation(keyframe_interval=3))
    plan = plan_update(Cells.none(), 20, 20)
    frames = [accumulator.update(noise_frame(i, 20, 20), plan).keyframe for i in range(8)]
    assert frames == [True, False, False, True, False, False, True, False]


def test_a_change_of_size_or_mode_forces_a_keyframe_and_a_new_interval_does_not():
    accumulator = Accumulator()
    plan = plan_update(Cells.none(), 20, 20)
    accumulator.update(noise_frame(0, 20, 20), plan)
    accumulator.configure(Accumulation(keyframe_interval=100))
    assert not accumulator.update(noise_frame(1, 20, 20), plan).keyframe
    accumulator.configure(Accumulation(mode="full-blend", keyframe_interval=100))
    assert accumulator.update(noise_frame(2, 20, 20), plan).keyframe
    assert accumulator.update(noise_frame(3, 20, 22), plan_update(Cells.none(), 20, 22)).keyframe


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "overlay"}, "one of interframe, full-blend, got 'overlay'"),
        ({"keyframe_interval": -1}, "0 for never"),
        ({"blend_alpha": 2}, "alpha goes from 0"),
    ],
)
def test_errors_for_invalid_settings(arguments, message):
    with pytest.raises(ValueError, match=message):
        Accumulation(**arguments)


def two_frames(height, width):
    frames = np.random.default_rng(height).integers(0, 256, (2, height, width, 4), dtype=np.uint8)
    return [as_frame(frame) for frame in frames]


@given(some_cells(), SIDES, SIDES, st.sampled_from([1, 100, rectangles.WORDS_AT_ONCE]))
def test_sparse_and_dense_updates_write_the_same_pixels(cells, height, width, words_at_once):
    plan = plan_update(cells, height, width)
    before, frame = two_frames(height, width)
    for sparse, dense, more in (
        (output_panel.copy_sparse, output_panel.copy_dense, ()),
        (output_panel.lighten_sparse, output_panel.lighten_dense, (0.38,)),
    ):
        outputs = [as_frame(before.copy()) for _ in range(2)]
        sparse(outputs[0], frame, plan, *more)
        with mock.patch.object(rectangles, "WORDS_AT_ONCE", words_at_once):
            dense(outputs[1], frame, plan, *more)
        np.testing.assert_array_equal(*outputs)
        np.testing.assert_array_equal(outputs[0][~plan.pixels()], before[~plan.pixels()])


@given(some_cells(), SIDES, SIDES)
def test_covered_blocks_match_the_pixels_of_the_plan(cells, height, width):
    plan = plan_update(cells, height, width)
    pixels = plan.pixels()
    assert pixels.sum() == plan.pixel_count
    touched, inside = output_panel.covered_blocks(plan)
    for (row, column), flag in np.ndenumerate(touched):
        side = 2 * BLOCK_WORDS
        block = pixels[row * BLOCK_ROWS :, column * side :][:BLOCK_ROWS, :side]
        assert flag == block.any()
        assert inside[row, column] == block.all()


def test_many_small_cells_are_dense_and_few_are_not():
    row, col = np.divmod(np.arange(0, 64 * 64, 2), 64)
    checks = Cells.of(64, row, (col + row) % 64)
    assert output_panel.is_dense(plan_update(checks, 180, 320))
    assert not output_panel.is_dense(plan_update(Cells.of(14, [0, 3], [1, 9]), 180, 320))
    assert not output_panel.is_dense(plan_update(Cells.none(), 1, 1))
    some = plan_update(Cells.of(64, *np.divmod(np.arange(0, 64 * 64, 330), 64)), 180, 320)
    assert (
        180 * 320 / output_panel.DENSE_BLEND_BELOW
        < len(some.rectangles)
        < 180 * 320 / output_panel.DENSE_BELOW
    )
    assert not output_panel.is_dense(some)
    assert output_panel.is_dense(some, blended=True)


def test_the_output_does_not_depend_on_sparse_or_dense_updates(monkeypatch):
    row, col = np.divmod(np.arange(0, 64 * 64, 2), 64)
    plan = plan_update(Cells.of(64, row, (col + row) % 64), 90, 141)
    results = []
    for limit in (0, 10**9):
        monkeypatch.setattr(output_panel, "DENSE_BELOW", limit)
        accumulator = Accumulator()
        for frame in two_frames(90, 141):
            update = accumulator.update(frame, plan)
        results.append((accumulator.image, update.written, update.box))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
