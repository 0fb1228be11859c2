"""NVIDIA's gazed SigLIP in plain float64, token by token from the rules alone, for other architectures."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from autogaze_web import GazingInfo
from autogaze_web.encoder.config import SiglipConfig


def cubic(size: int, out: int) -> np.ndarray:
    """(out, size): bicubic with a = -0.75, half-pixel centres, edges repeated, no antialias."""
    matrix = np.zeros((out, size))
    if size == out:
        return np.eye(size)
    for i in range(out):
        x = (i + 0.5) * size / out - 0.5
        for k in range(math.floor(x) - 1, math.floor(x) + 3):
            u = abs(x - k)
            near = 1.25 * u**3 - 2.25 * u**2 + 1
            matrix[i, min(max(k, 0), size - 1)] += near if u <= 1 else -0.75 * (u**3 - 5 * u**2 + 8 * u - 4)
    return matrix


class PlainSiglip:
    """One video at a time; the features of every entry, padding included."""

    def __init__(self, config: SiglipConfig, weights: Mapping[str, np.ndarray]) -> None:
        self.config = config
        self.weights = {
            name.removeprefix("vision_model."): array.astype(float) for name, array in weights.items()
        }

    def linear(self, name: str, x: np.ndarray) -> np.ndarray:
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def norm(self, name: str, x: np.ndarray) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt(x.var(axis=-1, keepdims=True) + self.config.layer_norm_eps)
        return scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def mlp(self, name: str, x: np.ndarray) -> np.ndarray:
        x = self.linear(f"{name}.fc1", x)
        if self.config.hidden_act == "gelu":
            x = x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2
        elif self.config.hidden_act == "quick_gelu":
            x = x / (1 + np.exp(-1.702 * x))
        else:
            x = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
        return self.linear(f"{name}.fc2", x)

    def tokens(self, video: np.ndarray, position: int) -> np.ndarray:
        """The embedded token of a patch, which is counted through scales and frames."""
        size, config = self.config.patch_size, self.config
        sides = [scale // size for scale in config.scales]
        frame, rest = divmod(position, sum(side * side for side in sides))
        level = 0
        while rest >= sides[level] ** 2:
            rest -= sides[level] ** 2
            level += 1
        scale, side = config.scales[level], sides[level]
        row, column = divmod(rest, side)
        image = cubic(video.shape[2], scale) @ video[frame] @ cubic(video.shape[3], scale).T
        patch = image[:, row * size : (row + 1) * size, column * size : (column + 1) * size].reshape(-1)
        kernel = self.weights["embeddings.patch_embedding.weight"].reshape(config.hidden_size, -1)
        trained = config.image_size // size
        table = self.weights["embeddings.position_embedding.weight"].reshape(trained, trained, -1)
        resize = cubic(trained, side)
        place = np.einsum("i,j,ijh->h", resize[row], resize[column], table)
        return kernel @ patch + self.weights["embeddings.patch_embedding.bias"] + place

    def sees(self, i: int, j: int, slot: np.ndarray, padded: np.ndarray) -> bool:
        kind = self.config.attn_type
        if kind == "bidirectional":
            return not padded[i] and not padded[j]
        if kind == "causal":
            return bool((padded[j], j) <= (padded[i], i))
        earlier = slot[j] == slot[i] if self.config.frame_independent_encoding else slot[j] <= slot[i]
        return bool(i == j or (not padded[j] and earlier))

    def attend(self, q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray) -> np.ndarray:
        out, d = np.zeros(q.shape), self.config.head_dim
        for head in range(self.config.num_attention_heads):
            part = slice(head * d, (head + 1) * d)
            for i in range(len(q)):
                keys = np.flatnonzero(mask[i])
                if keys.size:
                    score = k[keys, part] @ q[i, part] / math.sqrt(d)
                    weight = np.exp(score - score.max())
                    out[i, part] = weight @ v[keys, part] / weight.sum()
        return out

    def encode(self, video: np.ndarray, gaze: GazingInfo, index: int) -> tuple[np.ndarray, np.ndarray | None]:
        """last_hidden_state (n, H) and the pooled vector (H) of one video of the batch."""
        slot, padded = gaze.frame_of_slot, gaze.if_padded_gazing[index]
        position = np.where(padded, 0, gaze.gazing_pos[index])
        x = np.stack([self.tokens(video[index].astype(float), int(each)) for each in position])
        every = range(len(x))
        mask = np.array([[self.sees(i, j, slot, padded) for j in every] for i in every])
        for layer in range(self.config.num_hidden_layers):
            name = f"encoder.layers.{layer}"
            normed = self.norm(f"{name}.layer_norm1", x)
            q, k, v = (self.linear(f"{name}.self_attn.{kind}_proj", normed) for kind in "qkv")
            x = x + self.linear(f"{name}.self_attn.out_proj", self.attend(q, k, v, mask))
            x = x + self.mlp(f"{name}.mlp", self.norm(f"{name}.layer_norm2", x))
        x = self.norm("post_layernorm", x)
        if not self.config.vision_use_head:
            return x, None
        weight, bias = (self.weights[f"head.attention.in_proj_{kind}"] for kind in ("weight", "bias"))
        rows = (self.weights["head.probe"].reshape(1, -1), x, x)
        packed = zip(rows, np.split(weight, 3), np.split(bias, 3), strict=True)
        q, k, v = (row @ kernel.T + offset for row, kernel, offset in packed)
        pooled = self.linear("head.attention.out_proj", self.attend(q, k, v, np.ones((1, len(x)), bool)))
        return x, (pooled + self.mlp("head.mlp", self.norm("head.layernorm", pooled)))[0]
