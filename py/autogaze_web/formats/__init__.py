"""File formats from bytes and text, validated before use: safetensors, checkpoint indexes, and JSON.

Nothing here reads or writes a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .json_text import parse_json as parse_json
    from .safetensors import SafetensorsError as SafetensorsError
    from .safetensors import read_header as read_header
    from .safetensors import tensors_from_bytes as tensors_from_bytes
    from .safetensors import tensors_to_bytes as tensors_to_bytes
    from .safetensors_index import read_index as read_index

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "json_text": "parse_json",
        "safetensors": "SafetensorsError read_header tensors_from_bytes tensors_to_bytes",
        "safetensors_index": "read_index",
    },
)
