"""The network that is trained says what generation will say, rule by rule."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the tests of training need torch: pip install --group dev")

from plain_model import PlainModel, random_weights  # noqa: E402
from tiny_model import tiny_values  # noqa: E402

from autogaze_train.network import Network, normalised  # noqa: E402
from autogaze_train.policy import generate  # noqa: E402
from autogaze_train.search import History, Stops  # noqa: E402
from autogaze_train.sequence import arrange  # noqa: E402
from autogaze_train.starting_weights import set_starting_weights  # noqa: E402
from autogaze_web.model.checkpoint import Checkpoint, expected_tensors  # noqa: E402
from autogaze_web.model.config import AutoGazeConfig  # noqa: E402
from autogaze_web.model.processor import AutoGazeImageProcessor  # noqa: E402
from autogaze_web.native.autogaze import AutoGaze  # noqa: E402

CONFIG = AutoGazeConfig.from_dict(tiny_values())
FRAMES = 6


def network_with(weights) -> Network:
    network = Network(CONFIG)
    network.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()})
    return network


@pytest.fixture(scope="module")
def weights():
    return random_weights(expected_tensors(CONFIG), 1)


@pytest.fixture(scope="module")
def clip():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (1, FRAMES, 3, 64, 64), generator=generator, dtype=torch.uint8)


def test_weights_have_upstreams_names_shapes_and_order() -> None:
    state = Network(CONFIG).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == expected_tensors(CONFIG)
    assert list(state) == list(expected_tensors(CONFIG))


def test_frames_are_normalised_as_the_processor_does(clip) -> None:
    frames = clip[0].permute(0, 2, 3, 1).numpy()
    expected = AutoGazeImageProcessor(size=(64, 64))(np.ascontiguousarray(frames))
    np.testing.assert_allclose(normalised(clip)[0].numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(("budget", "requirement"), [(9, None), (7, None), (12, 0.3), (2, None)])
def test_one_pass_over_a_history_says_what_step_by_step_generation_says(
    weights, clip, budget: int, requirement: float | None
) -> None:
    frames = PlainModel(CONFIG, weights).generate(normalised(clip)[0].numpy(), budget, requirement)
    k = CONFIG.decoder.num_multi_token_pred
    steps = max(-(-len(frame) // k) for frame in frames)
    tokens = torch.zeros(1, FRAMES, steps * k, dtype=torch.int64)
    counts = torch.zeros(1, FRAMES, dtype=torch.int64)
    for t, frame in enumerate(frames):
        real = [token for token, pad in frame if not pad]
        counts[0, t] = len(real)
        tokens[0, t, : len(real)] = torch.tensor(real)
    sequence = arrange(CONFIG, History(tokens, counts), window=99)
    with torch.no_grad():
        answer = network_with(weights)(clip, sequence)
    for t, frame in enumerate(frames):
        used = [CONFIG.pad_id]
        for slot, (token, pad) in enumerate(frame):
            logits = answer.logits[0, t, slot // k, slot % k].clone()
            logits[used] = -torch.inf
            used.append(int(logits.argmax()))
            if pad:
                assert requirement is not None
                assert float(answer.task_loss[0, t, slot // k, slot % k]) <= requirement
            else:
                assert used[-1] == token


@pytest.mark.parametrize("window", [2, 4])
def test_generation_in_torch_chooses_what_the_package_chooses_in_a_windowed_stream(
    weights, clip, window: int
) -> None:
    stream = AutoGaze(Checkpoint(CONFIG, weights)).stream(
        gazing_ratio=1.0, task_loss_requirement=None, max_tokens=6, window=window
    )
    video = normalised(clip)[0].numpy()
    expected = [stream.step(frame).gazing_pos[0].tolist() for frame in video]
    stops = Stops(torch.tensor([6]), torch.tensor([-torch.inf]))
    # Rows that left the window are gone from the keys, yet what they told later rows is not: as in a stream.
    history = generate(network_with(weights).eval(), clip, 6, stops, window)
    assert history.tokens[0].tolist() == expected


def test_starting_weights_are_finite_the_same_for_a_seed_and_of_every_tensor() -> None:
    one, two = Network(CONFIG), Network(CONFIG)
    set_starting_weights(one, 3)
    set_starting_weights(two, 3)
    for name, weight in one.named_parameters():
        assert torch.isfinite(weight).all(), name
        assert torch.equal(weight, dict(two.named_parameters())[name])
