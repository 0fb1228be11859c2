"""The rows of clips that the encoder reads in training, and what the frame decoder reads of their features.

Letters as in ``encoder_network``; m rows of a clip, all frames together.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from autogaze_web.encoder.config import SiglipConfig


@dataclass(frozen=True)
class ClipRows:
    """The rows of clips, frame after frame.

    Attributes:
        ids: (B, m) int64 patch ids; no frame has one twice.
        valid: (B, m) bool; the others are padding.
        frame: (m,) int64, the frame of each row.
    """

    ids: torch.Tensor
    valid: torch.Tensor
    frame: torch.Tensor

    @staticmethod
    def of(orders: torch.Tensor, counts: torch.Tensor) -> ClipRows:
        """The first patches of each frame's order.

        Args:
            orders: (B, T, N) int64, every patch once, the best first.
            counts: (B, T) int64, how many of them are rows, 1 or more.
        """
        most = counts.amax(0).tolist()
        parts = [orders[:, t, :count] for t, count in enumerate(most)]
        slots = [torch.arange(count, device=orders.device) for count in most]
        valid = [slot < counts[:, t, None] for t, slot in enumerate(slots)]
        frame = [torch.full_like(slot, t) for t, slot in enumerate(slots)]
        return ClipRows(torch.cat(parts, 1), torch.cat(valid, 1), torch.cat(frame))

    def visible(self, window: int) -> torch.Tensor:
        """(B, m, m) bool: which rows see which, block-causal over the last ``window`` frames."""
        frames = (self.frame <= self.frame[:, None]) & (self.frame > self.frame[:, None] - window)
        own = torch.eye(len(self.frame), dtype=torch.bool, device=self.frame.device)
        return (frames & self.valid[:, None]) | own

    def newest(self, targets: torch.Tensor, patches: int, window: int) -> Newest:
        """Of each patch the newest row up to a frame.

        Args:
            targets: (B, R) int64, frames to rebuild.
            patches: N.
            window: the decoder's; higher ages count as ``window - 1``.
        """
        count, wanted = targets.shape
        order = torch.arange(len(self.frame), device=self.frame.device)
        usable = self.valid[:, None] & (self.frame <= targets[..., None])
        row = torch.where(usable, order, -1)
        ids = self.ids[:, None].expand(-1, wanted, -1)
        newest = torch.full((count, wanted, patches), -1, device=row.device).scatter_reduce(
            2, ids, row, "amax"
        )
        index = newest.clamp_min(0)
        ages = (targets[..., None] - self.frame[index]).clamp(0, window - 1)
        return Newest(index, newest >= 0, torch.where(newest >= 0, ages, 0))


@dataclass(frozen=True)
class Newest:
    """What the decoder reads for R frames of B clips.

    Attributes:
        index: (B, R, N) int64, a row of the clip; 0 where there is none.
        present: (B, R, N) bool.
        ages: (B, R, N) int64.
    """

    index: torch.Tensor
    present: torch.Tensor
    ages: torch.Tensor

    def features(self, features: torch.Tensor) -> torch.Tensor:
        """(B, R, N, H) of the encoder's features (B, m, H)."""
        flat = self.index.flatten(1)[..., None].expand(-1, -1, features.shape[-1])
        return features.gather(1, flat).reshape(*self.index.shape, features.shape[-1])


def as_pixels(clips: torch.Tensor) -> torch.Tensor:
    """What `SiglipImageProcessor` makes of uint8 frames of the model's size: -1 .. 1."""
    return clips.float() / 127.5 - 1


def all_patches(pixels: torch.Tensor, config: SiglipConfig) -> torch.Tensor:
    """(B, T, N, P): every patch of frames (B, T, C, S, S) at every scale."""
    flat = pixels.flatten(0, 1)
    parts = []
    for scale, grid in zip(config.scales, config.grids, strict=True):
        image = flat
        if scale != flat.shape[-1]:
            image = functional.interpolate(flat, (scale, scale), mode="bicubic", align_corners=False)
        patch = config.patch_size
        cut = image.reshape(*image.shape[:2], grid, patch, grid, patch)
        parts.append(cut.permute(0, 2, 4, 1, 3, 5).reshape(len(flat), grid * grid, -1))
    joined = torch.cat(parts, 1)
    return joined.reshape(*pixels.shape[:2], *joined.shape[1:])


def rows_of(patches: torch.Tensor, rows: ClipRows) -> torch.Tensor:
    """(B, m, P): the patches of rows."""
    flat = rows.frame * patches.shape[2] + rows.ids
    return patches.flatten(1, 2).gather(1, flat[..., None].expand(-1, -1, patches.shape[-1]))
