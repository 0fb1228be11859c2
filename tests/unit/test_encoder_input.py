import numpy as np
import pytest

from autogaze_web.frames.resize import resize_bicubic
from autogaze_web.readout.encoder_input import EncoderScales, gazed_patches, gazed_positions, position_pyramid
from autogaze_web.readout.gazing_info import GazingInfo, gather


def info(pos, padded, counts):
    return GazingInfo.of({"gazing_pos": pos, "if_padded_gazing": padded, "num_gazing_each_frame": counts})


ONE_PATCH = info([[5]], [[0]], [1])


@pytest.mark.parametrize("encoder", [EncoderScales(), EncoderScales((28, 56), 14)])
def test_gazed_patches_and_positions_equal_those_gathered_from_all(encoder):
    generator = np.random.default_rng(0)
    video = generator.standard_normal((2, 3, 3, 100, 90), dtype=np.float32)
    counts = [4, 0, 9]
    pos = np.concatenate(
        [generator.integers(0, encoder.patches, (2, n)) + t * encoder.patches for t, n in enumerate(counts)],
        1,
    )
    gazing = info(pos, generator.random((2, 13)) < 0.3, counts)
    size = encoder.patch_size
    frames = []
    for scale, grid in zip(encoder.scales, encoder.grids, strict=True):
        resized = resize_bicubic(video, scale, scale)
        tiles = [
            resized[..., r * size : (r + 1) * size, c * size : (c + 1) * size].reshape(2, 3, 1, -1)
            for r in range(grid)
            for c in range(grid)
        ]
        frames.append(np.concatenate(tiles, axis=2))
    sequence = np.concatenate(frames, axis=2).reshape(2, 3 * encoder.patches, -1)
    np.testing.assert_array_equal(gazed_patches(video, gazing, encoder), gather(sequence, gazing))

    embedding = generator.standard_normal((196, 8), dtype=np.float32)
    pyramid = position_pyramid(embedding, encoder)
    np.testing.assert_array_equal(
        gazed_positions(embedding, gazing, encoder), gather(np.tile(pyramid, (1, 3, 1)), gazing)
    )


def test_positions_of_the_embeddings_own_grid_are_unchanged():
    embedding = np.random.default_rng(0).standard_normal((196, 4), dtype=np.float32)
    pyramid = position_pyramid(embedding, EncoderScales())
    assert pyramid.shape == (265, 4)
    np.testing.assert_array_equal(pyramid[69:], embedding)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EncoderScales((32, 60)), "16 pixels do not divide"),
        (lambda: EncoderScales((64, 32)), "ascending"),
        (
            lambda: gazed_patches(np.zeros((1, 3, 8, 8)), ONE_PATCH, EncoderScales()),
            "the video is",
        ),
        (lambda: position_pyramid(np.zeros((195, 4)), EncoderScales()), "a square number"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
