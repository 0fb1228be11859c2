import numpy as np
import pytest

from autogaze_web.frames.rgba import as_frame
from autogaze_web.masks.cells import Cells, cell_rectangles
from autogaze_web.masks.update_plan import plan_update
from autogaze_web.panels.output import Accumulation, Accumulator

SIZES = [(56, 56), (37, 53), (90, 141)]


def random_frame(seed, size):
    frame = np.random.default_rng(seed).integers(0, 256, (*size, 4), dtype=np.uint8)
    frame[..., 3] = 255
    return as_frame(frame)


def union(cells, size):
    mask = np.zeros(size, bool)
    for y0, x0, y1, x1 in cell_rectangles(cells, *size).tolist():
        mask[y0:y1, x0:x1] = True
    return mask


CELLS = Cells.of([14, 14, 14, 2, 7], [0, 3, 13, 1, 3], [0, 4, 13, 0, 2])


@pytest.mark.parametrize("size", SIZES)
def test_interframe_copies_exactly_the_covered_pixels(size):
    first, second = random_frame(0, size), random_frame(1, size)
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
    frame = random_frame(2, size)
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
def test_what_an_update_says_of_its_blocks_is_true(mode):
    size = (90, 141)
    accumulator = Accumulator(Accumulation(mode=mode))
    accumulator.update(random_frame(0, size), plan_update(Cells.none(), *size))
    before = accumulator.image.copy()
    frame = random_frame(1, size)
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


def test_keyframes_come_at_their_interval():
    accumulator = Accumulator(Accumulation(keyframe_interval=3))
    plan = plan_update(Cells.none(), 20, 20)
    frames = [accumulator.update(random_frame(i, (20, 20)), plan).keyframe for i in range(8)]
    assert frames == [True, False, False, True, False, False, True, False]


def test_a_change_of_size_or_mode_is_a_keyframe_and_of_the_interval_is_not():
    accumulator = Accumulator()
    plan = plan_update(Cells.none(), 20, 20)
    accumulator.update(random_frame(0, (20, 20)), plan)
    accumulator.configure(Accumulation(keyframe_interval=100))
    assert not accumulator.update(random_frame(1, (20, 20)), plan).keyframe
    accumulator.configure(Accumulation(mode="full-blend", keyframe_interval=100))
    assert accumulator.update(random_frame(2, (20, 20)), plan).keyframe
    assert accumulator.update(random_frame(3, (20, 22)), plan_update(Cells.none(), 20, 22)).keyframe


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "overlay"}, "one of interframe, full-blend, got 'overlay'"),
        ({"keyframe_interval": -1}, "0 for never"),
        ({"blend_alpha": 2}, "alpha goes from 0"),
    ],
)
def test_wrong_settings_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        Accumulation(**arguments)
