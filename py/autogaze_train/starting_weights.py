"""The initial weights. Training could find them itself, but they save it time.

Patches start as a cosine transform of brightness and colour. Half of the temporal convolution starts as the
change since the previous frame, with both signs because of the ReLU. Patches, tokens and the rows of the
token heads start with one positional code, so that neighbours are similar. The last layer starts by attending
to what changed; without that, it takes thousands of steps until the network attends to any place.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeVar

import torch
from torch import nn

from .geometry import Geometry
from .network import NOTICED, Attention, Block, Layer, Network

_Kind = TypeVar("_Kind", bound=nn.Module)

# Rows of an orthonormal luminance and chrominance transform.
_COLOURS = ((0.577, 0.577, 0.577), (-0.408, -0.408, 0.816), (0.707, -0.707, 0.0))
_CONSTANT_CHANNELS, _CONSTANT = 1 / 8, 3.0
_PLACE_WIDTH = 1 / 14
_PLACE_SHARPNESS = 5.0
_ALWAYS, _CODE = 1, 2
"""Dimensions of the decoder's width: a constant 1, and the first dimension of the positional code."""


@torch.no_grad()
def set_starting_weights(network: Network, seed: int) -> None:
    """Sets all weights of a network."""
    generator = torch.Generator().manual_seed(seed)
    layers = network.config.decoder.num_hidden_layers
    for name, weight in network.named_parameters():
        if weight.ndim == 1:
            weight.fill_(1.0 if "norm.weight" in name or "layernorm" in name else 0.0)
        else:
            size = 0.7 / math.sqrt(weight[0].numel())
            if "o_proj" in name or "down_proj" in name:
                size /= math.sqrt(2 * layers)
            weight.copy_(size * torch.randn(weight.shape, generator=generator))
    model = network.gazing_model
    _set_patches(model.vision_model.temporal_conv)
    for block in _of(model.vision_model.blocks, Block):
        _set_changes(block.conv3d)
    _set_places(network, generator)
    for layer in _of(model.gaze_decoder.model.layers, Layer)[:-1]:
        set_memory(layer.self_attn, generator)
    _set_gaze(network)


def _set_patches(conv: nn.Conv3d) -> None:
    side = conv.kernel_size[1]
    line = (torch.arange(side) + 0.5) * math.pi / side
    waves = torch.stack([torch.cos(k * line) for k in range(side)])
    waves = waves / waves.norm(dim=1, keepdim=True)
    order = sorted((y * y + x * x, y, x) for y in range(side) for x in range(side))
    channels = conv.out_channels - int(conv.out_channels * _CONSTANT_CHANNELS)
    shares = (channels - 2 * (channels // 6), channels // 6, channels // 6)
    filters = []
    for colour, share in zip(_COLOURS, shares, strict=True):
        for square, y, x in order[:share]:
            # Natural images contain less of the finer waves, so amplify these partially.
            gain = (1 + math.sqrt(square)) ** 0.7 / 30
            plane = torch.outer(waves[y], waves[x]) * gain
            filters.append(torch.tensor(colour)[:, None, None] * plane)
    conv.weight.zero_()
    conv.weight[: len(filters), :, 0] = torch.stack(filters)
    # Large constant channels keep the layer norm from amplifying flat patches too much.
    constants = torch.full((conv.out_channels - len(filters),), _CONSTANT)
    constants[::2] *= -1
    if conv.bias is not None:
        conv.bias.zero_()
        conv.bias[len(filters) :] = constants


def _set_changes(conv: nn.Conv3d) -> None:
    rows, columns = conv.kernel_size[1:]
    for channel in range(_change_pairs(conv)):
        for sign, out in ((1.0, 2 * channel), (-1.0, 2 * channel + 1)):
            conv.weight[out] *= 0.1
            conv.weight[out, channel, -1, rows // 2, columns // 2] += sign
            conv.weight[out, channel, -2, rows // 2, columns // 2] -= sign


def _of(modules: Iterable[nn.Module], kind: type[_Kind]) -> list[_Kind]:
    return [module for module in modules if isinstance(module, kind)]


def _change_pairs(conv: nn.Conv3d) -> int:
    return conv.out_channels // 3 if conv.kernel_size[0] > 1 else 0


def _set_places(network: Network, generator: torch.Generator) -> None:
    """Sets one positional code for patches, tokens and the rows of the token heads."""
    config, model = network.config, network.gazing_model
    width = config.decoder.hidden_size
    free = slice(_CODE, width - (width - _CODE) % 2)
    waves = torch.randn((free.stop - free.start) // 2, 2, generator=generator) / _PLACE_WIDTH

    def code(side: int) -> torch.Tensor:
        line = (torch.arange(side) + 0.5) / side
        y, x = torch.meshgrid(line, line, indexing="ij")
        phase = torch.stack([x.flatten(), y.flatten()], 1) @ waves.T
        return torch.cat([phase.cos(), phase.sin()], 1)

    geometry = Geometry.of(config)
    cells = geometry.covers @ code(geometry.per_side)
    cells = cells / cells.square().mean(1, keepdim=True).sqrt()
    places = model.connector.pos_embed
    places.zero_()
    places[:, _ALWAYS] = 1
    places[:, free] = 0.5 * code(config.vision_grid)
    embedding = model.gaze_decoder.model.embed_tokens.weight
    sizes = geometry.covers.sum(1).long()
    for size in set(sizes.tolist()):
        embedding[:-1][sizes == size] = 0.3 * torch.randn(width, generator=generator)
    embedding[:, NOTICED], embedding[:, _ALWAYS] = 0, 1
    embedding[:-1, free] += 0.4 * cells
    heads = model.gaze_decoder.lm_head.weight.view(-1, config.vocab_size, width)
    heads[:, :-1, free] = 1 / math.sqrt(width) * cells


def _set_gaze(network: Network) -> None:
    """Makes the last layer attend to what changed and pass on its content."""
    vision, llama = network.gazing_model.vision_model, network.gazing_model.gaze_decoder.model
    changes = sum(2 * _change_pairs(block.conv3d) for block in _of(vision.blocks, Block)[-1:])
    vision.out_proj.weight[NOTICED] = 0
    vision.out_proj.weight[NOTICED, :changes] = 12.0 / max(changes, 1)
    vision.out_proj.weight[_ALWAYS] = 0
    attention = _of(llama.layers, Layer)[-1].self_attn
    dim = network.config.decoder.head_dim
    # The half of the rotary pairs that rotates slowly is nearly independent of distance.
    slow = (torch.arange(dim // 2) >= dim // 4).repeat(2)
    for weight, source in ((attention.q_proj.weight, _ALWAYS), (attention.k_proj.weight, NOTICED)):
        weight.mul_(0.3)
        weight.view(-1, dim, weight.shape[1])[:, slow, source] = 1.2
    for weight, size in ((attention.v_proj.weight, 1.0), (attention.o_proj.weight, 2.0)):
        weight.mul_(0.3)
        weight.diagonal().fill_(size)


@torch.no_grad()
def set_memory(attention: Attention, generator: torch.Generator) -> None:
    """Makes half of a layer's heads attend to the same place in the past, every other one to recent frames.

    Only rotary pairs that rotate little within a window can compare places. A pair that rotates by half a
    turn within a few frames prefers recent frames.
    """
    width, dim = attention.q_proj.in_features, attention.dim
    free = (width - _CODE) // 2
    still = range(int(0.57 * dim / 2), dim // 2)
    for head in range(attention.groups // 2):
        rows = slice(head * dim, (head + 1) * dim)
        waves = torch.randperm(free, generator=generator)[: len(still)].tolist()
        for projection in (attention.q_proj, attention.k_proj):
            weight = projection.weight[rows]
            weight.mul_(0.2)
            for pair, wave in zip(still, waves, strict=False):
                weight[pair, _CODE + wave] = _PLACE_SHARPNESS
                weight[pair + dim // 2, _CODE + free + wave] = _PLACE_SHARPNESS
            weight[still.start - 2, _ALWAYS] = 2.0 * (head % 2)
        size = 0.7 / math.sqrt(width)
        attention.v_proj.weight[rows] = size * torch.randn(dim, width, generator=generator)
        attention.o_proj.weight[:, rows] = 0.5 * size * torch.randn(width, dim, generator=generator)
