"""Rotary position tables (RoPE), computed outside the graphs so that positions can grow without limit."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .config import DecoderConfig

_BLOCK = 512
"""Positions whose tables are made at a time."""


@lru_cache(maxsize=8)
def inverse_frequencies(decoder: DecoderConfig) -> NDArray[np.float32]:
    """(head_dim / 2,) float32 rotary frequencies in radians per position, not to be written to.

    ``theta ** (-2i / head_dim)``, then the scaling of the config. ``llama3`` divides the frequencies whose
    wavelength is above ``original / low_freq_factor`` by ``factor``, keeps those below
    ``original / high_freq_factor``, and blends in between (Llama 3.1, as in transformers' rope utilities).
    """
    exponent = np.arange(0, decoder.head_dim, 2, dtype=np.float64) / decoder.head_dim
    frequency = decoder.rope_theta**-exponent
    scaling = decoder.rope_scaling
    if scaling is None:
        return frequency.astype(np.float32)
    if scaling.rope_type == "linear":
        return (frequency / scaling.factor).astype(np.float32)
    turns = scaling.original_max_position_embeddings * frequency / (2 * np.pi)
    blend = (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor)
    blend = np.clip(blend, 0.0, 1.0)
    return (blend * frequency + (1 - blend) * frequency / scaling.factor).astype(np.float32)


def rotary_tables(
    positions: ArrayLike, frequencies: NDArray[np.float32], repeats: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cosines and sines of the rotary angles at some positions.

    Angles are computed in float64, whose error stays below the rounding of float32 for positions beyond 10^9.
    Attention depends only on differences of positions, so rotated keys can be cached and positions never need
    to be reset, however long a stream runs.

    Args:
        positions: (R,) integers.
        frequencies: (F,) from `inverse_frequencies`.
        repeats: copies of the F columns side by side.

    Returns:
        Two (R, repeats * F) float32 arrays that cannot be written to.
    """
    given = np.asarray(positions, np.int64)
    numbers = sorted(set((given // _BLOCK).tolist()))
    blocks = [_block(number, frequencies.tobytes(), repeats) for number in numbers]
    rows = np.searchsorted(numbers, given // _BLOCK) * _BLOCK + given % _BLOCK
    cos, sin = blocks[0] if len(blocks) == 1 else map(np.concatenate, zip(*blocks, strict=True))
    tables = cos.take(rows, axis=0), sin.take(rows, axis=0)
    for table in tables:
        table.flags.writeable = False
    return tables


# Most rows of a frame and of the tiles of a sweep are in one block.
@lru_cache(maxsize=16)
def _block(number: int, frequencies: bytes, repeats: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The tables of the positions from ``number * _BLOCK`` on."""
    positions = np.arange(_BLOCK, dtype=np.float64) + number * _BLOCK
    angles = np.multiply.outer(positions, np.frombuffer(frequencies, np.float32).astype(np.float64))
    cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    return np.tile(cos, (1, repeats)), np.tile(sin, (1, repeats))
