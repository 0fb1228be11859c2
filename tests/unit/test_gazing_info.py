import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import some_cells

from autogaze_web.masks.cells import Cells
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
def test_all_clips_of_a_batch_share_their_slots(clips):
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


def test_gather_returns_the_first_patch_for_padding():
    sequence = np.arange(530 * 2).reshape(1, 530, 2)
    np.testing.assert_array_equal(gather(sequence, TWO_FRAMES)[0], sequence[0, [5, 270, 0, 0]])


def test_attention_kinds():
    allowed = {
        kind: attention_allowed(TWO_FRAMES, kind)[0].astype(int).tolist()
        for kind in ("block_causal", "causal", "bidirectional")
    }
    # Slots 0 and 1 are frame 0, slots 2 and 3 frame 1. Slot 3 is padding, which only itself attends to.
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
        (lambda: GazingInfo.of_cells([[], [Cells.none()]], GRIDS), "same length"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
