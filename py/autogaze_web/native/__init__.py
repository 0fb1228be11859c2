"""AutoGaze on ONNX Runtime, outside a browser. Requires the extra ``[native]``.

Names and calls are those of NVIDIA's code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .autogaze import AutoGaze as AutoGaze
    from .frame_decoder import FrameDecoder as FrameDecoder
    from .siglip import EncoderOutput as EncoderOutput
    from .siglip import EncoderStream as EncoderStream
    from .siglip import SiglipVisionModel as SiglipVisionModel
    from .sources import autogaze_source as autogaze_source

__getattr__: Callable[[str], Any]
__dir__: Callable[[], list[str]]
__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "autogaze": "AutoGaze",
        "frame_decoder": "FrameDecoder",
        "siglip": "EncoderOutput EncoderStream SiglipVisionModel",
        "sources": "autogaze_source",
    },
)
