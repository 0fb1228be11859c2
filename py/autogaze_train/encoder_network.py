"""The built-in encoder and its frame decoder in PyTorch, for training: whole batches of clips at once.

The names in the ``state_dict`` of each are those in its file (``expected_tensors`` in
``autogaze_web.encoder.checkpoint`` and ``autogaze_web.encoder.frame_decoder``).

Letters: B clips, T frames, n rows per frame, N patch ids, H the encoder's width, D the decoder's, P numbers
of a patch.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from autogaze_web.encoder.config import SiglipConfig
from autogaze_web.encoder.frame_decoder import FrameDecoderConfig
from autogaze_web.encoder.patches import resize_matrix


class Encoder(nn.Module):
    """A SigLIP vision tower without a pooling head."""

    def __init__(self, config: SiglipConfig) -> None:
        super().__init__()
        self.config = config
        self.vision_model = _Tower(config)

    def forward(self, patches: torch.Tensor, ids: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """The features (B, m, H) of rows.

        Args:
            patches: (B, m, P) pixels of each row's patch.
            ids: (B, m) patch ids.
            visible: (B, m, m) bool, whether a row [1] sees a row [2].
        """
        tower = self.vision_model
        x = tower.embeddings(patches) + tower.positions(self.config)[ids]
        for layer in tower.encoder.layers:
            x = layer(x, visible[:, None])
        features: torch.Tensor = tower.post_layernorm(x)
        return features


class _Tower(nn.Module):
    def __init__(self, config: SiglipConfig) -> None:
        super().__init__()
        self.embeddings = _Embeddings(config)
        self.encoder = _Layers(config)
        self.post_layernorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)

    def positions(self, config: SiglipConfig) -> torch.Tensor:
        """(N, H)."""
        return torch.cat(
            resized_tables(self.embeddings.position_embedding.weight, config.trained_grid, config.grids)
        )


class _Layers(nn.Module):
    def __init__(self, config: SiglipConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_EncoderLayer(config) for _ in range(config.num_hidden_layers))


class _Embeddings(nn.Module):
    def __init__(self, config: SiglipConfig) -> None:
        super().__init__()
        self.patch_embedding = nn.Conv2d(
            config.num_channels, config.hidden_size, config.patch_size, config.patch_size
        )
        self.position_embedding = nn.Embedding(config.trained_grid**2, config.hidden_size)

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        return functional.linear(patches, self.patch_embedding.weight.flatten(1), self.patch_embedding.bias)


class _EncoderLayer(nn.Module):
    def __init__(self, config: SiglipConfig) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.layer_norm1 = nn.LayerNorm(width, eps)
        self.self_attn = _Attention(width, config.num_attention_heads)
        self.layer_norm2 = nn.LayerNorm(width, eps)
        self.mlp = _FeedForward(width, config.intermediate_size)

    def forward(self, x: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        normed = self.layer_norm1(x)
        x = x + self.self_attn(normed, normed, visible)
        out: torch.Tensor = x + self.mlp(self.layer_norm2(x))
        return out


class FrameDecoder(nn.Module):
    """The light decoder; see `autogaze_web.graph.frame_decoder`, which computes the same."""

    def __init__(self, config: FrameDecoderConfig) -> None:
        super().__init__()
        self.config = config
        width = config.hidden_size
        self.features = nn.Linear(config.encoder_hidden_size, width)
        self.position_embedding = nn.Embedding(config.grid**2, width)
        self.scale_embedding = nn.Embedding(len(config.scales), width)
        self.age_embedding = nn.Embedding(config.window, width)
        self.mask_token = nn.Parameter(torch.zeros(width))
        self.empty_row = nn.Parameter(torch.zeros(1, width))
        self.rows_norm = nn.LayerNorm(width, config.layer_norm_eps)
        self.layers = nn.ModuleList(_DecoderLayer(config) for _ in range(config.num_hidden_layers))
        self.final_norm = nn.LayerNorm(width, config.layer_norm_eps)
        self.pixels = nn.Linear(width, config.patch_values)
        self.paint = nn.Linear(config.encoder_hidden_size, config.patch_values)
        self.gates = nn.Linear(width, len(config.scales))
        for grid in set(config.grids):
            matrix = torch.from_numpy(resize_matrix(config.patch_size, config.image_size // grid))
            self.register_buffer(f"_enlarge_{grid}", matrix, persistent=False)

    def forward(self, features: torch.Tensor, present: torch.Tensor, ages: torch.Tensor) -> torch.Tensor:
        """The pixels (B, C, S, S) of frames.

        Args:
            features: (B, N, H), the newest feature of every patch id.
            present: (B, N) bool, whether there is one.
            ages: (B, N) int64, 0 .. window - 1.
        """
        config, count = self.config, len(features)
        table: torch.Tensor = self.position_embedding.weight
        levels = resized_tables(table, config.grid, config.grids)
        places = torch.cat(
            [level + scale for level, scale in zip(levels, self.scale_embedding.weight, strict=True)]
        )
        rows = self.features(features) + places + self.age_embedding(ages)
        rows = self.rows_norm(torch.cat([rows, self.empty_row.expand(count, 1, -1)], 1))
        seen = torch.cat([present, torch.ones_like(present[:, :1])], 1)[:, None, None]
        x = (table + self.mask_token).expand(count, -1, -1)
        for layer in self.layers:
            x = layer(x, rows, seen)
        x = self.final_norm(x)
        grid, patch, channels = config.grid, config.patch_size, config.num_channels
        image = self.pixels(x).reshape(count, grid, grid, channels, patch, patch)
        image = image.permute(0, 3, 1, 4, 2, 5)
        gates = self.gates(x).reshape(count, 1, grid, 1, grid, 1, -1)
        paint = self.paint(features) * present[..., None]
        first = 0
        for scale, cells in enumerate(config.grids):
            painted = self._painted(paint[:, first : first + cells * cells], cells)
            image = image + painted.reshape(image.shape) * gates[..., scale]
            first += cells * cells
        whole: torch.Tensor = image.reshape(count, channels, config.image_size, config.image_size)
        return whole

    def _painted(self, paint: torch.Tensor, cells: int) -> torch.Tensor:
        """(B, C, g, c, g, c): a scale's patches, enlarged to their cells."""
        config = self.config
        matrix: torch.Tensor = getattr(self, f"_enlarge_{cells}")
        shape = (len(paint), cells, cells, config.num_channels, config.patch_size, config.patch_size)
        tiles = paint.reshape(shape)
        if matrix.shape[0] != matrix.shape[1]:
            tiles = matrix @ tiles @ matrix.T
        return tiles.permute(0, 3, 1, 4, 2, 5)


class _DecoderLayer(nn.Module):
    def __init__(self, config: FrameDecoderConfig) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.cross_norm = nn.LayerNorm(width, eps)
        self.cross = _Attention(width, config.num_attention_heads)
        self.self_norm = nn.LayerNorm(width, eps)
        self.self = _Attention(width, config.num_attention_heads)
        self.mlp_norm = nn.LayerNorm(width, eps)
        self.mlp = _FeedForward(width, config.intermediate_size)

    def forward(self, x: torch.Tensor, rows: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        x = x + self.cross(self.cross_norm(x), rows, seen)
        normed = self.self_norm(x)
        x = x + self.self(normed, normed, None)
        out: torch.Tensor = x + self.mlp(self.mlp_norm(x))
        return out


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.v_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: torch.Tensor, rows: torch.Tensor, visible: torch.Tensor | None) -> torch.Tensor:
        query, key, value = (
            projection(each).reshape(*each.shape[:2], self.heads, -1).transpose(1, 2)
            for projection, each in ((self.q_proj, x), (self.k_proj, rows), (self.v_proj, rows))
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=visible)
        out: torch.Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return out


class _FeedForward(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.fc2(functional.gelu(self.fc1(x), approximate="tanh"))
        return out


def resized_tables(table: torch.Tensor, trained: int, grids: tuple[int, ...]) -> list[torch.Tensor]:
    """(grid^2, width) for each grid: a table (trained^2, width) of positions, resized bicubically."""
    levels = []
    for grid in grids:
        matrix = torch.from_numpy(resize_matrix(trained, grid)).to(table)
        by_row = torch.tensordot(matrix, table.reshape(trained, trained, -1), dims=([1], [0]))
        levels.append(torch.einsum("jw,iwd->ijd", matrix, by_row).flatten(0, 1))
    return levels
