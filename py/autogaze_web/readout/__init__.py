"""The inputs of downstream models: tokens of image and video grids, and NVIDIA's ``gazing_info``.

All of it is plain functions over arrays (docs/readout.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .encoder_input import EncoderScales as EncoderScales
    from .encoder_input import gazed_patches as gazed_patches
    from .encoder_input import gazed_positions as gazed_positions
    from .gazing_info import GazingInfo as GazingInfo
    from .gazing_info import attention_allowed as attention_allowed
    from .gazing_info import attention_mask as attention_mask
    from .gazing_info import without_padding as without_padding
    from .projection import Projection as Projection
    from .projection import ReadoutOptions as ReadoutOptions
    from .projection import VideoReadoutOptions as VideoReadoutOptions
    from .projection import clip_video_tokens as clip_video_tokens
    from .projection import frame_tokens as frame_tokens
    from .token_grids import ImageGrid as ImageGrid
    from .token_grids import PatchGeometry as PatchGeometry
    from .token_grids import VideoGrid as VideoGrid
    from .token_grids import video_coordinates as video_coordinates

__getattr__: Callable[[str], Any]
__dir__: Callable[[], list[str]]
__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "encoder_input": "EncoderScales gazed_patches gazed_positions",
        "gazing_info": "GazingInfo attention_allowed attention_mask without_padding",
        "projection": "Projection ReadoutOptions VideoReadoutOptions clip_video_tokens frame_tokens",
        "token_grids": "ImageGrid PatchGeometry VideoGrid video_coordinates",
    },
)
