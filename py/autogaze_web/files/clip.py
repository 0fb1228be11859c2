"""What every source of a clip offers, be it a video or an animated picture."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from ..frames.resize import resize_bilinear_u8
from ..frames.timed_frame import TimedFrame
from ..limits import MAX_PIXELS


class VideoError(ValueError):
    """A file that cannot be read or written as a video; the message says why."""


class Clip:
    """The frames of a file, in order, each with its time.

    Attributes:
        path: of the file.
        frames_per_second: the average rate, None if the file has none.
        time_base: the unit of its times in seconds.
        has_times: whether the file says when its frames are shown.
        expected_frames: about how many frames there are, 0 if the file does not say.
        notes: what was done to show the file, a sentence each; complete once all frames were read.
        damage: where and why frames are missing, a sentence; None if none are. Complete once all were read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path: Path = Path(path)
        self.frames_per_second: float | None = None
        self.time_base: Fraction = Fraction(1, 1000)
        self.has_times = True
        self.expected_frames: int = 0
        self.notes: list[str] = []
        self.damage: str | None = None
        self._read = 0
        self._damage_reason = ""

    def frames(self, limit: int | None = None) -> Iterator[TimedFrame]:
        """The frames inside the presentation, as people see them: turned, with square pixels.

        All have the size of the first one; later ones of another size are scaled to it.

        Args:
            limit: most frames to read.

        Raises:
            VideoError: if there are none.
        """
        self._read, self.damage, self.notes = 0, None, []
        shape = None
        for frame in self._frames():
            if shape is None:
                shape = frame.image.shape
            elif frame.image.shape != shape:
                frame = self._resized(frame, shape)
            self._read += 1
            yield frame
            if self._read == limit:
                return
        if self._read == 0:
            why = f" ({self._damage_reason})" if self.damage else ""
            raise VideoError(f"{self.path} has no frame that can be shown{why}: give another file")

    def count(self, limit: int | None = None) -> int:
        """How many frames there will be; damaged ones may count."""
        raise NotImplementedError

    def _frames(self) -> Iterator[TimedFrame]:
        raise NotImplementedError

    def _resized(self, frame: TimedFrame, shape: tuple[int, ...]) -> TimedFrame:
        if not self.notes:
            height, width = frame.image.shape[:2]
            self.notes.append(
                f"{self.path}: frame {self._read} is {width}x{height}; it and later ones are scaled to "
                f"{shape[1]}x{shape[0]}, the size of the first"
            )
        return TimedFrame(resize_bilinear_u8(frame.image, *shape[:2]), frame.time, frame.duration)

    def _note_damage(self, reason: str) -> None:
        if self.damage is None:
            self._damage_reason = reason
            frames = "1 frame" if self._read == 1 else f"{self._read} frames"
            where = f"after {frames}" if self._read else "within its first frame"
            self.damage = f"{self.path} is damaged {where} ({reason})"


def check_size(path: Path, width: int, height: int) -> None:
    """Refuses frames that are too large to work on.

    Raises:
        VideoError: saying how large they may be.
    """
    if width * height > MAX_PIXELS:
        raise VideoError(
            f"{path} is too large ({width}x{height}): "
            f"give a file of at most {MAX_PIXELS // 1_000_000} megapixels"
        )
