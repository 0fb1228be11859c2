"""The safetensors format without the ``safetensors`` library, which is not available in a browser.

A file consists of the header's length as 8 little-endian bytes, the header as JSON, and the bytes of the
tensors. The header maps names to ``{"dtype", "shape", "data_offsets"}`` and may contain ``__metadata__``. The
reader accepts the same files as the library (0.8), except that a duplicate name is an error here, where the
library silently uses the last one. Every length is checked against the size of the file before it is used.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from ..limits import MAX_HEADER_BYTES, shown
from .json_text import JsonError, Pairs, load_json

Buffer = bytes | bytearray | memoryview

_USIZE_MAX = 2**64 - 1
_SURROGATE = re.compile(r"\\u[dD][89abAB]|\\u[dD][c-fC-F]")

_BITS = {
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("C64", "F64", "I64", "U64"), 64),
}

_DTYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64, "I32": np.int32, "I64": np.int64}
_NAMES = {np.dtype(dtype): name for name, dtype in _DTYPES.items()}

# The header is padded with spaces to whole 64-bit words, so that the first tensor is aligned.
_ALIGNMENT = 8


class SafetensorsError(ValueError):
    """Bytes that are not a valid safetensors file; the message says what is wrong."""


@dataclass(frozen=True)
class TensorEntry:
    """A tensor: the name of its dtype, its shape, and its bytes from ``start`` to ``end`` in the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def read_header(data: Buffer, size: int | None = None) -> dict[str, TensorEntry]:
    """The tensors of a safetensors file, in the order of their bytes.

    Args:
        data: the file, or as much of it as the header needs.
        size: bytes of the whole file; ``len(data)`` if not given.

    Raises:
        SafetensorsError: if the file is truncated, or its header is not valid or does not fit the file.
    """
    size = len(data) if size is None else size
    if size < 8:
        raise SafetensorsError(
            f"the file has {size} bytes, too few for a safetensors file: download it again"
        )
    length = int.from_bytes(bytes(data[:8]), "little")
    if length > MAX_HEADER_BYTES:
        raise SafetensorsError(
            f"the header claims {length} bytes, more than {MAX_HEADER_BYTES}: it is not a safetensors file"
        )
    if 8 + length > size:
        raise SafetensorsError(
            f"the header claims {length} bytes but the file ends after {size}: "
            "it is truncated or not a safetensors file"
        )
    header = _parse(bytes(data[8 : 8 + length]))
    _check_metadata(header.pop("__metadata__", None))
    entries = [(name, _entry(name, value)) for name, value in header.items()]
    entries.sort(key=lambda item: (item[1].start, item[1].end))
    return _place(entries, first_byte=8 + length, data_bytes=size - 8 - length)


def _parse(text: bytes) -> dict[str, Any]:
    try:
        decoded = text.decode("utf-8")
        header = load_json(decoded, _object, _integer, _finite_float, _reject_constant)
    except UnicodeDecodeError as error:
        raise SafetensorsError(f"the safetensors header is not UTF-8 (byte {error.start})") from None
    except JsonError as error:
        raise SafetensorsError(f"the safetensors header is {error}: download the file again") from None
    if not isinstance(header, dict):
        raise SafetensorsError(f"the safetensors header must be a JSON object, got {shown(header)}")
    if _SURROGATE.search(decoded):
        _check_texts(header)
    return header


def _object(pairs: Pairs) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise SafetensorsError(f"the safetensors header has {shown(name)} twice")
        result[name] = value
    return result


def _reject_constant(text: str) -> Any:
    raise SafetensorsError(f"the safetensors header is not valid JSON: it has the value {text}")


def _finite_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise SafetensorsError(f"the safetensors header has the number {text[:20]}, which is out of range")
    return value


def _integer(text: str) -> int | float:
    # As in the library's parser, -0 and numbers that do not fit a 64-bit integer are floating-point numbers.
    if text == "-0" or len(text) > 20:
        return _finite_float(text)
    value = int(text)
    return value if -(2**63) <= value <= _USIZE_MAX else float(value)


def _check_texts(header: dict[str, Any]) -> None:
    """Raises if a string has half of a surrogate pair, which UTF-8 cannot encode."""
    waiting: list[Any] = [header]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            try:
                value.encode("utf-8")
            except UnicodeEncodeError:
                raise SafetensorsError("the safetensors header has a lone surrogate in a string") from None
        elif isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value


def _check_metadata(metadata: Any) -> None:
    if metadata is None:
        return
    if not isinstance(metadata, Mapping) or not all(isinstance(value, str) for value in metadata.values()):
        raise SafetensorsError("the safetensors header's __metadata__ must map names to strings")


def _entry(name: str, value: Any) -> TensorEntry:
    if isinstance(value, list) and len(value) == 3:  # the library's parser also accepts a sequence
        value = dict(zip(("dtype", "shape", "data_offsets"), value, strict=True))
    if not isinstance(value, Mapping):
        raise SafetensorsError(f"tensor {shown(name)} must be described by dtype, shape and data_offsets")
    dtype, shape, offsets = value.get("dtype"), value.get("shape"), value.get("data_offsets")
    if isinstance(dtype, Mapping) and len(dtype) == 1 and next(iter(dtype.values())) is None:
        dtype = next(iter(dtype))
    if not isinstance(dtype, str) or dtype not in _BITS:
        raise SafetensorsError(f"tensor {shown(name)} has the unknown dtype {shown(dtype)}")
    if not _are_sizes(shape):
        raise SafetensorsError(
            f"tensor {shown(name)} needs a shape of non-negative integers, got {shown(shape)}"
        )
    if not _are_sizes(offsets) or len(offsets) != 2:
        raise SafetensorsError(
            f"tensor {shown(name)} needs two non-negative integers as data_offsets, got {shown(offsets)}"
        )
    return TensorEntry(dtype, tuple(shape), offsets[0], offsets[1])


def _are_sizes(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(
        isinstance(item, int) and not isinstance(item, bool) and item >= 0 for item in value
    )


def _place(
    entries: list[tuple[str, TensorEntry]], first_byte: int, data_bytes: int
) -> dict[str, TensorEntry]:
    placed: dict[str, TensorEntry] = {}
    expected = 0
    for name, entry in entries:
        if entry.start != expected or entry.end < entry.start:
            raise SafetensorsError(
                f"tensor {shown(name)} has data_offsets {entry.start} to {entry.end} where {expected} should "
                "begin it: tensors must follow one another without gaps or overlaps"
            )
        bits = _bits(name, entry)
        if bits != 8 * (entry.end - entry.start):
            raise SafetensorsError(
                f"tensor {shown(name)} of shape {shown(list(entry.shape))} in {entry.dtype} "
                f"needs {bits} bits, but its data_offsets span {entry.end - entry.start} bytes"
            )
        expected = entry.end
        placed[name] = TensorEntry(entry.dtype, entry.shape, first_byte + entry.start, first_byte + entry.end)
    if expected != data_bytes:
        raise SafetensorsError(
            f"the header describes {expected} bytes of tensors, but {data_bytes} follow it: "
            "the file is truncated or damaged, download it again"
        )
    return placed


def _bits(name: str, entry: TensorEntry) -> int:
    # The library multiplies from the left in 64 bits; an overflow is an error even if a later dimension is 0.
    product = 1
    for dimension in (*entry.shape, _BITS[entry.dtype]):
        product *= dimension
        if product > _USIZE_MAX:
            raise SafetensorsError(
                f"tensor {shown(name)} of shape {shown(list(entry.shape))} is too large to exist"
            )
    return product


def tensors_to_bytes(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """A safetensors file with these arrays, in this order.

    Raises:
        ValueError: for dtypes other than float16, float32, float64, int32 and int64.
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
        ValueError: if the file is damaged, or for a dtype that ``tensors_to_bytes`` does not write.
    """
    tensors = {}
    for name, entry in read_header(data).items():
        if entry.dtype not in _DTYPES:
            raise SafetensorsError(
                f"the tensor {shown(name)} is {entry.dtype}, expected one of {', '.join(_DTYPES)}"
            )
        piece = bytes(data[entry.start : entry.end])
        try:
            tensors[name] = np.frombuffer(piece, _DTYPES[entry.dtype]).reshape(entry.shape).copy()
        except (ValueError, OverflowError):  # without values, but of more or larger axes than NumPy has
            raise SafetensorsError(
                f"the tensor {shown(name)} has the shape {shown(list(entry.shape))}, which is too large"
            ) from None
    return tensors
