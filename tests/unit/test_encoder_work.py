"""What encoding costs: counts, projections and the balance of a frame."""

from __future__ import annotations

import math

import pytest

from autogaze_web.encoder.work import BASE_224, SO400M_384, EncoderShape, NetMeter, net_of, project


def matrix_weights(shape, parameters, positions):
    """Weights of the matrices that each token is multiplied with, by the released number of parameters."""
    hidden, wide = shape.hidden, shape.intermediate
    head = 4 * (hidden**2 + hidden) + 2 * hidden * wide + wide + hidden + 2 * hidden + hidden
    layer_vectors = 4 * hidden + wide + hidden + 4 * hidden
    others = positions * hidden + hidden + shape.layers * layer_vectors + 2 * hidden
    return parameters - head - others


@pytest.mark.parametrize(
    ("shape", "parameters", "positions"),
    [(BASE_224, 92_884_224, 14**2), (SO400M_384, 428_225_600, 27**2)],
    ids=["base", "so400m"],
)
def test_a_token_costs_a_multiply_add_for_each_weight_and_two_rows_for_each_key(shape, parameters, positions):
    assert shape.multiply_adds(1, keys=0) == matrix_weights(shape, parameters, positions)
    key = shape.multiply_adds(1, keys=1) - shape.multiply_adds(1, keys=0)
    assert key == 2 * shape.hidden * shape.layers
    assert shape.multiply_adds(7) == 7 * shape.multiply_adds(1, keys=7)


def test_a_projection_is_at_the_rate_of_the_measured_encoder():
    whole = project("whole", SO400M_384, 1.0, gaze_ms=3, ms_per_gflop=2)
    assert (whole.tokens, whole.gazed) == (1060, 1060)
    assert whole.full_gflops == whole.gazed_gflops == 2 * SO400M_384.multiply_adds(1060) / 1e9
    assert whole.full_ms == 2 * whole.full_gflops
    assert whole.gazed_ms == whole.full_ms + 3
    tiled = project("tiled", SO400M_384, 0.1, gaze_ms=3, ms_per_gflop=2, tiles=45)
    assert (tiled.tokens, tiled.gazed) == (45 * 1060, 45 * 106)
    # Each tile is a video of its own: attention does not cross tiles.
    assert tiled.full_gflops == pytest.approx(45 * whole.full_gflops)
    assert tiled.gazed_ms == pytest.approx(45 * 3 + 2 * tiled.gazed_gflops)
    assert project("none", BASE_224, 0.0, 1, 1).gazed == 1


@pytest.mark.parametrize(
    ("times", "saved", "break_even"),
    [
        ((4, 10, 40), 26, 4 / 30),
        ((20, 10, 40), 10, 20 / 30),
        ((30, 10, 40), 0, 1),
        ((90, 10, 40), -60, 3),
        ((5, 40, 40), -5, math.inf),
        ((5, 41, 40), -6, math.inf),
    ],
)
def test_the_gaze_pays_once_the_encoder_is_slow_enough(times, saved, break_even):
    net = net_of(*times)
    assert (net.saved_ms, net.break_even) == (saved, pytest.approx(break_even))
    if 1 < break_even < math.inf:
        slower = net_of(times[0], times[1] * break_even, times[2] * break_even)
        assert slower.saved_ms == pytest.approx(0)


def test_the_meter_forgets_old_frames():
    meter = NetMeter(3)
    with pytest.raises(ValueError, match="no frame"):
        meter.net()
    for ms in (900, 1, 2, 3):
        meter.add(ms, ms, ms)
    assert len(meter) == 3
    assert meter.net().full_ms == 2


def test_a_shape_is_that_of_a_configuration():
    assert EncoderShape(768, 3072, 12, 16, (224,)).tokens == 196
