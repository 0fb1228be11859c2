import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import pixels_of, some_cells

from autogaze_web.masks.cells import Cells, cell_rectangles
from autogaze_web.readout.image_pyramid import (
    adaptive_average_pool,
    apply_image_mask,
    image_mask,
    pyramid_masks,
    pyramid_tokens,
    sparsify,
)
from autogaze_web.readout.token_grids import ImageGrid


@given(some_cells(), st.integers(1, 40), st.integers(1, 40))
def test_the_mask_is_1_at_the_pixels_of_the_cells(cells, height, width):
    mask = image_mask([cells, Cells.none()], height, width)
    expected = pixels_of(cell_rectangles(cells, height, width), height, width) > 0
    np.testing.assert_array_equal(mask[0, 0], expected)
    assert not mask[1].any()


def test_pooling_averages_cells_that_may_share_pixels():
    image = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
    pooled = adaptive_average_pool(image, ImageGrid(2, 2))
    np.testing.assert_allclose(pooled[0, 0], [[2, 3], [5, 6]])
    np.testing.assert_array_equal(adaptive_average_pool(image, ImageGrid(3, 3)), image)


def test_masks_fill_the_rest_and_are_repeated_to_the_images_size():
    image = np.ones((2, 3, 4, 6), np.float32)
    mask = np.zeros((1, 2, 2, 2), np.float32)
    mask[0, :, 0, 1] = 1
    mask[0, 0, 1, 0] = 1  # one of two channels: half
    masked = apply_image_mask(image, mask, fill=-1)
    assert masked.shape == image.shape
    np.testing.assert_array_equal(masked[1, 2, :2, 3:], 1)
    np.testing.assert_array_equal(masked[1, 2, 2:, :3], 0)
    np.testing.assert_array_equal(masked[1, 2, 2:, 3:], -1)


def test_levels_contain_the_masked_fraction_of_each_cell():
    mask = image_mask([Cells.of(4, 0, 0)], 8, 8)
    coarse, fine = pyramid_masks(mask, [ImageGrid(2, 2), ImageGrid(4, 4)], threshold=0.25)
    assert coarse.density[0].tolist() == [[0.25, 0], [0, 0]]
    assert not coarse.active.any()
    assert fine.active[0].sum() == 1


@given(some_cells(), st.integers(1, 30), st.integers(1, 30))
def test_a_cell_outside_the_mask_is_never_active(cells, height, width):
    mask = image_mask([cells], height, width)
    (level,) = pyramid_masks(mask, [ImageGrid(5, 3)])
    start_y, start_x = (np.arange(n) * extent // n for n, extent in ((5, height), (3, width)))
    end_y, end_x = (-(-(np.arange(n) + 1) * extent // n) for n, extent in ((5, height), (3, width)))
    for y in range(5):
        for x in range(3):
            touched = mask[0, 0, start_y[y] : end_y[y], start_x[x] : end_x[x]].any()
            assert level.active[0, y, x] == touched


def test_tokens_with_the_largest_weights_come_first():
    image = np.random.default_rng(0).random((1, 3, 8, 8), dtype=np.float32)
    mask = image_mask([Cells.of([4, 2], [3, 0], [3, 0])], 8, 8)
    pyramid = pyramid_tokens(image, mask, [ImageGrid(2, 2), ImageGrid(4, 4)])
    assert pyramid.tokens.shape == (1, 20, 3)
    assert pyramid.levels == [(0, 4), (4, 20)]
    np.testing.assert_allclose(pyramid.tokens[0, 0], image[0, :, :4, :4].mean(axis=(1, 2)), rtol=1e-6)
    np.testing.assert_allclose(pyramid.tokens[0, 3], 0.25 * image[0, :, 4:, 4:].mean(axis=(1, 2)), rtol=1e-6)
    best = sparsify(pyramid, 6)
    assert best.indices.tolist() == [[0, 4, 5, 8, 9, 19]]
    np.testing.assert_array_equal(best.tokens[0], pyramid.tokens[0, best.indices[0]])
    assert sparsify(pyramid, 0).indices.tolist() == [[0]]
    assert sparsify(pyramid, 99).tokens.shape == (1, 20, 3)


def test_errors():
    image, mask = np.ones((2, 3, 4, 4)), np.ones((1, 1, 4, 4))
    with pytest.raises(ValueError, match="each of 2 images needs a mask"):
        pyramid_tokens(image, mask, [ImageGrid(1, 1)])
    with pytest.raises(ValueError, match="at least one level"):
        pyramid_tokens(image[:1], mask, [])
    with pytest.raises(ValueError, match="the image is"):
        apply_image_mask(image[0], mask)
    with pytest.raises(ValueError, match="2 images need as many masks"):
        apply_image_mask(image, np.ones((3, 1, 4, 4)))
