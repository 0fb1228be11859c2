"""The log of processed frames: what was chosen of each and its numbers, no pixels."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..masks.choice import Choice, Description
from ..masks.fixations import Fixations
from .frame_report import FrameReport

MOST_FRAMES = 20_000
MOST_CELLS = 1_000_000


@dataclass(frozen=True)
class FrameRecord:
    """One frame's choice and numbers.

    Attributes:
        index: frames processed before it in its stream.
        keyframe: whether the output took the whole frame over.
        choice: of the mask source.
        mask_ratio: share of the pixels inside the cells, 0 .. 1.
        update_ratio: share of the output's pixels that were written, 0 .. 1; 1 for keyframes.
        psnr: of the output against the input in dB; infinite if they are equal, as in keyframes.
        update_ratio_ema, psnr_ema: moving averages, in which keyframes do not count; NaN before the first
            sample.
        age: how many frames ago the cells were chosen; 0 if for this frame.
        time: at which the frame is shown, in seconds; None if unknown.
        loop: how many times its file had been played before.
    """

    index: int
    keyframe: bool
    choice: Choice
    mask_ratio: float
    update_ratio: float
    psnr: float
    update_ratio_ema: float = math.nan
    psnr_ema: float = math.nan
    age: int = 0
    time: float | None = None
    loop: int = 0

    @staticmethod
    def of(
        report: FrameReport, choice: Choice, age: int = 0, time: float | None = None, loop: int = 0
    ) -> FrameRecord:
        """The record of a frame that a live view processed."""
        return FrameRecord(
            report.index,
            report.keyframe,
            choice,
            report.mask_ratio,
            1.0 if report.keyframe else report.update_ratio,
            math.inf if report.keyframe else report.psnr,
            report.update_ratio_ema,
            report.psnr_ema,
            age,
            time,
            loop,
        )

    def to_json(self) -> dict[str, Any]:
        """The frame's entry in a trace, see ``docs/trace.md``."""
        cells = self.choice.cells
        if isinstance(cells, Fixations):
            place = {"edges": np.concatenate([cells.start, cells.end, cells.parts], axis=1).tolist()}
        else:
            place = {"cell": np.stack([cells.row, cells.col], axis=-1).tolist()}
        return {
            "index": self.index,
            **({} if self.time is None else {"time": round(self.time, 6)}),
            **({"loop": self.loop} if self.loop else {}),
            "keyframe": self.keyframe,
            "tokens": self.choice.tokens.tolist(),
            "scale": cells.grid.tolist(),
            **place,
            **({"age": self.age} if self.age else {}),
            "confidence": [round(float(value), 6) for value in cells.confidence],
            "padded": self.choice.padded,
            "steps": self.choice.steps,
            "mask_ratio": round(self.mask_ratio, 6),
            "update_ratio": round(self.update_ratio, 6),
            "psnr": round(self.psnr, 4) if math.isfinite(self.psnr) else None,
        }


class FrameRecords:
    """The records of the last frames of one stream, with the mask source of each.

    Args:
        most_frames, most_cells: the oldest records are dropped beyond either; None for no bound.
    """

    def __init__(self, most_frames: int | None = MOST_FRAMES, most_cells: int | None = MOST_CELLS) -> None:
        self._most_frames, self._most_cells = most_frames, most_cells
        self._entries: deque[tuple[FrameRecord, Description]] = deque()
        self._cells = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[FrameRecord]:
        return (record for record, _ in self._entries)

    def add(self, record: FrameRecord, source: Description) -> None:
        """Adds a frame; a later record of the last frame replaces it.

        The first frame of a stream (index 0) drops those of the stream before.
        """
        if record.index == 0:
            self.clear()
        elif self._entries and self._entries[-1][0].index == record.index:
            replaced, _ = self._entries.pop()
            self._cells -= len(replaced.choice.cells)
        self._entries.append((record, source))
        self._cells += len(record.choice.cells)
        while self._over_the_limit():
            dropped, _ = self._entries.popleft()
            self._cells -= len(dropped.choice.cells)

    def clear(self) -> None:
        """Drops all."""
        self._entries.clear()
        self._cells = 0

    def last(self, frames: int) -> FrameRecords:
        """The newest frames alone, at most so many."""
        newest = FrameRecords(None, None)
        newest._entries.extend(list(self._entries)[-frames:] if frames else [])
        newest._cells = sum(len(record.choice.cells) for record in newest)
        return newest

    def sources(self) -> list[tuple[int, Description]]:
        """The mask sources, each with the index of the first frame that it chose the cells of."""
        found: list[tuple[int, Description]] = []
        for record, source in self._entries:
            if not found or source != found[-1][1]:
                found.append((record.index, source))
        return found

    def _over_the_limit(self) -> bool:
        frames, cells = self._most_frames, self._most_cells
        return len(self._entries) > 1 and (
            (frames is not None and len(self._entries) > frames)
            or (cells is not None and self._cells > cells)
        )
