"""The network's own choices, by the rules of generation."""

from __future__ import annotations

import torch

from .network import Answer, Network
from .search import History, Stops
from .sequence import arrange


@torch.no_grad()
def own_history(answer: Answer, stops: Stops) -> History:
    """What the network would have gazed at, had each step found what the history told it.

    For the first frame's first step that is what it does gaze at; the later a step, the more the two
    histories may differ. Trained on its own choices again and again the network comes to meet, and to
    mend, the states that it brings about itself, without generating frame by frame.

    Args:
        answer: to any history.
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
        clips: (B, T, 3, I, I) uint8.
        slots: a multiple of K; each frame's budget is at most this.
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
            # What it would choose after this step does not know this step's choice yet.
            tokens[:, t, step * k : (step + 1) * k] = own.tokens[:, 0, step * k : (step + 1) * k]
        counts[:, t] = own.counts[:, 0]
    return History(tokens, counts)
