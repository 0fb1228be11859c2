"""The inputs of downstream models: tokens of image and video grids, and NVIDIA's ``gazing_info``.

All of it is plain functions over arrays (docs/readout.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
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

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "EncoderScales": "encoder_input",
        "GazingInfo": "gazing_info",
        "ImageGrid": "token_grids",
        "PatchGeometry": "token_grids",
        "Projection": "projection",
        "ReadoutOptions": "projection",
        "VideoGrid": "token_grids",
        "VideoReadoutOptions": "projection",
        "attention_allowed": "gazing_info",
        "attention_mask": "gazing_info",
        "clip_video_tokens": "projection",
        "frame_tokens": "projection",
        "gazed_patches": "encoder_input",
        "gazed_positions": "encoder_input",
        "video_coordinates": "token_grids",
        "without_padding": "gazing_info",
    },
)
