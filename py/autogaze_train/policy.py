"""The network's own choices, by the rules of generation."""

from __future__ import annotations

import torch

from .network import Answer, Network
from .search import History, Stops
from .sequence import arrange


@torch.no_grad()
def own_history(answer: Answer, stops: Stops) -> History:
    """The choices that the network would make at each step of a given history.

    For the first step of the first frame, these are the choices of real generation; at later steps the two
    histories can differ more and more. By training repeatedly on its own choices, the network learns to
    correct the states that it causes itself, without generating frame by frame.

    Args:
        answer: the network's answer to any history.
        stops: when frames end.
    """
    chances = answer.logits[..., :-1].flatten(2, 3).clone()
    tokens = []
    for slot in range(chances.shape[2]):
        token = chances[:, :, slot].argmax(-1, keepdim=True)
        tokens.append(token)
        chances.scatter_(3, token[:, :, None].expand(-1, -1, chances.shape[2], -1), -torch.inf)
    losses = answer.task_loss.flatten(2)
    counts = torch.stack([stops.count(losses[:, t]) for t in range(losses.shape[1])], 1)
    return History(torch.cat(tokens, 2), counts)


@torch.no_grad()
def generate(network: Network, clips: torch.Tensor, slots: int, stops: Stops, window: int) -> History:
    """Generates frame by frame and step by step, as at run time but without a cache.

    Args:
        network: the network.
        clips: (B, T, 3, I, I) uint8.
        slots: the largest budget of a frame, a multiple of K.
        stops: when frames end.
        window: frames that a frame attends to, itself included.
    """
    k = network.config.decoder.num_multi_token_pred
    count, frames = clips.shape[:2]
    tokens = torch.zeros(count, frames, slots, dtype=torch.int64, device=clips.device)
    counts = torch.full((count, frames), slots, device=clips.device)
    for t in range(frames):
        for step in range(slots // k):
            so_far = History(tokens[:, : t + 1], counts[:, : t + 1])
            answer = network(clips[:, : t + 1], arrange(network.config, so_far, window))
            own = own_history(Answer(*(part[:, t:] for part in vars(answer).values())), stops)
            # The choices of later steps do not take this step's choice into account yet.
            tokens[:, t, step * k : (step + 1) * k] = own.tokens[:, 0, step * k : (step + 1) * k]
        counts[:, t] = own.counts[:, 0]
    return History(tokens, counts)
