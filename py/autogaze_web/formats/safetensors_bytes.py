"""Arrays as the bytes of a safetensors file and back, where the ``safetensors`` library cannot go."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .safetensors import Buffer, read_header

_DTYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64, "I32": np.int32, "I64": np.int64}
_NAMES = {np.dtype(dtype): name for name, dtype in _DTYPES.items()}

# The header is padded with spaces to whole 64-bit words, so that the first tensor is aligned.
_ALIGNMENT = 8


def tensors_to_bytes(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """A safetensors file with these arrays, in their order.

    Raises:
        ValueError: for a dtype other than float16, 32 and 64 and int32 and 64.
    """
    header, parts, start = {}, [], 0
    for name, array in tensors.items():
        if array.dtype not in _NAMES:
            raise ValueError(f"the tensor {name} is {array.dtype}, expected one of {', '.join(_DTYPES)}")
        data = np.ascontiguousarray(array).tobytes()
        end = start + len(data)
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [start, end],
        }
        parts.append(data)
        start = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])


def tensors_from_bytes(data: Buffer) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file, as copies.

    Raises:
        ValueError: if the file is damaged or a tensor has another dtype than ``tensors_to_bytes`` writes.
    """
    tensors = {}
    for name, entry in read_header(data).items():
        if entry.dtype not in _DTYPES:
            raise ValueError(f"the tensor {name} is {entry.dtype}, expected one of {', '.join(_DTYPES)}")
        piece = bytes(data[entry.start : entry.end])
        tensors[name] = np.frombuffer(piece, _DTYPES[entry.dtype]).reshape(entry.shape).copy()
    return tensors
