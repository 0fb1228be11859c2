"""Greedy selection of the tokens of one step inside the graph.

All values are float32, except indices.

Head i selects the largest logit among the tokens that no earlier step of the frame and no earlier head of
this step has selected. This token is always among the head's K best, so the graph takes the K best tokens of
each head (TopK orders equal logits by ascending index, which breaks ties as argmax does) and resolves
conflicts among these K x K candidates. Every head starts with its best candidate. In each round, all heads
simultaneously switch to their first candidate that no earlier head holds. After round r the heads 0 .. r are
final, so K - 1 rounds always suffice. A round is one small product and one softmax over integers that are far
enough apart to give an exact one-hot vector.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from ..model.config import AutoGazeConfig
from ..model.context import HIDDEN
from .nodes import GraphBuilder, Widened

_RANK_GAP = 200.0  # exp(-200) is 0 in float32
_TAKEN = 1e6  # exceeds the sum of all ranks


@dataclass(frozen=True)
class SelectedTokens:
    """The tokens that one step selects.

    Attributes:
        masked: (K,V) logits, with tokens that cannot be selected far below all others.
        tokens: (K,1) ids as float32.
        ids: (K) ids as int32, for lookups.
        one_hot: (K,V) ids as one-hot rows.
    """

    masked: str
    tokens: str
    ids: str
    one_hot: str


class Selection:
    """Builds the selection of each step from the final hidden state and tracks the tokens that are used.

    Args:
        g: the graph under construction.
        config: the architecture.
        token_bias: (1,K*V) added to the logits: `HIDDEN` for tokens that must not be selected.
        widened: pads a weight to the decoder's row width.
        width: W, the decoder's row width.
    """

    def __init__(
        self, g: GraphBuilder, config: AutoGazeConfig, token_bias: str, widened: Widened, width: int
    ) -> None:
        self._g, self._config = g, config
        self._bias, self._width = token_bias, width
        heads, vocab = config.decoder.num_multi_token_pred, config.vocab_size
        self._heads, self._vocab, self._candidates = heads, vocab, min(heads, vocab)
        ids = g.constant(np.arange(vocab))
        column = g.constant(np.arange(vocab)[:, None])
        self._identity = g.op("Cast", g.op("Equal", column, ids), to=TensorProto.FLOAT)
        self._ids = ids
        self._head_weight = widened(g.weight("gazing_model.gaze_decoder.lm_head.weight"), 2, 1)

    def choose(self, hidden: str) -> SelectedTokens:
        """Selects the tokens of one step.

        Args:
            hidden: (1,W), the output of the final norm for the last row.
        """
        g, heads, vocab = self._g, self._heads, self._vocab
        if g.batched:
            hidden = g.stack(hidden, self._width)
        masked = g.stack(g.op("Gemm", hidden, self._head_weight, self._bias, transB=1), heads, vocab)
        _, best = g.op_n("TopK", 2, masked, g.ints(self._candidates), axis=-1)
        candidates = g.op("Gather", self._ids, best, axis=0)
        held = self._settle(candidates) if heads > 1 else self._first_choice()
        held = g.stack(held, heads, 1, self._candidates)
        tokens = g.op("MatMul", held, g.stack(candidates, heads, self._candidates, 1))
        tokens = g.stack(tokens, heads, 1)
        ids = g.op("Cast", g.stack(tokens, heads), to=TensorProto.INT32)
        return SelectedTokens(masked, tokens, ids, g.op("Gather", self._identity, ids, axis=0))

    def use_up(self, choice: SelectedTokens) -> None:
        """Excludes the selected tokens from all heads of the following steps."""
        g, heads, vocab = self._g, self._heads, self._vocab
        if g.batched:  # Gemm has no batches
            used = g.op("MatMul", g.constant(np.full((heads, heads), HIDDEN)), choice.one_hot)
            self._bias = g.stack(g.op("Add", used, g.stack(self._bias, heads, vocab)), heads * vocab)
            return
        every_head = g.constant(np.ones((heads, heads)))
        bias = g.op("Gemm", every_head, choice.one_hot, g.reshape(self._bias, heads, vocab), alpha=HIDDEN)
        self._bias = g.reshape(bias, 1, heads * vocab)

    def _settle(self, tokens: str) -> str:
        """The final candidate of each head, as one-hot rows (1, heads * candidates)."""
        g, heads, count = self._g, self._heads, self._candidates
        # cost[i, (j, b), a] is added to candidate a of head i when head j holds its candidate b.
        own, earlier = self._costs()
        same = g.op("Equal", g.stack(tokens, 1, heads * count, 1), g.stack(tokens, heads, 1, count))
        cost = g.op("Where", same, earlier, own)
        held = self._first_choice()
        for _ in range(heads - 1):
            chosen = g.op("Softmax", g.op("MatMul", held, cost), axis=-1)
            held = g.stack(chosen, *([1] if g.batched else []), 1, heads * count)
        return held

    def _first_choice(self) -> str:
        held = np.zeros((self._heads, self._candidates))
        held[:, 0] = 1
        return self._g.constant(held.reshape(1, -1))

    def _costs(self) -> tuple[str, str]:
        g, heads, count = self._g, self._heads, self._candidates
        # Each head holds exactly one candidate, so the rows of the head itself add its ranks exactly once.
        ranks = -_RANK_GAP * np.arange(count)
        own = np.eye(heads)[:, :, None, None] * ranks
        own = np.broadcast_to(own, (heads, heads, count, count)).reshape(heads, heads * count, count)
        earlier = np.tril(np.ones((heads, heads)), -1)
        earlier = np.repeat(earlier, count, axis=1)[:, :, None] * -_TAKEN
        own_cost, earlier_cost = g.constant(own), g.constant(earlier)
        return own_cost, g.op("Add", own_cost, earlier_cost)


def decisions(
    g: GraphBuilder,
    config: AutoGazeConfig,
    choices: list[SelectedTokens],
    finals: list[str],
    widened: Widened,
) -> tuple[str, str]:
    """Joins everything that the host needs from a run in one tensor.

    Args:
        g: the graph under construction.
        config: the architecture.
        choices: the choice of each of the S steps.
        finals: the output (1,W) of the final norm of each step.
        widened: pads a weight to the decoder's row width.

    Returns:
        (3,S,K): token ids, task-loss predictions, and the softmax probability of each token among the tokens
        that its head could select. For tests also the masked logits (S,K,V).
    """
    steps, heads, vocab = len(choices), config.decoder.num_multi_token_pred, config.vocab_size
    rows = g.axis(0)
    one_hot = g.concat([choice.one_hot for choice in choices], axis=rows)
    logits = g.stack(g.concat([choice.masked for choice in choices], axis=rows), steps, heads, vocab)
    tokens = g.stack(g.concat([choice.tokens for choice in choices], axis=rows), 1, steps, heads)

    loss_head = g.op(
        "Transpose", g.weight("gazing_model.gaze_decoder.task_loss_prediction_head.weight"), perm=[1, 0]
    )
    loss_head = widened(loss_head, 2, 0)
    losses = g.stack(g.op("MatMul", g.concat(finals, axis=rows), loss_head), 1, steps, heads)

    # The selected token has the largest allowed logit of its head, so its probability is the largest.
    earlier = g.constant(np.tril(np.full((heads, heads), HIDDEN), -1))
    taken = g.op("MatMul", earlier, g.stack(one_hot, steps, heads, vocab))
    probabilities = g.op("Softmax", g.op("Add", logits, taken), axis=-1)
    confidence = g.stack(g.op("ReduceMax", probabilities, g.ints(-1), keepdims=0), 1, steps, heads)
    return g.op("Concat", tokens, losses, confidence, axis=rows), logits
