"""The graph's parallel choice of a step's tokens against choosing head after head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime as ort
from hypothesis import given, settings
from hypothesis import strategies as st
from released import RELEASED

from autogaze_web.graph.nodes import GraphBuilder
from autogaze_web.graph.selection import Selection, decisions
from autogaze_web.model.config import AutoGazeConfig
from autogaze_web.model.context import HIDDEN

HEAD, LOSS = (f"gazing_model.gaze_decoder.{name}.weight" for name in ("lm_head", "task_loss_prediction_head"))


def as_wide(weight: str, rank: int, axis: int) -> str:  # noqa: ARG001 (rows keep their width)
    return weight


def chosen_by_graph(logits: np.ndarray, used: list[int], steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Tokens and confidences (S,K) where every step has the same logits (K,V): the head times one."""
    heads, vocab = logits.shape
    config = AutoGazeConfig.from_dict(RELEASED)
    decoder = replace(config.decoder, num_multi_token_pred=heads)
    config = replace(config, tokens_per_frame=vocab - 1, decoder=decoder)
    shapes = {HEAD: (heads * vocab, 1), LOSS: (heads, 1)}
    g = GraphBuilder(shapes)
    hidden = g.input("hidden", (1, 1))
    bias = np.zeros((heads, vocab))
    bias[:, [*used, vocab - 1]] = HIDDEN
    selection = Selection(g, config, g.constant(bias.reshape(1, -1)), as_wide, 1)
    choices = []
    for step in range(steps):
        if step:
            selection.use_up(choices[-1])
        choices.append(selection.choose(hidden))
    result, _ = decisions(g, config, choices, [hidden] * steps, as_wide)
    g.output(result, "decisions", (3, steps, heads))
    options = ort.SessionOptions()
    options.log_severity_level = 3
    values = {HEAD: logits.reshape(-1, 1), LOSS: np.zeros(shapes[LOSS])}
    tensors = [ort.OrtValue.ortvalue_from_numpy(v.astype(np.float32)) for v in values.values()]
    options.add_external_initializers(list(values), tensors)
    session = ort.InferenceSession(g.model("selection").SerializeToString(), options)
    (out,) = session.run(None, {"hidden": np.ones((1, 1), np.float32)})
    return out[0].astype(int), out[2]


def chosen_one_by_one(logits: np.ndarray, used: list[int], steps: int) -> tuple[np.ndarray, np.ndarray]:
    taken = [*used, logits.shape[1] - 1]
    tokens, confidences = [], []
    for _ in range(steps):
        for row in logits.astype(np.float64):
            allowed = row.copy()
            allowed[taken] = -np.inf
            token = int(np.argmax(allowed))
            weights = np.exp(allowed - allowed.max())
            tokens.append(token)
            confidences.append(weights[token] / weights.sum())
            taken.append(token)
    shape = steps, len(logits)
    return np.array(tokens).reshape(shape), np.array(confidences).reshape(shape)


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, list[int], int]:
    heads, steps = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    used = draw(st.lists(st.integers(0, 4), unique=True, max_size=3))
    vocab = heads * steps + len(used) + draw(st.integers(1, 5)) + 1
    vocab = max(vocab, 6)
    stream = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(st.sampled_from([1, 2, 3, 1000]))  # few levels: many equal logits
    logits = stream.integers(0, levels, (heads, vocab)) * draw(st.sampled_from([1e-3, 1.0, 20.0]))
    if draw(st.booleans()):
        logits[:] = logits[0]  # all heads want the same
    return logits.astype(np.float32), used, steps


@settings(max_examples=150)
@given(problems())
def test_choice(problem: tuple[np.ndarray, list[int], int]) -> None:
    tokens, confidences = chosen_by_graph(*problem)
    expected_tokens, expected_confidences = chosen_one_by_one(*problem)
    np.testing.assert_array_equal(tokens, expected_tokens)
    np.testing.assert_allclose(confidences, expected_confidences, atol=1e-5)


def test_the_longest_chain_of_conflicts() -> None:
    """Ten heads of 265 tokens, each of which gives way to all before it."""
    logits = np.tile(np.arange(266, 0, -1, dtype=np.float32), (10, 1))
    tokens, _ = chosen_by_graph(logits, [], 2)
    np.testing.assert_array_equal(tokens, np.arange(20).reshape(2, 10))


def test_logits_one_ulp_apart() -> None:
    logits = np.full((2, 266), 5, np.float32)
    logits[0, 200] = np.nextafter(np.float32(5), np.float32(6))
    tokens, _ = chosen_by_graph(logits, [], 1)
    assert tokens.tolist() == [[200, 0]]


def test_large_logits_do_not_overflow_the_confidence() -> None:
    logits = np.zeros((1, 5), np.float32)
    logits[0, 2] = 1000
    tokens, confidences = chosen_by_graph(logits, [], 1)
    assert tokens.tolist() == [[2]]
    assert confidences.tolist() == [[1.0]]
