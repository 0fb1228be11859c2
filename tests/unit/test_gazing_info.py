import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import some_cells

from autogaze_web.frames.resize import resize_bicubic
from autogaze_web.masks.cells import Cells
from autogaze_web.readout.encoder_input import EncoderScales, gazed_patches, gazed_positions, position_pyramid
from autogaze_web.readout.gazing_info import (
    GazingInfo,
    attention_allowed,
    attention_mask,
    gather,
    patch_numbers,
    without_padding,
)

GRIDS = (2, 4, 7, 14)


def info(pos, padded, counts):
    return GazingInfo.of({"gazing_pos": pos, "if_padded_gazing": padded, "num_gazing_each_frame": counts})


TWO_FRAMES = info([[5, 270, 0, 3]], [[0, 0, 0, 1]], [2, 2])


def test_patches_are_numbered_grid_after_grid():
    cells = Cells.of([2, 4, 7, 14, 14], [1, 0, 6, 0, 13], [1, 0, 6, 0, 13])
    assert patch_numbers(cells, GRIDS).tolist() == [3, 4, 68, 69, 264]


@given(st.lists(st.lists(some_cells(9, GRIDS), min_size=3, max_size=3), min_size=1, max_size=3))
def test_cells_become_slots_that_all_clips_share(clips):
    gazing = GazingInfo.of_cells(clips, GRIDS)
    assert gazing.num_gazing_each_frame.tolist() == [max(len(clip[t]) for clip in clips) for t in range(3)]
    frame = gazing.frame_of_slot
    for b, clip in enumerate(clips):
        for t, cells in enumerate(clip):
            mine = (frame == t) & ~gazing.if_padded_gazing[b]
            np.testing.assert_array_equal(gazing.gazing_pos[b, mine] - 265 * t, patch_numbers(cells, GRIDS))
            pads = (frame == t) & gazing.if_padded_gazing[b]
            assert (gazing.gazing_pos[b, pads] == 265 * (t + 1)).all()
    assert (~gazing.if_padded_gazing).sum() == sum(len(cells) for clip in clips for cells in clip)


def test_gather_takes_the_first_entry_for_padding():
    sequence = np.arange(530 * 2).reshape(1, 530, 2)
    np.testing.assert_array_equal(gather(sequence, TWO_FRAMES)[0], sequence[0, [5, 270, 0, 0]])


def test_attention_kinds():
    allowed = {
        kind: attention_allowed(TWO_FRAMES, kind)[0].astype(int).tolist()
        for kind in ("block_causal", "causal", "bidirectional")
    }
    # Slots 0, 1 are frame 0; 2, 3 frame 1; slot 3 is padding and attends to itself alone of the padding.
    assert allowed["block_causal"] == [[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
    assert allowed["causal"] == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
    assert allowed["bidirectional"] == [[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
    alone = attention_allowed(TWO_FRAMES, frame_independent=True)[0].astype(int).tolist()
    assert alone == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]]


def test_the_additive_mask_is_zero_or_minus_infinity():
    mask = attention_mask(TWO_FRAMES)
    assert mask.shape == (1, 1, 4, 4)
    assert mask.dtype == np.float32
    assert set(np.unique(mask)) == {-np.inf, 0}
    np.testing.assert_array_equal(mask[:, 0] == 0, attention_allowed(TWO_FRAMES))


def test_features_without_padding():
    (features,) = without_padding(np.arange(8).reshape(1, 4, 2), TWO_FRAMES)
    assert features.tolist() == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize("encoder", [EncoderScales(), EncoderScales((28, 56), 14)])
def test_gazed_patches_are_those_of_the_whole_sequence(encoder):
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


def test_positions_of_the_embeddings_own_grid_stay_as_they_are():
    embedding = np.random.default_rng(0).standard_normal((196, 4), dtype=np.float32)
    pyramid = position_pyramid(embedding, EncoderScales())
    assert pyramid.shape == (265, 4)
    np.testing.assert_array_equal(pyramid[69:], embedding)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GazingInfo.of({"gazing_pos": [[1]]}), "missing: if_padded_gazing, num_gazing_each_frame"),
        (lambda: info([[1, 2]], [[0, 0]], [3]), "adds up to 3 slots, but gazing_pos has 2"),
        (lambda: info([[1, 2]], [[0]], [2]), "must both be"),
        (lambda: info([[1]], [[0]], [[1]]), "numbers of slots, none negative"),
        (lambda: gather(np.zeros((1, 10, 2)), TWO_FRAMES), "from 0 to 270, but there are 10"),
        (lambda: gather(np.zeros((2, 530, 2)), TWO_FRAMES), "batch of 1"),
        (lambda: attention_mask(TWO_FRAMES, "full"), "block-causal, causal, bidirectional, got 'full'"),
        (lambda: patch_numbers(Cells.of(3, 0, 0), GRIDS), "3x3 grid are not patches"),
        (lambda: EncoderScales((32, 60)), "16 pixels do not divide"),
        (lambda: EncoderScales((64, 32)), "ascending"),
        (lambda: gazed_patches(np.zeros((1, 3, 8, 8)), TWO_FRAMES, EncoderScales()), "the video is"),
        (lambda: position_pyramid(np.zeros((195, 4)), EncoderScales()), "a square number"),
        (lambda: GazingInfo.of_cells([[], [Cells.none()]], GRIDS), "same length"),
    ],
)
def test_bad_input_gets_one_sentence(make, message):
    with pytest.raises(ValueError, match=message):
        make()
