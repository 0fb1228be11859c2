"""Where the structure of a media file is broken: FFmpeg passes over such places in silence."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_ENTERED = (_SEGMENT, _CLUSTER)
_BLOCKS = (0xA3, 0xA0)
# What a Matroska file may consist of down to the blocks of its clusters (RFC 9559, 5.1).
_MATROSKA_IDS = {
    *_ENTERED,
    *_BLOCKS,
    0x1A45DFA3,  # EBML
    0x114D9B74,  # SeekHead
    0x1549A966,  # Info
    0x1654AE6B,  # Tracks
    0x1C53BB6B,  # Cues
    0x1941A469,  # Attachments
    0x1043A770,  # Chapters
    0x1254C367,  # Tags
    0xEC,  # Void
    0xBF,  # CRC-32
    0xE7,  # Timestamp
    0xAB,  # PrevSize
    0xA7,  # Position
    0x5854,  # SilentTracks
    0xAF,  # EncryptedBlock
}
_LISTS = (b"RIFF", b"LIST")
_FLV_TAGS = (8, 9, 15, 18)  # sound, video, more data, data
_MAX_ASF_HEADER = 1_000_000
_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
_TS_START, _TS_PACKET = ord("G"), 188
_TS_BLOCK = 64 * _TS_PACKET
_JPEG_START, _JPEG_END, _JPEG_PADDING = b"\xff\xd8\xff", b"\xff\xd9", 4096
_DV_START, _DV_SEQUENCE = b"\x1f\x07\0", 12_000
# The upper three bits of every block of 80 bytes in a sequence: a header, 2 subcodes, 3 of auxiliary data,
# and nine times one of sound and 15 of video (SMPTE ST 314, 2.3).
_DV_BLOCKS = [0, 1, 1, 2, 2, 2, *(9 * [3, *(15 * [4])])]
_MXF_KEY = b"\x06\x0e\x2b\x34"


class BrokenStructureError(Exception):
    """There is no element where one has to begin, or the last one is not whole."""


class ContainerCheck:
    """Follows the elements of a container while its packets are read.

    Args:
        path: of a file of any kind.
    """

    def __init__(self, path: Path) -> None:
        self._size = path.stat().st_size
        self._file = path.open("rb")
        walk = _walk_of(self._file.read(16))
        self._positions = walk(self._file, self._size) if walk else iter(())
        self._at = 0
        self._is_broken = False

    def breaks_before(self, position: int | None) -> bool:
        """Whether a broken place comes before a position in the file, None for its end."""
        end = self._size if position is None else position
        try:
            while not self._is_broken and self._at < end:
                self._at = next(self._positions, self._size)
        except BrokenStructureError:
            self._is_broken = True
        return self._is_broken

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def stated_asf_size(head: bytes) -> int:
    """The size that an ASF or WMV file states in its header; 0 if it states none, as live streams.

    See the Advanced Systems Format specification, 3.2.
    """
    at = head.find(_ASF_PROPERTIES) if head.startswith(_ASF_HEADER) else -1
    if at < 0 or at + 92 > len(head):
        return 0
    size, flags = struct.unpack_from("<Q", head, at + 40)[0], struct.unpack_from("<I", head, at + 88)[0]
    return 0 if flags & 1 else int(size)


def _walk_of(head: bytes) -> Callable[[BinaryIO, int], Iterator[int]] | None:
    if head.startswith(b"\x1aE\xdf\xa3"):
        return _matroska
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return _avi
    if head.startswith(b"FLV"):
        return _flv
    if head.startswith(_ASF_HEADER):
        return _asf
    if head.startswith(b"G"):
        return _broadcast
    if head.startswith(_JPEG_START):
        return _jpegs
    if head.startswith(_DV_START):
        return _dv
    return _mxf if head.startswith(_MXF_KEY) else None


def _matroska(file: BinaryIO, size: int) -> Iterator[int]:
    """Where elements begin; those of segments and clusters are visited too (RFC 8794, 4)."""
    at, end = 0, size
    while at < end:
        head = _read(file, at, 12)
        id_length = 9 - head[0].bit_length()
        if id_length > 4 or id_length >= len(head):
            raise BrokenStructureError
        kind = _number(head[:id_length])
        size_length = 9 - head[id_length].bit_length()
        if kind not in _MATROSKA_IDS or size_length > 8:
            raise BrokenStructureError
        content = at + id_length + size_length
        bits = 7 * size_length
        length = _number(head[id_length : id_length + size_length]) & ((1 << bits) - 1)
        is_unknown = length == (1 << bits) - 1
        if kind == _SEGMENT and not is_unknown:
            end = min(size, content + length)
        if is_unknown and kind not in _ENTERED:
            return
        at = content if kind in _ENTERED else content + length
        if at > end and kind in _BLOCKS:
            raise BrokenStructureError
        yield at


def _avi(file: BinaryIO, size: int) -> Iterator[int]:
    """Where chunks begin; those of lists are visited too. What follows the first RIFF list is not checked."""
    at, padding = 0, 0
    end = min(size, 8 + _little(_read(file, 4, 4)))
    while at + 8 <= end:
        head = _read(file, at, 8)
        if not _is_chunk(head) and padding:  # which some writers leave out
            at -= 1
            head = _read(file, at, 8)
        if not _is_chunk(head):
            raise BrokenStructureError
        length = _little(head[4:])
        padding = 0 if head[:4] in _LISTS else length % 2
        at += 12 if head[:4] in _LISTS else 8 + length + padding
        yield at


def _is_chunk(head: bytes) -> bool:
    return all(32 <= byte < 127 for byte in head[:4])


def _flv(file: BinaryIO, size: int) -> Iterator[int]:
    """Where tags begin (Adobe Flash Video File Format, E.3)."""
    at = _number(_read(file, 5, 4)) + 4
    while at < size:
        head = _read(file, at, 11)
        if len(head) < 11 or head[0] & 31 not in _FLV_TAGS or any(head[8:]):
            raise BrokenStructureError
        at += 11 + _number(head[1:4])
        if at > size:
            raise BrokenStructureError
        at += 4
        yield at


def _asf(file: BinaryIO, size: int) -> Iterator[int]:
    """Where packets begin, all with the same byte (Advanced Systems Format, 5.2.1)."""
    header = _read(file, 0, min(_little(_read(file, 16, 4)), _MAX_ASF_HEADER) + 50)
    at, properties = header.find(_ASF_DATA) + 50, header.find(_ASF_PROPERTIES)
    if at < 50 or properties < 0:
        return
    # Zero where a header is shorter than what it should have: slices end there.
    packets = _little(header[at - 10 : at - 2])
    shortest = _little(header[properties + 92 : properties + 96])
    longest = _little(header[properties + 96 : properties + 100])
    if not shortest or shortest != longest:
        return
    first = _read(file, at, 1)
    for _ in range(packets):
        if at + longest > size or _read(file, at, 1) != first:
            raise BrokenStructureError
        at += longest
        yield at


def _broadcast(file: BinaryIO, size: int) -> Iterator[int]:
    """Where packets of an MPEG transport stream begin, many at a time (ISO/IEC 13818-1, 2.4.3.2)."""
    if set(_read(file, 0, 3 * _TS_PACKET)[::_TS_PACKET]) != {_TS_START}:
        return
    for at in range(0, size, _TS_BLOCK):
        starts = _read(file, at, _TS_BLOCK)[::_TS_PACKET]
        good = next((index for index, start in enumerate(starts) if start != _TS_START), len(starts))
        yield at + good * _TS_PACKET
        if good < len(starts):
            raise BrokenStructureError


def _jpegs(file: BinaryIO, size: int) -> Iterator[int]:
    """Pictures one after the other, of which only the last one's end is looked for."""
    if not _read(file, max(0, size - _JPEG_PADDING), _JPEG_PADDING).rstrip(b"\0").endswith(_JPEG_END):
        yield size - 1
        raise BrokenStructureError


def _dv(file: BinaryIO, size: int) -> Iterator[int]:
    """Where sequences of a raw DV file begin."""
    for at in range(0, size, _DV_SEQUENCE):
        sequence = _read(file, at, _DV_SEQUENCE)
        if len(sequence) < _DV_SEQUENCE or [byte >> 5 for byte in sequence[::80]] != _DV_BLOCKS:
            raise BrokenStructureError
        yield at + _DV_SEQUENCE


def _mxf(file: BinaryIO, size: int) -> Iterator[int]:
    """Where packets of a key, a length and a value begin (SMPTE ST 336)."""
    at = 0
    while at < size:
        head = _read(file, at, 25)
        if len(head) < 17 or not head.startswith(_MXF_KEY):
            raise BrokenStructureError
        count = head[16] & 127 if head[16] & 128 else 0
        at += 17 + count + (_number(head[17 : 17 + count]) if count else head[16])
        if at > size:
            raise BrokenStructureError
        yield at


def _read(file: BinaryIO, at: int, length: int) -> bytes:
    file.seek(at)
    return file.read(length)


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
