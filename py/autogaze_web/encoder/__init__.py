"""SigLIP's vision tower on gazed patches: config, weights, rows and cache, without what runs it.

`SiglipVisionModel` runs it on ONNX Runtime (docs/encoder.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .checkpoint import SiglipCheckpoint as SiglipCheckpoint
    from .config import SiglipConfig as SiglipConfig
    from .encoding import EncodedVideo as EncodedVideo
    from .encoding import VideoEncoding as VideoEncoding
    from .feature_memory import DecoderRows as DecoderRows
    from .feature_memory import FeatureMemory as FeatureMemory
    from .frame_decoder import FrameDecoderCheckpoint as FrameDecoderCheckpoint
    from .frame_decoder import FrameDecoderConfig as FrameDecoderConfig
    from .processor import SiglipImageProcessor as SiglipImageProcessor

__getattr__: Callable[[str], Any]
__dir__: Callable[[], list[str]]
__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "checkpoint": "SiglipCheckpoint",
        "config": "SiglipConfig",
        "encoding": "EncodedVideo VideoEncoding",
        "feature_memory": "DecoderRows FeatureMemory",
        "frame_decoder": "FrameDecoderCheckpoint FrameDecoderConfig",
        "processor": "SiglipImageProcessor",
    },
)
