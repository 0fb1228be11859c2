"""Builds the weight-free ONNX graphs of an architecture. Requires the extra ``[native]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .build import frame_graph as frame_graph
    from .build import steps_graph as steps_graph

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "build": "frame_graph steps_graph",
    },
)
