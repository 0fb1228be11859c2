import numpy as np
import pytest

from autogaze_web.frames.rgba import allocate, as_frame, as_words


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 4), (359, 641), (2, 7)])
def test_words_share_the_frames_memory(height, width):
    frame = allocate(height, width)
    assert frame.shape == (height, width, 4)
    view = as_words(frame)
    assert view.shape == (height, -(-width // 2))
    frame[height - 1, width - 1] = (1, 2, 3, 4)
    shift = 32 * ((width - 1) % 2)
    assert int(view[-1, -1]) >> shift == 0x04030201


def test_as_frame_copies_only_if_necessary():
    even = np.zeros((4, 6, 4), np.uint8)
    assert as_frame(even) is even
    made = allocate(4, 5)
    assert as_frame(made) is made
    odd = np.arange(4 * 5 * 4, dtype=np.uint8).reshape(4, 5, 4)
    framed = as_frame(odd)
    assert framed is not odd
    np.testing.assert_array_equal(framed, odd)


def test_as_frame_makes_rgb_opaque_and_keeps_its_colours():
    rgb = np.random.default_rng(0).integers(0, 256, (3, 5, 3), dtype=np.uint8)
    framed = as_frame(rgb)
    np.testing.assert_array_equal(framed[..., :3], rgb)
    assert (framed[..., 3] == 255).all()


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 2), np.uint8), np.zeros((4, 4, 3), np.float32)]
)
def test_errors_for_other_images(image):
    with pytest.raises(ValueError, match="convert other formats to 8-bit RGB first"):
        as_frame(image)


@pytest.mark.parametrize(("height", "width"), [(0, 4), (4, 0), (4, 20000)])
def test_errors_for_invalid_sizes(height, width):
    with pytest.raises(ValueError, match="1 to 16384 pixels per side"):
        allocate(height, width)


def test_words_of_a_slice_are_rejected():
    with pytest.raises(ValueError, match="as_frame"):
        as_words(allocate(4, 8)[:, 1:6])
