"""PNG files of any height, written row by row so that memory does not grow with the picture.

Pillow's encoder takes a whole picture. A PNG (W3C PNG, 2003) is a zlib stream of filtered rows in chunks,
which the standard library writes as they come.
"""

from __future__ import annotations

import struct
import zlib
from typing import IO

import numpy as np

from ..frames.timed_frame import Rgb

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_EIGHT_BITS, _RGB, _UP = 8, 2, 2


class PngWriter:
    """Writes an RGB picture from its top down; `close` completes it.

    Args:
        file: that can seek: the height is filled in at the end.
        width: in pixels.

    >>> import io
    >>> file = io.BytesIO()
    >>> png = PngWriter(file, 2)
    >>> png.write(np.zeros((3, 2, 3), np.uint8))
    >>> png.close()
    >>> file.getvalue()[16:24].hex()
    '0000000200000003'
    """

    def __init__(self, file: IO[bytes], width: int) -> None:
        self._file, self._width = file, width
        self._height = 0
        self._compressor = zlib.compressobj()
        self._above = np.zeros((1, 3 * width), np.uint8)
        self._start = file.tell()
        file.write(_SIGNATURE)
        self._write_header()

    def write(self, rows: Rgb) -> None:
        """Adds rows (H,W,3) uint8 at the bottom."""
        count = len(rows)
        pixels = rows.reshape(count, 3 * self._width)
        filtered = np.empty((count, 1 + 3 * self._width), np.uint8)
        filtered[:, 0] = _UP  # each byte as the difference to the one above
        np.subtract(pixels, np.concatenate([self._above, pixels[:-1]]), out=filtered[:, 1:])
        self._above = pixels[-1:].copy()
        self._height += count
        self._chunk(b"IDAT", self._compressor.compress(filtered.tobytes()))

    def close(self) -> None:
        """Writes what is left, and the height."""
        self._chunk(b"IDAT", self._compressor.flush())
        self._chunk(b"IEND", b"")
        self._file.seek(self._start + len(_SIGNATURE))
        self._write_header()
        self._file.seek(0, 2)

    def _write_header(self) -> None:
        fields = struct.pack(">IIBBBBB", self._width, self._height, _EIGHT_BITS, _RGB, 0, 0, 0)
        self._chunk(b"IHDR", fields)

    def _chunk(self, kind: bytes, data: bytes) -> None:
        if data or kind != b"IDAT":
            checksum = zlib.crc32(kind + data)
            self._file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum))
