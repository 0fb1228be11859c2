"""How frames and numbers cross to JavaScript: as flat memory and as JSON that every parser reads."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..frames.rgba import Rgba, as_words

Memory = NDArray[np.uint8]
"""(H, 8 * ceil(W / 2)) uint8, contiguous: RGBA rows, with one more pixel in rows of odd width."""


def frame_bytes(frame: Rgba) -> Memory:
    """A frame's own memory; nothing is copied."""
    return as_words(frame).view(np.uint8)


def plain(value: Any) -> Any:
    """The same without what JSON lacks: NaN becomes None, and infinity the string "Infinity"."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "Infinity"
    return value
