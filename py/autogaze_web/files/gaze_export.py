"""Files of the gaze at the frames that a stream or clip recorded, as a page asks for them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..limits import MAX_FRAMES, MAX_GRID, shown
from ..live.record import FrameRecords
from .gaze_store import gaze_to_bytes, masks_to_bytes
from .stored_gaze import StoredGaze, same_shape

_NAMES = ("format", "frames", "keepGrids", "times")


def gaze_file(records: FrameRecords, height: int, width: int, request: Mapping[str, Any]) -> bytes:
    """A file of ``gazing_info`` or of keep-masks (``gaze_store``).

    It has the frames since the mask source last changed to other grids or tiles, since a gaze has one kind.

    Args:
        records: what was chosen of each frame.
        height, width: of the frames in pixels.
        request: by the names of JavaScript, all optional: ``format``, "npz" (default) or "json"; ``frames``,
            at most how many of the last frames; ``keepGrids``, such as ``["14x14", "27x27"]``, for
            keep-masks at these grids instead of ``gazing_info``; ``times``, seconds of each of these frames,
            by default those recorded.

    Raises:
        ValueError: saying what is wrong with the request, or that there is no frame.

    Examples:
        >>> from autogaze_web import Cells, Choice
        >>> from autogaze_web.live.record import FrameRecord
        >>> records = FrameRecords()
        >>> choice = Choice.of(Cells.of(2, [0], [1]))
        >>> records.add(FrameRecord(0, True, choice, 0.25, 1.0, 1.0), {"name": "mine", "grids": [2]})
        >>> gaze_file(records, 90, 160, {"format": "json", "keepGrids": ["1x4"]}).decode().strip()
        '{"keep_1x4": [[[[0, 0, 1, 1]]]], "times": [null]}'
    """
    unknown = sorted(set(request) - set(_NAMES))
    if unknown:
        raise ValueError(f"a file of the gaze has the options {', '.join(_NAMES)}; got {shown(unknown[0])}")
    suffix = request.get("format", "npz")
    if suffix not in ("npz", "json"):
        raise ValueError(f'the format is "npz" or "json", got {shown(suffix)}')
    records = records.last(_since_change(records))
    frames = request.get("frames")
    if frames is not None:
        if isinstance(frames, bool) or not isinstance(frames, int) or not 1 <= frames <= MAX_FRAMES:
            raise ValueError(
                f"frames is how many of the last frames, 1 to {MAX_FRAMES:,}, got {shown(frames)}"
            )
        records = records.last(frames)
    given = request.get("keepGrids", [])
    if not isinstance(given, list):
        raise ValueError(f'keepGrids is a list of grids such as ["14x14"], got {shown(given)}')
    grids = [grid_size(grid) for grid in given]
    gaze = StoredGaze.of_records(records, height, width)
    if request.get("times") is not None:
        gaze = replace(gaze, times=_times(request["times"], len(records)))
    return masks_to_bytes(gaze, grids, f".{suffix}") if grids else gaze_to_bytes(gaze, f".{suffix}")


def _since_change(records: FrameRecords) -> int:
    """How many frames there are since the grids or tiles last changed."""
    sources = records.sources()
    begin = 0
    for (_, before), (index, source) in itertools.pairwise(sources):
        if not same_shape(before, source):
            begin = index
    return sum(record.index >= begin for record in records)


def grid_size(text: object) -> tuple[int, int]:
    """The height and width of a grid.

    Raises:
        ValueError: if it is no such text.

    Examples:
        >>> grid_size("14x27")
        (14, 27)
    """
    sides = text.lower().split("x") if isinstance(text, str) else []
    if len(sides) != 2 or not all(side.strip().isdecimal() for side in sides):
        raise ValueError(f"expected height x width such as 14x14, got {shown(text)}")
    height, width = (int(side[:9]) for side in sides)
    if not (1 <= height <= MAX_GRID and 1 <= width <= MAX_GRID):
        raise ValueError(
            f"expected a whole number of 1 to {MAX_GRID} on each side of a grid, got {shown(text)}"
        )
    return height, width


def _times(given: object, frames: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    try:
        times = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        times = np.zeros(0)
    if times.shape != (frames,):
        raise ValueError(f"times are {frames} numbers, the seconds of each frame that is saved")
    return times
