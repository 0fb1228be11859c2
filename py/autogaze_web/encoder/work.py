"""What encoding costs, by counting multiplications: of all patches, of gazed ones, and of larger encoders."""

from __future__ import annotations

import math
import statistics
from collections import deque
from dataclasses import dataclass
from typing import Final

from .config import SiglipConfig


@dataclass(frozen=True)
class EncoderShape:
    """The shape of a SigLIP vision tower.

    Attributes:
        hidden, intermediate, layers: sizes; ``hidden_size``, ``intermediate_size``, ``num_hidden_layers``.
        patch: pixels per side of a patch.
        scales: sides in pixels to which a frame is resized.
    """

    hidden: int
    intermediate: int
    layers: int
    patch: int
    scales: tuple[int, ...]

    @staticmethod
    def of(config: SiglipConfig) -> EncoderShape:
        """The shape of an encoder by its configuration."""
        return EncoderShape(
            config.hidden_size,
            config.intermediate_size,
            config.num_hidden_layers,
            config.patch_size,
            tuple(grid * config.patch_size for grid in config.grids),
        )

    @property
    def tokens(self) -> int:
        """Patches of a frame on all scales.

        >>> BASE_224.tokens, SO400M_384.tokens
        (265, 1060)
        """
        return sum((scale // self.patch) ** 2 for scale in self.scales)

    def multiply_adds(self, tokens: int, keys: int | None = None) -> int:
        """Multiply-adds of encoding some patches, without resizing and without the pooling head.

        Each token costs ``3 p^2 H`` for its patch, and in each layer ``4 H^2`` for query, key, value and
        output, ``2 H I`` for the two halves of the MLP and ``2 H`` for each key that it sees.

        Args:
            tokens: patches to encode.
            keys: patches that each of them sees, earlier frames' included; by default the tokens themselves.

        Examples:
            >>> f"{BASE_224.multiply_adds(265) / 1e9:.1f} G, {BASE_224.multiply_adds(20) / 1e9:.1f} G"
            '24.0 G, 1.7 G'
        """
        seen = tokens if keys is None else keys
        layer = 4 * self.hidden**2 + 2 * self.hidden * self.intermediate + 2 * self.hidden * seen
        return tokens * (3 * self.patch**2 * self.hidden + self.layers * layer)


BASE_224: Final = EncoderShape(768, 3072, 12, 16, (32, 64, 112, 224))
"""siglip2-base-patch16-224, on the scales of AutoGaze."""
SO400M_384: Final = EncoderShape(1152, 4304, 27, 14, (56, 112, 196, 392))
"""siglip2-so400m-patch14-384, on the scales that AutoGaze's cells have at 392 pixels."""


@dataclass(frozen=True)
class Projection:
    """What a frame would cost a larger encoder. Computed, not measured.

    Attributes:
        name: of the encoder.
        tokens, gazed: patches of a frame, and those of them that are gazed at.
        full_gflops, gazed_gflops: floating-point operations in billions, two for each multiply-add.
        full_ms, gazed_ms: time at the rate of the measured encoder; the gaze's own time is in `gazed_ms`.
    """

    name: str
    tokens: int
    gazed: int
    full_gflops: float
    gazed_gflops: float
    full_ms: float
    gazed_ms: float


def project(
    name: str,
    shape: EncoderShape,
    share: float,
    gaze_ms: float,
    ms_per_gflop: float,
    tiles: int = 1,
    window: int = 1,
) -> Projection:
    """What a frame would cost another encoder, if the same share of its patches was gazed at.

    Args:
        share: of the patches that are gazed at, 0 .. 1.
        gaze_ms: time of one gaze; each tile takes one.
        ms_per_gflop: time that the measured encoder takes for 10^9 operations.
        tiles: parts of a frame that are gazed at and encoded by themselves.
        window: frames of as many tokens that a frame attends to, itself included.

    Examples:
        >>> base = project("base", BASE_224, 16 / 265, gaze_ms=10, ms_per_gflop=1)
        >>> base.gazed, round(base.full_ms), round(base.gazed_ms)
        (16, 48, 13)
    """
    gazed = max(1, math.ceil(shape.tokens * min(max(share, 0.0), 1.0) - 1e-9))
    full, some = (
        2 * tiles * shape.multiply_adds(tokens, window * tokens) / 1e9 for tokens in (shape.tokens, gazed)
    )
    return Projection(
        name,
        tiles * shape.tokens,
        tiles * gazed,
        full,
        some,
        full * ms_per_gflop,
        tiles * gaze_ms + some * ms_per_gflop,
    )


@dataclass(frozen=True)
class Net:
    """What the gaze saves, or costs, in milliseconds of a frame.

    Attributes:
        gaze_ms, gazed_ms, full_ms: medians of the gaze, of encoding its patches, and of encoding all.
        saved_ms: full encode minus gaze and its encode; negative if the gaze costs more than it saves.
        break_even: how many times slower an encoder has to be for the gaze to pay; below 1 it pays already.
            Infinite if encoding fewer patches takes no less time here.
    """

    gaze_ms: float
    gazed_ms: float
    full_ms: float
    saved_ms: float
    break_even: float


def net_of(gaze_ms: float, gazed_ms: float, full_ms: float) -> Net:
    """The balance of one frame.

    Examples:
        >>> net_of(gaze_ms=10, gazed_ms=5, full_ms=25).saved_ms
        10
        >>> net_of(gaze_ms=10, gazed_ms=5, full_ms=10).break_even  # an encoder twice as slow
        2.0
        >>> net_of(gaze_ms=10, gazed_ms=5, full_ms=5).break_even
        inf
    """
    gained = full_ms - gazed_ms
    return Net(
        gaze_ms,
        gazed_ms,
        full_ms,
        full_ms - gazed_ms - gaze_ms,
        gaze_ms / gained if gained > 0 else math.inf,
    )


class NetMeter:
    """The balance over the last frames: medians, since single times jump.

    Args:
        frames: how many are counted.

    Examples:
        >>> meter = NetMeter()
        >>> meter.add(10, 5, 25)
        >>> meter.add(10, 5, 500)
        >>> meter.add(12, 7, 25)
        >>> meter.net().saved_ms
        10
    """

    def __init__(self, frames: int = 15) -> None:
        self._times: deque[tuple[float, float, float]] = deque(maxlen=frames)

    def __len__(self) -> int:
        return len(self._times)

    def add(self, gaze_ms: float, gazed_ms: float, full_ms: float) -> None:
        """Counts a frame."""
        self._times.append((gaze_ms, gazed_ms, full_ms))

    def net(self) -> Net:
        """The balance.

        Raises:
            ValueError: before the first frame.
        """
        if not self._times:
            raise ValueError("no frame has been measured yet")
        gaze, gazed, full = (statistics.median(column) for column in zip(*self._times, strict=True))
        return net_of(gaze, gazed, full)
