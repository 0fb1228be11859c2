"""What the page's view "What a vision model sees" says and draws besides the rebuilt frames."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ..encoder.config import SiglipConfig
from ..encoder.feature_colours import Colours, FeatureColours, colour_picture
from ..encoder.similarity import mean_cosine, picture_psnr
from ..encoder.work import BASE_224, SO400M_384, EncoderShape, NetMeter, project
from ..tiles.tiling import Tiling
from .memory import plain

if TYPE_CHECKING:
    from .encoder_session import EncodedFrame

# A 4K frame, and the pixels per side of the tiles that it is cut into for the largest encoder.
_HEIGHT_4K: Final = 2160
_WIDTH_4K: Final = 3840
_TILE: Final = SO400M_384.scales[-1]


class VisionNumbers:
    """Numbers and pictures of one stream's frames.

    Args:
        config: of the encoder.
        window: frames that a frame attends to, itself included.
    """

    def __init__(self, config: SiglipConfig, window: int) -> None:
        self._grids, self._window = config.grids, window
        self._shape = EncoderShape.of(config)
        self._colours = FeatureColours(config.hidden_size)
        self._remembered: deque[tuple[NDArray[np.int64], Colours]] = deque(maxlen=window)
        self._meter = NetMeter()

    def of(self, frame: EncodedFrame) -> tuple[dict[str, Any], dict[str, NDArray[np.uint8]]]:
        """What is shown of the next frame.

        Returns:
            Numbers for JSON: ``patches``, all of a frame's; and where all were encoded, too, ``similarity``,
            the mean cosine of the gazed patches' features with those from all, both without the mean of
            all, ``rebuilt_psnr`` of the two rebuilt frames, and but for keyframes ``net``, see `Net`, and
            ``projections``, see `project`.
            Pictures, (S, S, 4) uint8: ``colours`` of the features in the window, and ``full_colours``.
        """
        full = frame.full_features
        # All features of a frame say best which directions there are.
        colours_of_all = None if full is None else self._colours.of(full)
        self._remembered.append((frame.tokens, self._colours.of(frame.features, learn=full is None)))
        numbers: dict[str, Any] = {"patches": self._shape.tokens}
        pictures = {"colours": colour_picture(self._grids, self._remembered)}
        if full is None or colours_of_all is None or frame.full_encode_ms is None:
            return numbers, pictures
        everything = np.arange(len(full))
        pictures["full_colours"] = colour_picture(self._grids, [(everything, colours_of_all)])
        # What all patches have in common would make any two features alike.
        common = full.mean(axis=0)
        numbers["similarity"] = mean_cosine(frame.features - common, full[frame.tokens] - common)
        if frame.rebuilt is not None and frame.full_rebuilt is not None:
            numbers["rebuilt_psnr"] = picture_psnr(frame.rebuilt, frame.full_rebuilt)
        if frame.keyframe:  # it saves nothing, and only once
            return {name: plain(value) for name, value in numbers.items()}, pictures
        self._meter.add(frame.gaze_ms, frame.encode_ms, frame.full_encode_ms)
        net = self._meter.net()
        numbers["net"] = asdict(net)
        share = len(frame.tokens) / self._shape.tokens
        gflops = 2 * self._shape.multiply_adds(self._shape.tokens, self._window * self._shape.tokens) / 1e9
        numbers["projections"] = _projections(share, net.gaze_ms, net.full_ms / gflops, self._window)
        return {name: plain(value) for name, value in numbers.items()}, pictures


def _projections(share: float, gaze_ms: float, ms_per_gflop: float, window: int) -> list[dict[str, Any]]:
    tiles = len(Tiling.anyres(_HEIGHT_4K, _WIDTH_4K, _TILE))
    rows = (
        ("SigLIP 2 base, 224 pixels", BASE_224, 1),
        ("SigLIP 2 so400m, 384 pixels", SO400M_384, 1),
        (f"The same on 4K video, {tiles} tiles", SO400M_384, tiles),
    )
    if not math.isfinite(ms_per_gflop):
        return []
    return [
        asdict(project(name, shape, share, gaze_ms, ms_per_gflop, number, window))
        for name, shape, number in rows
    ]
