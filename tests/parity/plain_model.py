"""AutoGaze once more, in plain float64 NumPy and as directly as upstream's rules read, to test variants.

One video, no window, no speed. It shares nothing with the product but the config's numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from autogaze_web.model.config import AutoGazeConfig


def random_weights(shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, np.ndarray]:
    """Weights that keep values near 1 and choices well apart."""
    stream = np.random.default_rng(seed)
    weights = {}
    for name, shape in shapes.items():
        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 1
        values = stream.standard_normal(shape) / np.sqrt(fan_in)
        if "norm.weight" in name or "layernorm" in name:
            values = 1 + 0.1 * stream.standard_normal(shape)
        elif name.endswith(".bias"):
            values = 0.3 * stream.standard_normal(shape)
        elif "embed" in name or "lm_head" in name:
            values = values * 4
        weights[name] = values.astype(np.float32)
    return weights


@dataclass
class PlainModel:
    config: AutoGazeConfig
    weights: Mapping[str, np.ndarray]
    keys: list[list[np.ndarray]] = field(init=False)
    values: list[list[np.ndarray]] = field(init=False)

    def w(self, name: str) -> np.ndarray:
        return self.weights[f"gazing_model.{name}"].astype(np.float64)

    # Vision.

    def vision(self, video: np.ndarray) -> list[np.ndarray]:
        """(T,3,I,I) to T arrays (N,D)."""
        vision, grid = self.config.vision, self.config.vision_grid
        size = vision.kernel_size
        patches = video[:, :, : grid * size, : grid * size].astype(np.float64)
        patches = patches.reshape(len(video), 3, grid, size, grid, size)
        kernel = self.w("vision_model.temporal_conv.weight")[:, :, 0]
        x = np.einsum("tcyaxb,ocab->tyxo", patches, kernel) + self.w("vision_model.temporal_conv.bias")
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        x = x * self.w("vision_model.norm.weight") + self.w("vision_model.norm.bias")
        for block in range(vision.depth):
            x = np.maximum(self._causal_conv(x, f"vision_model.blocks.{block}.conv3d"), 0)
        x = x @ self.w("vision_model.out_proj.weight")[:, :, 0, 0, 0].T + self.w("vision_model.out_proj.bias")
        return list(x.reshape(len(x), grid * grid, -1) + self.w("connector.pos_embed"))

    def _causal_conv(self, x: np.ndarray, name: str) -> np.ndarray:
        kernel = self.w(f"{name}.weight")
        frames, spatial = kernel.shape[2], kernel.shape[3]
        grid, edge = x.shape[1], spatial // 2
        padded = np.pad(x, [(frames - 1, 0), (edge, edge), (edge, edge), (0, 0)])
        out = np.zeros((*x.shape[:3], kernel.shape[0])) + self.w(f"{name}.bias")
        for t in range(frames):
            for dy in range(spatial):
                for dx in range(spatial):
                    part = padded[t : t + len(x), dy : dy + grid, dx : dx + grid]
                    out += part @ kernel[:, :, t, dy, dx].T
        return out

    # Decoder.

    def forward(self, x: np.ndarray, positions: np.ndarray, visible: list[bool]) -> np.ndarray:
        """Appends rows to the cache; ``visible`` is of all rows with these. The final norm's last row."""
        decoder = self.config.decoder
        heads, groups, dim = decoder.num_attention_heads, decoder.num_key_value_heads, decoder.head_dim
        count = len(x)
        for i in range(decoder.num_hidden_layers):
            name = f"gaze_decoder.model.layers.{i}"
            h = self._rms(x, f"{name}.input_layernorm.weight")
            q = self._rotate(
                self._linear(h, f"{name}.self_attn.q_proj").reshape(count, heads, dim), positions
            )
            k = self._rotate(
                self._linear(h, f"{name}.self_attn.k_proj").reshape(count, groups, dim), positions
            )
            v = self._linear(h, f"{name}.self_attn.v_proj").reshape(count, groups, dim)
            self.keys[i].extend(k)
            self.values[i].extend(v)
            keys, values = (
                np.repeat(np.stack(cache[i]), heads // groups, axis=1) for cache in (self.keys, self.values)
            )
            scores = np.einsum("qhd,khd->hqk", q, keys) / np.sqrt(dim)
            total = len(keys)
            allowed = np.arange(total)[None] <= np.arange(total - count, total)[:, None]
            scores = np.where(allowed & np.array(visible)[None], scores, -1e30)
            p = np.exp(scores - scores.max(-1, keepdims=True))
            p /= p.sum(-1, keepdims=True)
            mixed = np.einsum("hqk,khd->qhd", p, values).reshape(count, -1)
            x = x + self._linear(mixed, f"{name}.self_attn.o_proj")
            h = self._rms(x, f"{name}.post_attention_layernorm.weight")
            gate = self._linear(h, f"{name}.mlp.gate_proj")
            gated = gate / (1 + np.exp(-gate)) * self._linear(h, f"{name}.mlp.up_proj")
            x = x + self._linear(gated, f"{name}.mlp.down_proj")
        return self._rms(x[-1], "gaze_decoder.model.norm.weight")

    def _linear(self, x: np.ndarray, name: str) -> np.ndarray:
        y = x @ self.w(f"{name}.weight").T
        return y + self.w(f"{name}.bias") if f"gazing_model.{name}.bias" in self.weights else y

    def _rms(self, x: np.ndarray, name: str) -> np.ndarray:
        scale = np.sqrt((x * x).mean(-1, keepdims=True) + self.config.decoder.rms_norm_eps)
        return x / scale * self.w(name)

    def _rotate(self, x: np.ndarray, positions: np.ndarray) -> np.ndarray:
        dim, scaling = x.shape[-1], self.config.decoder.rope_scaling
        frequency = 1.0 / self.config.decoder.rope_theta ** (np.arange(0, dim, 2) / dim)
        if scaling is not None and scaling.rope_type == "linear":
            frequency = frequency / scaling.factor
        elif scaling is not None:
            original = scaling.original_max_position_embeddings
            for i, f in enumerate(frequency):
                wavelength = 2 * np.pi / f
                if wavelength > original / scaling.low_freq_factor:
                    frequency[i] = f / scaling.factor
                elif wavelength > original / scaling.high_freq_factor:
                    low, high = scaling.low_freq_factor, scaling.high_freq_factor
                    smooth = (original / wavelength - low) / (high - low)
                    frequency[i] = (1 - smooth) * f / scaling.factor + smooth * f
        angles = np.multiply.outer(positions, frequency)
        cos, sin = (np.concatenate([f(angles)] * 2, axis=1)[:, None] for f in (np.cos, np.sin))
        half = np.concatenate([-x[..., dim // 2 :], x[..., : dim // 2]], axis=-1)
        return x * cos + half * sin

    # Generation.

    def generate(
        self, video: np.ndarray, budget: int, requirement: float | None
    ) -> list[list[tuple[int, bool]]]:
        """(T,3,I,I) to each frame's (token, is pad) slots."""
        layers, heads = self.config.decoder.num_hidden_layers, self.config.decoder.num_multi_token_pred
        self.keys, self.values = ([[] for _ in range(layers)] for _ in range(2))
        embed, pad_id = self.w("gaze_decoder.model.embed_tokens.weight"), self.config.pad_id
        mask: list[bool] = []
        pending: list[tuple[int, bool]] = []
        frames = []
        for tokens in self.vision(video):
            mask += [not pad for _, pad in pending] + [True] * len(tokens)
            x = np.concatenate([embed[[t for t, _ in pending]], tokens]) if pending else tokens
            positions = np.cumsum(mask)[-len(x) :] - 1
            slots: list[tuple[int, bool]] = []
            cached: list[tuple[int, bool]] = []
            tail = (np.cumsum(mask) - 1)[-heads:]
            while True:
                hidden = self.forward(x, positions, mask + [True] * len(cached))
                step = self._step(hidden, slots, budget, requirement)
                slots += step
                if any(pad for _, pad in step) or len(slots) >= budget:
                    break
                cached += step
                x, positions = embed[[t for t, _ in step]], tail
            mask += [not pad for _, pad in cached]
            pending = step
            frames.append(slots)
            assert pad_id not in [t for t, pad in slots if not pad]
        return frames

    def _step(
        self, hidden: np.ndarray, before: list[tuple[int, bool]], budget: int, requirement: float | None
    ) -> list[tuple[int, bool]]:
        heads, pad_id = self.config.decoder.num_multi_token_pred, self.config.pad_id
        logits = (self.w("gaze_decoder.lm_head.weight") @ hidden).reshape(heads, pad_id + 1)
        losses = self.w("gaze_decoder.task_loss_prediction_head.weight") @ hidden
        used = [t for t, _ in before] + [pad_id]
        step = []
        for head in range(min(heads, budget - len(before))):
            row = logits[head].copy()
            row[used] = -np.inf
            token = int(np.argmax(row))
            used.append(token)
            stops = requirement is not None and losses[head] <= requirement and bool(before or head)
            step.append((pad_id, True) if stops else (token, False))
        return step
