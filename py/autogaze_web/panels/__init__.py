"""The pictures and numbers of a frame: mask panel, output panel, PSNR.

Panels are persistent, and only the pixels that change are drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .mask_panel import MaskPanel as MaskPanel
    from .metrics import psnr as psnr
    from .output import Accumulation as Accumulation
    from .output import Accumulator as Accumulator
    from .palette import Palette as Palette

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "mask_panel": "MaskPanel",
        "metrics": "psnr",
        "output": "Accumulation Accumulator",
        "palette": "Palette",
    },
)
