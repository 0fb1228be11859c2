"""Large frames as tiles of the model's input size: how frames are cut, and how the cells of tiles are joined.

``InferenceMode`` is the way in which the model is given a frame: whole or in tiles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .inference_mode import InferenceMode as InferenceMode
    from .tiled_clips import TiledGeneration as TiledGeneration
    from .tiled_clips import TiledStream as TiledStream
    from .tiling import Tiling as Tiling
    from .tiling import stitch as stitch

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "inference_mode": "InferenceMode",
        "tiled_clips": "TiledGeneration TiledStream",
        "tiling": "Tiling stitch",
    },
)
