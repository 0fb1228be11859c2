import numpy as np
import pytest
from released import RELEASED

from autogaze_web.model.config import AutoGazeConfig
from autogaze_web.model.rope import inverse_frequencies, rotary_tables

FREQUENCIES = inverse_frequencies(AutoGazeConfig.from_dict(RELEASED).decoder)


@pytest.mark.parametrize(
    "positions",
    [[0], range(200, 420), range(500, 530), [511, 512, 511], [-1, 0, -513], [3, 10**9, 512], [7, 7, 2**40]],
    ids=str,
)
def test_tables_are_those_of_each_position(positions):
    angles = np.multiply.outer(np.array(positions, np.float64), FREQUENCIES.astype(np.float64))
    for table, wave in zip(rotary_tables(positions, FREQUENCIES, 3), (np.cos, np.sin), strict=True):
        assert table.dtype == np.float32
        np.testing.assert_array_equal(table, np.tile(wave(angles).astype(np.float32), (1, 3)))
        with pytest.raises(ValueError, match="read-only"):
            table[0] = 0
