"""An MP4 or MOV that was cut off: up to which byte it is read, and which of its frames are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .file_kind import boxes_of

# As many frames as H.264 and HEVC may hold back.
_MOST_HELD_BACK = 16


def readable_bytes(path: Path) -> int | None:
    """Where a last box that is not whole begins, since readers refuse it; None to read the file to its end.

    Frames are read as far as they go.
    """
    boxes = boxes_of(path)
    if not boxes or not path.is_file():
        return None
    size = path.stat().st_size
    last, end = boxes[-1], boxes[-1].end
    if end > size:
        return None if last.kind == b"mdat" else last.start
    return end if end < size < end + 8 else None


@dataclass
class CutFrames:
    """Of an MP4 that ends within its frames, those that are shown: all before the first that may be missing.

    When the first frame is missing, a decoder holds some back to put them into order, and others may belong
    between them. `web/sources/mp4_edits.mjs` does the same.
    """

    states_lead: bool
    _times: list[int] = field(default_factory=list)
    _whole: int = 0
    _lead: int = 0

    @staticmethod
    def of(path: Path) -> CutFrames | None:
        """None for other files, of which all frames are shown that can be decoded."""
        boxes = boxes_of(path)
        if not boxes or boxes[-1].kind != b"mdat" or boxes[-1].end <= path.stat().st_size:
            return None
        return CutFrames(all(box.kind != b"moof" for box in boxes))

    def add(self, packet: Any) -> bool:
        """Whether a packet of PyAV is whole and can be decoded."""
        if packet.pts is None:
            return True
        if not self._times and self.states_lead and packet.dts is not None:
            self._lead = packet.pts - packet.dts
        self._times.append(packet.pts)
        self._whole += not packet.is_corrupt
        return not packet.is_corrupt

    def first_lost(self) -> float:
        """The time from which frames are not shown, in units of the stream, of the packets up to here."""
        if not self._times:
            return float("inf")
        whole = sorted(self._times[: self._whole])
        first = self._times[0]
        ahead = sum(first <= time < first + self._lead for time in whole)
        delay = max(ahead, _reorder_delay(self._times))
        lost = whole[max(0, len(whole) - delay) :]
        return lost[0] if lost else float("inf")


def _reorder_delay(times: list[int]) -> int:
    """How many frames a decoder holds back to put times in decoding order into order."""
    most = 0
    for index, time in enumerate(times):
        before = times[max(0, index - _MOST_HELD_BACK) : index]
        most = max(most, sum(each > time for each in before))
    return most
