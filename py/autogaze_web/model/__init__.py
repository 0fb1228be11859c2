"""AutoGaze: its configuration, checkpoint, image processor, and the generation of tokens as a state machine.

Nothing here executes a graph: generators yield runs of graphs and receive their results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .checkpoint import Checkpoint as Checkpoint
    from .clips import ClipGeneration as ClipGeneration
    from .clips import StreamGeneration as StreamGeneration
    from .config import AutoGazeConfig as AutoGazeConfig
    from .gaze import Gaze as Gaze
    from .processor import AutoGazeImageProcessor as AutoGazeImageProcessor

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "checkpoint": "Checkpoint",
        "clips": "ClipGeneration StreamGeneration",
        "config": "AutoGazeConfig",
        "gaze": "Gaze",
        "processor": "AutoGazeImageProcessor",
    },
)
