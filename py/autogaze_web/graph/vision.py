"""The vision trunk: one frame of pixels to the decoder's input tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..config import AutoGazeConfig
from .nodes import GraphBuilder

_TRUNK = "gazing_model.vision_model"
_NORM_EPSILON = 1e-5


@dataclass(frozen=True)
class VisionOutputs:
    """Values of the trunk: ``tokens`` (N,D), each block's ``next_past`` (1,P*C,G,G), and two for tests."""

    tokens: str
    next_past: list[str]
    patches: str
    normed: str


def vision_trunk(g: GraphBuilder, config: AutoGazeConfig, frame: str, past: list[str]) -> VisionOutputs:
    """Patch convolution, LayerNorm over channels, causal convolution blocks, 1x1 convolution, positions.

    A block's 3-D convolution over its past frames and this one is a 2-D convolution whose input channels
    are those frames side by side, oldest first: frames before the stream began are zeros after the
    LayerNorm, as upstream pads. The trunk adds no residual.

    Args:
        frame: (1,3,I,I), normalised pixels.
        past: for each block, its last P input frames (1,P*C,G,G); empty when P is 0.
    """
    vision = config.vision
    channels, grid, tokens, past_frames = (
        vision.hidden_dim,
        config.vision_grid,
        config.vision_tokens,
        vision.past_frames,
    )
    size, spatial, frames = (
        vision.kernel_size,
        vision.trunk_spatial_kernel_size,
        vision.trunk_temporal_kernel_size,
    )

    kernel = g.reshape(g.weight(f"{_TRUNK}.temporal_conv.weight"), channels, 3, size, size)
    patches = g.op("Conv", frame, kernel, g.weight(f"{_TRUNK}.temporal_conv.bias"), strides=[size, size])
    by_token = g.op("Transpose", g.reshape(patches, channels, tokens), perm=[1, 0])
    normed = g.op(
        "LayerNormalization",
        by_token,
        g.weight(f"{_TRUNK}.norm.weight"),
        g.weight(f"{_TRUNK}.norm.bias"),
        axis=-1,
        epsilon=_NORM_EPSILON,
    )
    x = g.reshape(g.op("Transpose", normed, perm=[1, 0]), 1, channels, grid, grid)

    next_past = []
    for block in range(vision.depth):
        if past_frames:
            x = g.op("Concat", past[block], x, axis=1)
            next_past.append(g.slice(x, 1, channels, (past_frames + 1) * channels))
        kernel = g.op("Transpose", g.weight(f"{_TRUNK}.blocks.{block}.conv3d.weight"), perm=[0, 2, 1, 3, 4])
        kernel = g.reshape(kernel, channels, frames * channels, spatial, spatial)
        bias = g.weight(f"{_TRUNK}.blocks.{block}.conv3d.bias")
        x = g.op("Relu", g.op("Conv", x, kernel, bias, pads=[spatial // 2] * 4))

    weight = g.op(
        "Transpose", g.reshape(g.weight(f"{_TRUNK}.out_proj.weight"), vision.out_dim, channels), perm=[1, 0]
    )
    offset = g.op("Add", g.weight("gazing_model.connector.pos_embed"), g.weight(f"{_TRUNK}.out_proj.bias"))
    by_token = g.op("Transpose", g.reshape(x, channels, tokens), perm=[1, 0])
    return VisionOutputs(g.op("Add", g.op("MatMul", by_token, weight), offset), next_past, patches, normed)


def zero_past(config: AutoGazeConfig) -> list[np.ndarray]:
    """The blocks' past before a stream's first frame: (1,P*C,G,G) zeros for each block."""
    shape = (1, config.vision.past_frames * config.vision.hidden_dim, config.vision_grid, config.vision_grid)
    return [
        np.zeros(shape, np.float32) for _ in range(config.vision.depth if config.vision.past_frames else 0)
    ]
