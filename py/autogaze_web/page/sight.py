"""What a vision encoder sees of one stream of frames, and what its frame decoder makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..encoder.feature_memory import FeatureMemory
from ..frames.rgba import Rgba
from ..readout.gazing_info import GazingInfo
from .encoder_model import PageEncoder
from .encoder_runs import EncoderBridge, EncoderStream, Floats, GraphRun, execute_graph

WINDOW: Final = 8
"""Frames that a frame attends to, itself included, where no decoder says otherwise."""

Tokens = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Seen:
    """One frame as the encoder sees it.

    Attributes:
        features: (k, hidden) of the frame's tokens, in their order.
        pooled: (hidden,) of all frames that are seen; None without a pooling head.
        rebuilt: (side, side, 4) uint8, the frame as the decoder rebuilds it from the newest feature of every
            patch; None without a decoder.
        encode_ms, decode_ms: time of the two, without waiting for others.
    """

    features: Floats
    pooled: Floats | None
    rebuilt: Rgba | None
    encode_ms: float
    decode_ms: float


class Sight:
    """Encodes one stream, frame by frame, and rebuilds each frame if there is a decoder.

    Args:
        name: of the stream where the graphs run.
        window: frames that a frame attends to, itself included; None for all.
    """

    def __init__(self, model: PageEncoder, bridge: EncoderBridge, name: str, window: int | None) -> None:
        self._model, self._bridge = model, bridge
        self._stream = EncoderStream(model.config, bridge, name, window, padding=False)
        self._memory = FeatureMemory.of(model.decoder) if model.decoder else None

    async def see(self, pixels: Floats, tokens: Tokens) -> Seen:
        """Encodes the next frame.

        Args:
            pixels: (1, 1, C, H, W) as the processor makes them.
            tokens: (k,) ids of the patches to encode.
        """
        padded = np.zeros((1, tokens.size), np.bool_)
        gazing = GazingInfo(tokens[None].astype(np.int64), padded, np.array([tokens.size]))
        encoded, encode_ms = await self._stream.encode(pixels, gazing)
        features, pooled = encoded.last_hidden_state, encoded.pooler_output
        decoder = self._model.decoder
        if decoder is None or self._memory is None:
            return Seen(features, pooled, None, encode_ms, 0.0)
        self._memory.add(features, tokens)
        shape = (decoder.num_channels, decoder.image_size, decoder.image_size)
        run = GraphRun("frame_decoder", self._memory.rows().feeds(), {"pixels": shape})
        outputs, decode_ms = await execute_graph(self._bridge, run)
        return Seen(features, pooled, _picture(outputs["pixels"], self._model), encode_ms, decode_ms)


def window_of(model: PageEncoder) -> int:
    """The window of the live view's streams: that of the decoder."""
    return model.decoder.window if model.decoder else WINDOW


def _picture(pixels: Floats, model: PageEncoder) -> Rgba:
    """(S, S, 4) uint8 from pixels (3, S, S) as the processor makes them."""
    processor = model.processor
    values = pixels
    if processor.mean is not None and processor.std is not None:
        mean, std = (np.array(each, np.float32)[:, None, None] for each in (processor.mean, processor.std))
        values = values * std + mean
    values = np.clip(np.rint(values / (processor.rescale_factor or 1.0)), 0, 255)
    picture = np.full((*pixels.shape[1:], 4), 255, np.uint8)
    picture[..., :3] = values.transpose(1, 2, 0)
    return picture
