"""The last frames of a stream, for models that want clips."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .frames.rgba import Rgba, as_frame


class FrameQueue:
    """The newest frames of one size, oldest first; a frame of another size starts over.

    Frames are copied in, so a camera may reuse its buffer. Buffers of frames that fell out are used again.
    """

    def __init__(self, length: int):
        """A queue of at most ``length`` frames.

        Raises:
            ValueError: if the length is below 1.
        """
        if length < 1:
            raise ValueError(f"a frame queue holds at least 1 frame, got a length of {length}")
        self.length = length
        self._frames: deque[Rgba] = deque()

    def __len__(self) -> int:
        return len(self._frames)

    def push(self, image: ArrayLike) -> None:
        """Takes a frame, (H, W, 3 or 4) uint8, and drops the oldest if there are too many.

        Raises:
            ValueError: if it is no such image.
        """
        frame = as_frame(image)
        if self._frames and self._frames[-1].shape != frame.shape:
            self.clear()
        buffer = self._frames.popleft() if len(self._frames) == self.length else np.empty_like(frame)
        buffer[:] = frame
        self._frames.append(buffer)

    def clear(self) -> None:
        """Forgets all frames."""
        self._frames.clear()

    def latest(self) -> Rgba | None:
        """The newest frame, valid until it falls out of the queue; None if there is none."""
        return self._frames[-1] if self._frames else None

    def clip(self, frames: int) -> NDArray[np.uint8] | None:
        """The newest so many frames as (frames, H, W, 4) uint8; None while there are fewer.

        Raises:
            ValueError: if it is less than 1 or more than the queue ever holds.
        """
        if not 1 <= frames <= self.length:
            raise ValueError(f"a clip of this queue has 1 to {self.length} frames, got {frames}")
        if len(self._frames) < frames:
            return None
        return np.stack(list(self._frames)[-frames:])
