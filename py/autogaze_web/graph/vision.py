"""The vision trunk: from the pixels of one frame to the decoder's input tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..model.config import AutoGazeConfig
from .nodes import GraphBuilder, Widened

_TRUNK = "gazing_model.vision_model"
_NORM_EPSILON = 1e-5


@dataclass(frozen=True)
class VisionOutputs:
    """Outputs of the trunk: ``tokens`` (N,W), ``next_past`` (1,P*C,G,G) of each block, and two for tests."""

    tokens: str
    next_past: list[str]
    patches: str
    normed: str


def vision_trunk(
    g: GraphBuilder, config: AutoGazeConfig, frame: str, past: list[str], widened: Widened
) -> VisionOutputs:
    """Patch convolution, LayerNorm over channels, causal convolution blocks, 1x1 convolution, positions.

    The 3-D convolution of a block is computed as one 2-D convolution of this frame with all T taps in
    parallel. The result of a tap contributes to this frame or to one of the following P = T - 1 frames. A
    block therefore carries sums instead of past frames: the contributions of earlier frames to this frame and
    to the P - 1 frames after it. A stream starts with zeros, because upstream pads after the LayerNorm. The
    trunk has no residual connections.

    Args:
        g: the graph under construction.
        config: the architecture.
        frame: (1,3,I,I), normalised pixels; of a batch (B,3,I,I).
        past: the sums (1,P*C,G,G) from earlier frames for each block, for this frame first; empty if P is 0.
            Of a batch (B,P*C,G,G).
        widened: pads a weight to the decoder's row width.
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
    by_token = g.permute(g.stack(patches, channels, tokens), 1, 0)
    normed = g.op(
        "LayerNormalization",
        by_token,
        g.weight(f"{_TRUNK}.norm.weight"),
        g.weight(f"{_TRUNK}.norm.bias"),
        axis=-1,
        epsilon=_NORM_EPSILON,
    )
    x = g.reshape(g.permute(normed, 1, 0), -1 if g.batched else 1, channels, grid, grid)

    next_past = []
    for block in range(vision.depth):
        name = f"{_TRUNK}.blocks.{block}.conv3d"
        kernel, bias = _taps(g, name, channels, frames, spatial)
        taps = g.op("Conv", x, kernel, bias, pads=[spatial // 2] * 4)
        if past_frames:
            summed, last = g.split(taps, 1, past_frames * channels, channels)
            summed = g.op("Add", summed, past[block])
            taps, *rest = (
                g.split(summed, 1, channels, (past_frames - 1) * channels) if past_frames > 1 else [summed]
            )
            next_past.append(g.op("Concat", *rest, last, axis=1) if rest else last)
        x = g.op("Relu", taps)

    weight = g.op(
        "Transpose", g.reshape(g.weight(f"{_TRUNK}.out_proj.weight"), vision.out_dim, channels), perm=[1, 0]
    )
    offset = g.op("Add", g.weight("gazing_model.connector.pos_embed"), g.weight(f"{_TRUNK}.out_proj.bias"))
    by_token = g.permute(g.stack(x, channels, tokens), 1, 0)
    weight, offset = widened(weight, 2, 1), widened(offset, 2, 1)
    return VisionOutputs(g.op("Add", g.op("MatMul", by_token, weight), offset), next_past, patches, normed)


def _taps(g: GraphBuilder, name: str, channels: int, frames: int, spatial: int) -> tuple[str, str]:
    """A block's kernel (T*C,C,k,k), with the tap of the current frame first, and its bias (T*C)."""
    kernel = g.op("Transpose", g.weight(f"{name}.weight"), perm=[2, 0, 1, 3, 4])
    kernel = g.reshape(kernel, frames * channels, channels, spatial, spatial)
    bias = g.weight(f"{name}.bias")
    if frames > 1:
        # The checkpoint stores the tap of the oldest frame first.
        order = np.arange(frames * channels).reshape(frames, channels)[::-1]
        kernel = g.op("Gather", kernel, g.constant(order.reshape(-1), np.int64), axis=0)
        bias = g.op("Concat", bias, g.constant(np.zeros((frames - 1) * channels)), axis=0)
    return kernel, bias


def zero_past(config: AutoGazeConfig) -> list[np.ndarray]:
    """The sums before a stream's first frame: (1,P*C,G,G) zeros for each block."""
    shape = (1, config.vision.past_frames * config.vision.hidden_dim, config.vision_grid, config.vision_grid)
    return [
        np.zeros(shape, np.float32) for _ in range(config.vision.depth if config.vision.past_frames else 0)
    ]
