"""Whether the slices of H.264 and HEVC can be as the encoder wrote them: decoders conceal much in silence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

# Of an H.264 configuration (ISO/IEC 14496-15, 5.3.3.1) and of one of HEVC (8.3.3.1).
_LENGTH_AT = {"h264": 4, "hevc": 21}
# Encoders put a 3 behind two zeros, so that slices contain no start code (ITU-T H.264, 7.4.1; H.265, 7.4.2).
_FORBIDDEN = re.compile(b"\0\0[\0\2]")
_START_CODE = b"\0\0\1"


class CodedSlices:
    """The check of a stream's packets.

    Args:
        codec: FFmpeg's name of the codec.
        extradata: the stream's configuration.
    """

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        self._codec = codec
        at = _LENGTH_AT.get(codec, 0)
        data = extradata or b""
        self._length_size = (data[at] & 3) + 1 if len(data) > at and data[0] == 1 else 0

    @staticmethod
    def of(video: Any) -> CodedSlices | None:
        """Of a stream of PyAV; None for other codecs."""
        context = video.codec_context
        return CodedSlices(context.name, context.extradata) if context.name in _LENGTH_AT else None

    def are_damaged(self, packet: bytes) -> bool:
        """Whether a packet contains what no encoder writes."""
        units = self._by_length(packet) if self._length_size else iter(packet.split(_START_CODE)[1:])
        return any(
            unit is None or (self._is_slice(unit) and _FORBIDDEN.search(unit.rstrip(b"\0"))) for unit in units
        )

    def _by_length(self, packet: bytes) -> Iterator[bytes | None]:
        """Units with their lengths before them; None where the lengths do not fit the packet."""
        at = 0
        while at + self._length_size <= len(packet):
            start = at + self._length_size
            at = start + int.from_bytes(packet[at:start], "big")
            yield packet[start:at] if at <= len(packet) else None

    def _is_slice(self, unit: bytes) -> bool:
        if not unit:
            return False
        return 1 <= unit[0] & 31 <= 5 if self._codec == "h264" else unit[0] >> 1 & 63 < 32
