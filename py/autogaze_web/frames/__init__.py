"""Pixels: RGBA frames, arithmetic on them eight bytes at a time, resizing, changed blocks, and rectangles.

Nothing here knows about cells or masks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .changes import changed_blocks as changed_blocks
    from .resize import resize_bicubic as resize_bicubic
    from .resize import resize_bilinear_u8 as resize_bilinear_u8
    from .rgba import Rgba as Rgba
    from .rgba import as_frame as as_frame
    from .synthetic import SYNTHETIC_SOURCES as SYNTHETIC_SOURCES

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "changes": "changed_blocks",
        "resize": "resize_bicubic resize_bilinear_u8",
        "rgba": "Rgba as_frame",
        "synthetic": "SYNTHETIC_SOURCES",
    },
)
