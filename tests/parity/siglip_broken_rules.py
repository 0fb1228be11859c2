"""The rules of NVIDIA's gazed SigLIP, each broken alone: what a plausible mistake would do, for tests only.

A breakage patches the product's functions for the length of one test, and names a case that notices it.
"""

# ruff: noqa: ARG001, ARG005 (the functions replace others, and take what those take)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from autogaze_web import GazingInfo
from autogaze_web.encoder import config, encoding, patches, rows
from autogaze_web.encoder.encoding import VideoEncoding
from autogaze_web.frames import resize
from autogaze_web.graph import encoder as graph
from autogaze_web.graph.nodes import GraphBuilder
from autogaze_web.native import siglip

Breakage = Callable[[pytest.MonkeyPatch], None]
Taps = tuple[np.ndarray, np.ndarray]
TapsOf = Callable[[int, int], Taps]


def taps_of(
    a: float = -0.75, bilinear: bool = False, align_corners: bool = False, antialias: bool = False
) -> TapsOf:
    """Taps like those of `bicubic_taps` by another rule."""

    def weight_at(x: np.ndarray) -> np.ndarray:
        x = np.abs(x)
        if bilinear:
            return np.maximum(0, 1 - x)
        near = ((a + 2) * x - (a + 3)) * x * x + 1
        far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
        return np.where(x <= 1, near, np.where(x < 2, far, 0))

    def taps(size: int, out: int) -> Taps:
        if size == out:
            return resize.bicubic_taps.__wrapped__(size, out)
        scale = (size - 1) / max(out - 1, 1) if align_corners else size / out
        position = np.arange(out) * scale if align_corners else (np.arange(out) + 0.5) * scale - 0.5
        wide = max(scale, 1.0) if antialias else 1.0
        index = np.floor(position).astype(int) + np.arange(-int(2 * wide) - 1, int(2 * wide) + 3)[:, None]
        weight = weight_at((index - position) / wide)
        return np.clip(index, 0, size - 1), np.float32(weight / weight.sum(axis=0))

    return taps


def resize_everything(**how: Any) -> Breakage:
    def breakage(patch: pytest.MonkeyPatch) -> None:
        resize_positions(**how)(patch)
        patch.setattr(resize, "bicubic_taps", patches.bicubic_taps)

    return breakage


def resize_positions(**how: Any) -> Breakage:
    def breakage(patch: pytest.MonkeyPatch) -> None:
        taps = taps_of(**how)
        taps.__wrapped__ = resize.bicubic_taps.__wrapped__  # type: ignore[attr-defined]
        patch.setattr(patches, "bicubic_taps", taps)

    return breakage


def positions_cut_out(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(graph, "resize_matrix", lambda size, out: np.eye(out, size, dtype=np.float32))


def default_scale_is_image_size(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(config, "DEFAULT_SCALES", "64")


def scales_as_written(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(config, "sorted", list, raising=False)


def frames_of_a_scale_together(patch: pytest.MonkeyPatch) -> None:
    checked = siglip.checked_gaze

    def broken(gaze: Any, shape: tuple[int, ...], tower: config.SiglipConfig) -> GazingInfo:
        info, frames = checked(gaze, shape, tower), shape[1]
        counts = [grid * grid for grid in tower.grids]
        order = [
            t * sum(counts) + offset + cell
            for offset, count in zip(np.cumsum([0, *counts]), counts, strict=False)
            for t in range(frames)
            for cell in range(count)
        ]
        position = np.where(info.if_padded_gazing, 0, info.gazing_pos)
        return replace(info, gazing_pos=np.array(order)[position])

    patch.setattr(siglip, "checked_gaze", broken)


def channels_last(patch: pytest.MonkeyPatch) -> None:
    gathered = encoding.gazed_patches

    def broken(*arguments: Any) -> np.ndarray:
        values = gathered(*arguments)
        size = arguments[2].patch_size
        return values.reshape(*values.shape[:2], 3, size, size).transpose(0, 1, 3, 4, 2).reshape(values.shape)

    patch.setattr(encoding, "gazed_patches", broken)


def pad_of_its_own_frame(patch: pytest.MonkeyPatch) -> None:
    right = VideoEncoding._patches

    def broken(self: VideoEncoding, video: np.ndarray, index: int, planned: rows.Rows) -> np.ndarray:
        first = planned.slot * self._config.patch_scales.patches
        moved = replace(planned, position=np.where(planned.padded, first, planned.position))
        return right(self, video, index, replace(moved, padded=np.zeros_like(planned.padded)))

    patch.setattr(VideoEncoding, "_patches", broken)


def rows_seen(sees: Callable[[rows.Rows, config.SiglipConfig, np.ndarray], np.ndarray]) -> Breakage:
    """Another rule of who sees whom, from the rows, the config and the right mask."""

    def breakage(patch: pytest.MonkeyPatch) -> None:
        right = rows.visible_rows

        def broken(planned: rows.Rows, chosen: slice, tower: config.SiglipConfig) -> np.ndarray:
            return sees(planned, tower, right(planned, chosen, tower))

        patch.setattr(rows, "visible_rows", broken)

    return breakage


def by_position(planned: rows.Rows, tower: config.SiglipConfig, right: np.ndarray) -> np.ndarray:
    frame = planned.position // tower.patch_scales.patches
    return (frame[:, None] >= frame) & ~planned.padded[None]


def pads_as_keys(planned: rows.Rows, tower: config.SiglipConfig, right: np.ndarray) -> np.ndarray:
    return planned.slot[:, None] >= planned.slot


def pads_blind_to_themselves(planned: rows.Rows, tower: config.SiglipConfig, right: np.ndarray) -> np.ndarray:
    return right & ~planned.padded[None]


def causal_inside_a_frame(planned: rows.Rows, tower: config.SiglipConfig, right: np.ndarray) -> np.ndarray:
    return right & np.tri(len(planned), dtype=bool)


def no_earlier_frames(planned: rows.Rows, tower: config.SiglipConfig, right: np.ndarray) -> np.ndarray:
    return right & (planned.slot[:, None] == planned.slot)


def later_frames(planned: rows.Rows, tower: config.SiglipConfig, right: np.ndarray) -> np.ndarray:
    return right | ~planned.padded[None]


def frames_not_independent(planned: rows.Rows, tower: config.SiglipConfig, right: np.ndarray) -> np.ndarray:
    return right | ((planned.slot[:, None] >= planned.slot) & ~planned.padded[None])


def bidirectional_pads_attend(
    planned: rows.Rows, tower: config.SiglipConfig, right: np.ndarray
) -> np.ndarray:
    return np.broadcast_to(~planned.padded[None], right.shape)


def causal_pads_stay(patch: pytest.MonkeyPatch) -> None:
    def broken(gazing: GazingInfo, video: int, tower: config.SiglipConfig, padding: bool) -> rows.Rows:
        padded = gazing.if_padded_gazing[video]
        return rows.Rows(
            np.where(padded, 0, gazing.gazing_pos[video]),
            gazing.frame_of_slot,
            padded,
            np.ones(padded.size, np.int64),
            np.arange(padded.size),
        )

    patch.setattr(encoding, "plan_rows", broken)


def erf_gelu(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(graph, "activation", lambda g, name, x: g.op("Gelu", x))


def larger_epsilon(patch: pytest.MonkeyPatch) -> None:
    right = graph._norm
    patch.setattr(
        graph, "_norm", lambda g, tower, name, x: right(g, replace(tower, layer_norm_eps=1e-5), name, x)
    )


def without_final_norm(patch: pytest.MonkeyPatch) -> None:
    right = graph._norm
    patch.setattr(
        graph,
        "_norm",
        lambda g, tower, name, x: (
            g.op("Identity", x) if name.endswith("post_layernorm") else right(g, tower, name, x)
        ),
    )


def pooling_before_final_norm(patch: pytest.MonkeyPatch) -> None:
    norm, head, before = graph._norm, graph._head, []

    def recording(g: GraphBuilder, tower: config.SiglipConfig, name: str, x: str) -> str:
        if name.endswith("post_layernorm"):
            before.append(x)
        return norm(g, tower, name, x)

    patch.setattr(graph, "_norm", recording)
    patch.setattr(graph, "_head", lambda g, tower, _: head(g, tower, before[-1]))


def pooling_hides_pads(patch: pytest.MonkeyPatch) -> None:
    planned = encoding.plan_rows

    def broken(*arguments: Any) -> rows.Rows:
        right = planned(*arguments)
        return replace(right, count=np.where(right.padded, 0, right.count))

    patch.setattr(encoding, "plan_rows", broken)


def in_proj_as_k_q_v(patch: pytest.MonkeyPatch) -> None:
    right = GraphBuilder.split

    def broken(self: GraphBuilder, value: str, axis: int, *sizes: int) -> list[str]:
        first, second, *rest = right(self, value, axis, *sizes)
        return [second, first, *rest]

    patch.setattr(GraphBuilder, "split", broken)


def pooled_residual_after_norm(patch: pytest.MonkeyPatch) -> None:
    def broken(g: GraphBuilder, tower: config.SiglipConfig, name: str, x: str) -> str:
        normed = graph._norm(g, tower, f"{name}.layernorm", x)
        return g.op("Add", normed, graph._mlp(g, tower, f"{name}.mlp", normed))

    patch.setattr(graph, "_pooled_mlp", broken)


# A case that notices each of them.
BREAKAGES: dict[str, tuple[Breakage, str]] = {
    "bilinear instead of bicubic": (resize_everything(bilinear=True), "tiny_gazed_4"),
    "cubic a = -0.5": (resize_everything(a=-0.5), "tiny_gazed_4"),
    "align_corners": (resize_everything(align_corners=True), "tiny_gazed_4"),
    "antialias when shrinking": (resize_everything(antialias=True), "tiny_gazed_4"),
    "positions resized bilinearly": (resize_positions(bilinear=True), "tiny_gazed_4"),
    "positions antialiased": (resize_positions(antialias=True), "tiny_gazed_4"),
    "positions cut out": (positions_cut_out, "patch14_stream_4"),
    "scales not given mean image_size": (default_scale_is_image_size, "tiny_default_scale_1"),
    "scales in the order written": (scales_as_written, "tiny_pads_4"),
    "all frames of a scale together": (frames_of_a_scale_together, "tiny_gazed_4"),
    "patch vectors channels last": (channels_last, "tiny_plain_image"),
    "a pad is token 0 of its own frame": (pad_of_its_own_frame, "tiny_pads_4"),
    "the mask goes by position": (rows_seen(by_position), "tiny_strays_2"),
    "pads visible as keys": (rows_seen(pads_as_keys), "tiny_pads_4"),
    "a pad does not see itself": (rows_seen(pads_blind_to_themselves), "tiny_pads_4"),
    "causal inside a frame": (rows_seen(causal_inside_a_frame), "tiny_plain_image"),
    "earlier frames not visible": (rows_seen(no_earlier_frames), "tiny_gazed_4"),
    "later frames visible": (rows_seen(later_frames), "tiny_gazed_4"),
    "frame_independent_encoding ignored": (rows_seen(frames_not_independent), "tiny_frame_independent_4"),
    "causal: pads stay in place": (causal_pads_stay, "tiny_causal_4"),
    "bidirectional: pads attend": (rows_seen(bidirectional_pads_attend), "tiny_bidirectional_4"),
    "erf GELU for tanh GELU": (erf_gelu, "tiny_plain_image"),
    "layer_norm_eps 1e-5": (larger_epsilon, "tiny_plain_image"),
    "no final LayerNorm": (without_final_norm, "tiny_plain_image"),
    "pooling before the final LayerNorm": (pooling_before_final_norm, "tiny_plain_image"),
    "pooling hides pads": (pooling_hides_pads, "tiny_pads_4"),
    "in_proj read as k, q, v": (in_proj_as_k_q_v, "tiny_plain_image"),
    "residual of the pooling MLP after its norm": (pooled_residual_after_norm, "tiny_plain_image"),
}
