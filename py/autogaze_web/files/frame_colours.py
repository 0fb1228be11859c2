"""Which YUV a decoded frame is in, decided as browsers do it, so that a file looks the same there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Values of FFmpeg's AVColorSpace and AVColorRange.
_BT709, _UNSPECIFIED, _BT601 = 1, 2, 5
_UNSPECIFIED_RANGE = 0
# From this height on, files that do not name their matrix are taken for BT.709.
_HD_HEIGHT = 720
# Browsers take them for BT.601 at every height.
_BT601_CODECS = ("vp9", "av1", "libdav1d", "libvpx-vp9")


@dataclass(frozen=True)
class StatedColours:
    """What a file's header says of a video's colours, before a decoder has changed it.

    Attributes:
        codec: the decoder's name.
        matrix, range: FFmpeg's numbers for them.
    """

    codec: str
    matrix: int
    range: int

    @staticmethod
    def of(video: Any) -> StatedColours:
        """Of a stream of PyAV."""
        context = video.codec_context
        if context is None:  # no decoder knows it
            return StatedColours("", _UNSPECIFIED, _UNSPECIFIED_RANGE)
        return StatedColours(context.name, int(context.colorspace), int(context.color_range))

    def apply(self, decoded: Any) -> None:
        """Sets the matrix and the range by which a frame of PyAV is converted to RGB."""
        if self.codec == "vp8":  # its frames always say BT.601; only the container knows better
            decoded.colorspace = self.matrix
            if self.range != _UNSPECIFIED_RANGE:
                decoded.color_range = self.range
        if decoded.colorspace == _UNSPECIFIED:
            is_jpeg = decoded.format.name.startswith("yuvj")
            is_hd = decoded.height >= _HD_HEIGHT and not is_jpeg and self.codec not in _BT601_CODECS
            decoded.colorspace = _BT709 if is_hd else _BT601
