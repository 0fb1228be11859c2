"""A picture with the time at which it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]


@dataclass(frozen=True)
class TimedFrame:
    """A frame of a video.

    Attributes:
        image: (H,W,3) uint8 RGB, or (H,W,4) with alpha.
        time: at which it is shown, in seconds from the start of the presentation; None if unknown.
        duration: for which it is shown, in seconds; None if the file does not say.
    """

    image: Rgb
    time: Fraction | None = None
    duration: Fraction | None = None
