"""The interface of the JavaScript API's encoder: frames as memory, features as memory and JSON.

Nothing here needs a browser; ``wasm_bridge/api/encoder_api_worker.mjs`` is the other side.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..frames.rgba import Rgba, allocate
from ..limits import MAX_WINDOW, is_whole, shown
from .bridge import Memory, pack_arrays
from .encoder_model import PageEncoder
from .encoder_runs import EncoderBridge
from .memory import frame_bytes
from .sight import Seen, Sight, Tokens


class FrameEncoder:
    """Encodes frames of any number of streams.

    Args:
        model: the encoder.
        bridge: executes its graphs.
    """

    def __init__(self, model: PageEncoder, bridge: EncoderBridge) -> None:
        self._model, self._bridge = model, bridge
        self._frame: Rgba = allocate(1, 1)
        self._streams: dict[str, Sight] = {}

    def frame_memory(self, height: int, width: int) -> Memory:
        """Where to write the next frame.

        Raises:
            ValueError: if a side is not 1 .. 16384 pixels.
        """
        if self._frame.shape[:2] != (height, width):
            self._frame = allocate(height, width)
        return frame_bytes(self._frame)

    def open(self, name: str, window: int | None) -> None:
        """Starts a stream; one of that name is replaced.

        Args:
            name: for `encode`.
            window: frames that a frame attends to, itself included; None for all.

        Raises:
            ValueError: for another window, or an attention in which frames see later ones.
        """
        if window is not None and (not is_whole(window) or not 1 <= window <= MAX_WINDOW):
            raise ValueError(f"window is 1 to {MAX_WINDOW} frames, or null for all, got {shown(window)}")
        if self._model.config.attn_type == "bidirectional":
            raise ValueError(
                "a stream with attnType bidirectional is not possible, because every token sees later frames"
            )
        self._streams[name] = Sight(self._model, self._bridge, name, window)

    def close(self, name: str) -> None:
        """Ends a stream."""
        self._streams.pop(name, None)

    async def encode(self, name: str, tokens: Sequence[int] | None) -> tuple[str, Memory]:
        """Encodes the frame that was written.

        Args:
            name: of an open stream, or empty for a frame by itself.
            tokens: ids of the patches to encode; None for all.

        Returns:
            `pack_arrays` of what was seen: ``features``, and ``pooled`` and ``rebuilt`` where there are any;
            the header has their ``shapes``, ``encodeMs`` and ``decodeMs``.

        Raises:
            ValueError: if a token is no patch of a frame, or the stream was closed.
        """
        if name and name not in self._streams:
            raise ValueError("this stream was closed: open another one with stream()")
        wanted = self._checked(tokens)
        # The frame may be overwritten while the graphs run.
        pixels = self._model.processor(self._frame[None, ..., :3])[None]
        sight = self._streams[name] if name else Sight(self._model, self._bridge, "frame", 1)
        return _message(await sight.see(pixels, wanted))

    def _checked(self, tokens: Sequence[int] | None) -> Tokens:
        patches = self._model.config.patch_scales.patches
        if tokens is None:
            return np.arange(patches)
        wanted = np.asarray(tokens)
        if wanted.size == 0:
            return np.zeros(0, np.int64)
        if wanted.ndim != 1 or wanted.dtype.kind not in "iu" or wanted.min() < 0 or wanted.max() >= patches:
            raise ValueError(
                f"tokens are the ids of patches, 0 to {patches - 1}, or null for all, got {shown(tokens)}"
            )
        return wanted.astype(np.int64)


def _message(seen: Seen) -> tuple[str, Memory]:
    arrays = {
        name: array
        for name, array in (("features", seen.features), ("pooled", seen.pooled), ("rebuilt", seen.rebuilt))
        if array is not None
    }
    shapes = {name: array.shape for name, array in arrays.items()}
    return pack_arrays({"shapes": shapes, "encodeMs": seen.encode_ms, "decodeMs": seen.decode_ms}, arrays)
