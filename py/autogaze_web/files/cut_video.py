"""An MP4 or MOV that was cut off: which of its frames are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .file_layout import FileLayout

# As many frames as H.264 and HEVC may hold back.
_MOST_HELD_BACK = 16


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
    def of(layout: FileLayout) -> CutFrames | None:
        """None for other files, of which all frames are shown that can be decoded."""
        return CutFrames(not layout.is_fragmented) if layout.ends_within_frames else None

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
