"""Streams of frames: ``LiveView`` turns frames and cells into panels and numbers, ``Gazer`` runs the model.

``pipeline`` runs whole videos; the page never loads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .gazer import Gazer as Gazer
    from .record import FrameRecord as FrameRecord
    from .record import FrameRecords as FrameRecords
    from .sources import MaskSource as MaskSource
    from .view import FrameReport as FrameReport
    from .view import LiveSettings as LiveSettings
    from .view import LiveView as LiveView

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "gazer": "Gazer",
        "record": "FrameRecord FrameRecords",
        "sources": "MaskSource",
        "view": "FrameReport LiveSettings LiveView",
    },
)
