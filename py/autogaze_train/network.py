"""The model in PyTorch, for training: processes whole clips in one pass, with upstream's tensor names.

The names in its ``state_dict`` are those in the checkpoint; ``expected_tensors`` in
``autogaze_web.model.checkpoint`` lists the same names and shapes. Letters as in ``sequence``; D is the
decoder's width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from autogaze_web.model.config import AutoGazeConfig, DecoderConfig, VisionConfig
from autogaze_web.model.processor import AutoGazeImageProcessor
from autogaze_web.model.rope import inverse_frequencies

from .sequence import Sequence

NOTICED = 0
"""The dimension of the decoder's width that contains the staleness of a patch before the last layer."""


@dataclass(frozen=True)
class Answer:
    """The network's answer to a history, float32.

    Attributes:
        logits: (B, T, S, K, N + 1).
        task_loss: (B, T, S, K), the predicted task losses.
        noticed: (B, T, Nv), the staleness of each patch at the input of the last layer; for training only.
    """

    logits: torch.Tensor
    task_loss: torch.Tensor
    noticed: torch.Tensor


class Network(nn.Module):
    """AutoGaze with teacher forcing."""

    def __init__(self, config: AutoGazeConfig) -> None:
        super().__init__()
        self.config = config
        self.gazing_model = _GazingModel(config)

    def forward(self, clips: torch.Tensor, sequence: Sequence) -> Answer:
        """The model's answer at every step of a history.

        Args:
            clips: (B, T, 3, I, I) uint8.
            sequence: the rows of the history.
        """
        count, frames = clips.shape[:2]
        decoder, model = self.config.decoder, self.gazing_model
        vision = model.vision_model(normalised(clips)) + model.connector.pos_embed
        embedded = model.gaze_decoder.model.embed_tokens(sequence.tokens)
        k = decoder.num_multi_token_pred
        rows = torch.cat([embedded[:, :, :k], vision, embedded[:, :, k:]], 2).flatten(1, 2)
        asked, heard = model.gaze_decoder.model(rows, sequence)
        heard = heard.reshape(count, frames, -1, heard.shape[-1])[:, :, k : k + vision.shape[2], NOTICED]
        steps = asked.shape[1] // frames
        logits = model.gaze_decoder.lm_head(asked).float()
        losses = model.gaze_decoder.task_loss_prediction_head(asked).float()
        shape = (count, frames, steps, k)
        return Answer(logits.reshape(*shape, self.config.vocab_size), losses.reshape(shape), heard.float())


def normalised(clips: torch.Tensor) -> torch.Tensor:
    """The image processor's float32 output for uint8 frames (..., 3, I, I) of the model's size."""
    processor = AutoGazeImageProcessor()
    mean, std = (
        torch.tensor(values, device=clips.device).reshape(3, 1, 1)
        for values in (processor.mean, processor.std)
    )
    return (clips.float() / 127.5 - 1 - mean) / std


class _GazingModel(nn.Module):
    def __init__(self, config: AutoGazeConfig) -> None:
        super().__init__()
        self.vision_model = _Vision(config.vision)
        self.connector = _Connector(config)
        self.gaze_decoder = _Decoder(config)


class _Connector(nn.Module):
    def __init__(self, config: AutoGazeConfig) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(config.vision_tokens, config.decoder.hidden_size))


class _Vision(nn.Module):
    """(B, T, 3, I, I) normalised frames to (B, T, Nv, D) tokens."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        patch = (1, config.kernel_size, config.kernel_size)
        self.temporal_conv = nn.Conv3d(3, config.hidden_dim, patch, patch)
        self.norm = nn.LayerNorm(config.hidden_dim)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.out_proj = nn.Conv3d(config.hidden_dim, config.out_dim, 1)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        clips, count, channels, side, _ = frames.shape
        patch = self.temporal_conv.kernel_size[1]
        grid = side // patch
        patches = frames[..., : grid * patch, : grid * patch]
        patches = patches.reshape(clips, count, channels, grid, patch, grid, patch).permute(
            0, 1, 3, 5, 2, 4, 6
        )
        x = functional.linear(
            patches.reshape(clips, count, grid, grid, -1),
            self.temporal_conv.weight.flatten(1),
            self.temporal_conv.bias,
        )
        x = self.norm(x)
        for block in self.blocks:
            x = block(x)
        x = functional.linear(x, self.out_proj.weight.flatten(1), self.out_proj.bias)
        return x.flatten(2, 3)


class Block(nn.Module):
    """A convolution over time and space, causal in time, followed by ReLU; (B, T, G, G, C) in and out."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self._frames, spatial = config.trunk_temporal_kernel_size, config.trunk_spatial_kernel_size
        self.conv3d = nn.Conv3d(config.hidden_dim, config.hidden_dim, (self._frames, spatial, spatial))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The convolution and ReLU."""
        clips, count, grid = x.shape[:3]
        padded = functional.pad(x, (0, 0, 0, 0, 0, 0, self._frames - 1, 0))
        # Stacks past frames as channels, because a 2-D convolution is faster than a 3-D one.
        stacked = torch.cat([padded[:, t : t + count] for t in range(self._frames)], -1)
        weight = self.conv3d.weight.transpose(1, 2).flatten(1, 2)
        y = functional.conv2d(
            stacked.flatten(0, 1).permute(0, 3, 1, 2),
            weight.contiguous(memory_format=torch.channels_last),
            self.conv3d.bias,
            padding=weight.shape[-1] // 2,
        )
        return y.relu().permute(0, 2, 3, 1).reshape(clips, count, grid, grid, -1)


class _Decoder(nn.Module):
    def __init__(self, config: AutoGazeConfig) -> None:
        super().__init__()
        width, heads = config.decoder.hidden_size, config.decoder.num_multi_token_pred
        self.model = _Llama(config)
        self.lm_head = nn.Linear(width, heads * config.vocab_size, bias=False)
        self.task_loss_prediction_head = nn.Linear(width, heads, bias=False)


class _Llama(nn.Module):
    def __init__(self, config: AutoGazeConfig) -> None:
        super().__init__()
        decoder = config.decoder
        self.embed_tokens = nn.Embedding(config.vocab_size, decoder.hidden_size)
        self.layers = nn.ModuleList(Layer(decoder) for _ in range(decoder.num_hidden_layers))
        self.norm = _Norm(decoder)
        self._frequencies = torch.from_numpy(inverse_frequencies(decoder))

    def forward(self, rows: torch.Tensor, sequence: Sequence) -> tuple[torch.Tensor, torch.Tensor]:
        """From rows (B, T R, D) to the requested rows (B, T S, D), and all rows before the last layer."""
        angles = sequence.positions[..., None] * self._frequencies.to(rows.device)
        turn = angles.cos()[:, None], angles.sin()[:, None]
        *layers, last = self.layers
        for layer in layers:
            rows = layer(rows, turn, sequence.visible)
        asked: torch.Tensor = last(rows, turn, sequence.visible, sequence.asked)
        return self.norm(asked), rows


class _Norm(nn.Module):
    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(config.hidden_size))
        self._eps = config.rms_norm_eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        normal: torch.Tensor = functional.rms_norm(
            x.float(), self.weight.shape, self.weight.float(), self._eps
        )
        return normal


class Layer(nn.Module):
    """A decoder layer."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.self_attn = Attention(config)
        self.mlp = _FeedForward(config)
        self.input_layernorm = _Norm(config)
        self.post_attention_layernorm = _Norm(config)

    def forward(
        self,
        x: torch.Tensor,
        turn: tuple[torch.Tensor, torch.Tensor],
        visible: torch.Tensor,
        asked: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The layer's output for all rows, or for the rows in ``asked`` only."""
        mixed = self.self_attn(self.input_layernorm(x), turn, visible, asked)
        x = (x if asked is None else x[:, asked]) + mixed
        out: torch.Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


class Attention(nn.Module):
    """Attention with rotary positions and ``groups`` key/value heads of ``dim`` dimensions."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.dim = config.head_dim
        self.groups = config.num_key_value_heads
        width, bias = config.hidden_size, config.attention_bias
        queries, keys = config.num_attention_heads * self.dim, self.groups * self.dim
        self.q_proj = nn.Linear(width, queries, bias=bias)
        self.k_proj = nn.Linear(width, keys, bias=bias)
        self.v_proj = nn.Linear(width, keys, bias=bias)
        self.o_proj = nn.Linear(queries, width, bias=bias)

    def forward(
        self,
        x: torch.Tensor,
        turn: tuple[torch.Tensor, torch.Tensor],
        visible: torch.Tensor,
        asked: torch.Tensor | None,
    ) -> torch.Tensor:
        """Attention for all rows, or for the rows in ``asked`` only."""
        cos, sin = turn
        key = _rotated(self._heads(self.k_proj(x)), cos, sin)
        value = self._heads(self.v_proj(x))
        if asked is not None:
            x, visible, cos, sin = x[:, asked], visible[:, :, asked], cos[:, :, asked], sin[:, :, asked]
        query = _rotated(self._heads(self.q_proj(x)), cos, sin)
        mixed = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=visible, enable_gqa=query.shape[1] != key.shape[1]
        )
        out: torch.Tensor = self.o_proj(mixed.transpose(1, 2).flatten(2))
        return out

    def _heads(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(*x.shape[:2], -1, self.dim).transpose(1, 2)


def _rotated(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    a, b = x.chunk(2, -1)
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class _FeedForward(nn.Module):
    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        width, inner, bias = config.hidden_size, config.intermediate_size, config.mlp_bias
        self.gate_proj = nn.Linear(width, inner, bias=bias)
        self.up_proj = nn.Linear(width, inner, bias=bias)
        self.down_proj = nn.Linear(inner, width, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return out
