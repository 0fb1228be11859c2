"""The live view's encoder: what a vision model sees of the frames that AutoGaze has gazed at.

It works beside the panels and never holds them up: one frame at a time is encoded, and whenever that is done,
the newest frame is next. Each frame is encoded with the tokens of its own gaze.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..frames.rgba import Rgba
from ..live.gazer import GazeProgress
from .bridge import Memory, pack_arrays
from .encoder_model import PageEncoder
from .encoder_runs import EncoderBridge, Floats
from .sight import Sight, Tokens, window_of
from .vision_numbers import VisionNumbers

OnFrame = Callable[[str | None, Memory | None, str | None], object]
"""Called with header and memory of an `EncodedFrame`, or with a sentence once the encoder has failed."""


@dataclass(frozen=True, eq=False)
class EncodedFrame:
    """One frame as the encoder sees it.

    Attributes:
        index: frames of the stream before it.
        tokens: (k,) ids of the patches that are encoded: the gazed ones, or of a keyframe all.
        features: (k, hidden) of these.
        rebuilt: (side, side, 4) uint8, the frame as the decoder rebuilds it from the newest feature of every
            patch that was gazed at; None without a decoder.
        keyframe: whether it is a stream's first frame. As the output panel starts with a whole frame, so does
            what the encoder remembers.
        gaze_ms: time that the gaze took.
        encode_ms, decode_ms: time of the two, without waiting for others.
        full_features, full_rebuilt, full_encode_ms, full_decode_ms: the same from all patches; None if that
            was not asked for.
    """

    index: int
    keyframe: bool
    tokens: Tokens
    features: Floats
    rebuilt: Rgba | None
    gaze_ms: float
    encode_ms: float
    decode_ms: float
    full_features: Floats | None = None
    full_rebuilt: Rgba | None = None
    full_encode_ms: float | None = None
    full_decode_ms: float | None = None


@dataclass(frozen=True)
class _Gazed:
    epoch: int
    index: int
    frame: Rgba
    tokens: Tokens
    gaze_ms: float


class LiveEncoder:
    """Encodes gazed frames of one stream after another.

    Args:
        model: the encoder.
        bridge: executes its graphs.
        on_frame: see `OnFrame`.

    Attributes:
        full: whether all patches of a frame are encoded, too.
        encoded, skipped: frames of all streams that were encoded, and that a newer one replaced.
    """

    def __init__(self, model: PageEncoder, bridge: EncoderBridge, on_frame: OnFrame, full: bool) -> None:
        self.full = full
        self.encoded: int = 0
        self.skipped: int = 0
        self._model, self._bridge, self._on_frame = model, bridge, on_frame
        self._closed = False
        self._epoch = 0
        self._next: _Gazed | None = None
        self._work: asyncio.Task[None] | None = None
        self._sights: dict[str, Sight] = {}
        self._numbers = VisionNumbers(model.config, window_of(model))

    @property
    def grids(self) -> tuple[int, ...]:
        """Patches per side of its scales: those of the gaze's cells."""
        return self._model.config.grids

    def restart(self) -> None:
        """Starts a new stream."""
        self._epoch += 1
        self._next = None
        self._sights = {}
        self._numbers = VisionNumbers(self._model.config, window_of(self._model))

    def close(self) -> None:
        """Stops for good; what is under way is not reported."""
        self.restart()
        self._closed = True

    def fail(self, fault: str) -> None:
        """Stops for good, and says why."""
        if not self._closed:
            self.close()
            self._on_frame(None, None, fault)

    def take(self, frame: Rgba, index: int) -> Callable[[GazeProgress], None]:
        """Copies a frame, (H, W, 4) uint8, whose gaze begins; what it returns takes that gaze."""
        epoch, pixels = self._epoch, frame.copy()

        def gazed(gaze: GazeProgress) -> None:
            ms = sum(gaze.stage_ms.values())
            self._submit(_Gazed(epoch, index, pixels, gaze.choice.tokens, ms))

        return gazed

    def _submit(self, gazed: _Gazed) -> None:
        if self._closed or gazed.epoch != self._epoch:
            return
        self.skipped += self._next is not None
        self._next = gazed
        if self._work is None:
            self._work = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        """Encodes the newest frame until no newer one was submitted meanwhile."""
        try:
            while self._next is not None:
                gazed, self._next = self._next, None
                encoded = await self._encode(gazed)
                if gazed.epoch == self._epoch and not self._closed:
                    self.encoded += 1
                    self._on_frame(*_message(encoded, self._numbers), None)
        except Exception as error:
            self.fail(str(error))
        finally:
            self._work = None

    async def _encode(self, gazed: _Gazed) -> EncodedFrame:
        sights = self._sights  # those of its stream, even if another one starts meanwhile
        every, keyframe = np.arange(self._model.config.patch_scales.patches), "gazed" not in sights
        tokens = every if keyframe else gazed.tokens
        pixels = self._model.processor(gazed.frame[None, ..., :3])[None]
        seen = await self._sight(sights, "gazed").see(pixels, tokens)
        result = EncodedFrame(
            gazed.index,
            keyframe,
            tokens,
            seen.features,
            seen.rebuilt,
            gazed.gaze_ms,
            seen.encode_ms,
            seen.decode_ms,
        )
        if not self.full:
            if sights.pop("all", None):
                self._bridge.forget("all")
            return result
        seen = await self._sight(sights, "all").see(pixels, every)
        return replace(
            result,
            full_features=seen.features,
            full_rebuilt=seen.rebuilt,
            full_encode_ms=seen.encode_ms,
            full_decode_ms=seen.decode_ms,
        )

    def _sight(self, sights: dict[str, Sight], name: str) -> Sight:
        if name not in sights:
            sights[name] = Sight(self._model, self._bridge, name, window_of(self._model))
        return sights[name]


def _message(frame: EncodedFrame, vision: VisionNumbers) -> tuple[str, Memory]:
    """A frame's numbers as JSON, and its arrays as one block of memory; see `pack_arrays`."""
    shown, pictures = vision.of(frame)
    numbers: dict[str, Any] = {"vision": shown}
    arrays: dict[str, NDArray[np.generic]] = {**pictures}
    for name, value in vars(frame).items():
        if not isinstance(value, np.ndarray):
            numbers[name] = value
        else:
            arrays[name] = value.astype(np.int32) if name == "tokens" else value
    shapes = {name: array.shape for name, array in arrays.items()}
    return pack_arrays({"numbers": numbers, "shapes": shapes}, arrays)
