"""A stream's trace, in two layouts, and its numbers as the contents of files.

The command line and the page write the same bytes for the same frames.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..live.record import FrameRecord, FrameRecords
from ..masks.choice import Description
from ..masks.fixations import Fixations
from .trace_store import Trace, traces_to_bytes

FORMAT, VERSION = "autogaze-trace", 1

_COLUMNS = (
    *("index", "time", "keyframe", "cells", "padded", "steps", "age"),
    *("mask_ratio", "update_ratio", "update_ratio_ema", "psnr", "psnr_ema"),
)


def trace_text(records: FrameRecords, video: Mapping[str, Any]) -> str:
    """A trace as ``docs/trace.md`` describes it, one line of JSON.

    Args:
        video: ``name``, ``width``, ``height`` and ``frames_per_second`` (None if unknown).

    Raises:
        ValueError: if there are no frames.
    """
    head = trace_head(video, _not_empty(records).sources())
    return head + TRACE_SEPARATOR.join(trace_entry(record) for record in records) + TRACE_END


TRACE_SEPARATOR, TRACE_END = ", ", "]}\n"


def trace_head(video: Mapping[str, Any], sources: Sequence[tuple[int, Description]]) -> str:
    """The beginning of a trace: all but its frames.

    `trace_entry` of each frame follows, ``TRACE_SEPARATOR`` between two and ``TRACE_END`` after the last.

    Args:
        video: see `trace_text`.
        sources: the mask sources, each with the index of the first frame that it chose the cells of.
    """
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "video": dict(video),
        "mask_source": sources[0][1],
    }
    if len(sources) > 1:
        document["mask_source_changes"] = [
            {"index": index, "mask_source": source} for index, source in sources[1:]
        ]
    return json.dumps({**document, "frames": []}, allow_nan=False).removesuffix("]}")


def trace_entry(record: FrameRecord) -> str:
    """One frame of a trace."""
    return json.dumps(record.to_json(), allow_nan=False)


def store_bytes(records: FrameRecords, suffix: str) -> bytes:
    """The fixations in a layout of ``trace_store``.

    Args:
        suffix: ``.json`` or ``.safetensors``.

    Raises:
        ValueError: if there are no frames, or for another suffix.
    """
    return traces_to_bytes([stored_trace(_not_empty(records))], suffix)


def stored_trace(records: Iterable[FrameRecord]) -> Trace:
    """The fixations of all frames; the stop probability is 1 where the model stopped before its budget."""
    records = list(records)
    return Trace(
        [Fixations.of(record.choice.cells) for record in records],
        np.array([record.choice.padded > 0 for record in records], np.float32),
    )


def metrics_csv(records: FrameRecords) -> str:
    """A line of numbers for every frame, under a line of names.

    Ratios are shares, PSNR is in dB, ``inf`` where output and frame are equal. A missing number is empty.
    ``cells_NxN`` counts the cells on each grid.

    Raises:
        ValueError: if there are no frames.
    """
    grids = sorted({int(grid) for _, source in _not_empty(records).sources() for grid in source["grids"]})
    head = [*_COLUMNS, *(f"cells_{grid}x{grid}" for grid in grids)]
    lines = [",".join(head)]
    for record in records:
        choice = record.choice
        values = [
            str(record.index),
            "" if record.time is None else _number(record.time, 6),
            str(int(record.keyframe)),
            str(len(choice.cells)),
            str(choice.padded),
            str(choice.steps),
            str(record.age),
            _number(record.mask_ratio, 6),
            _number(record.update_ratio, 6),
            _number(record.update_ratio_ema, 6),
            _number(record.psnr, 4),
            _number(record.psnr_ema, 4),
            *(str(int((choice.cells.grid == grid).sum())) for grid in grids),
        ]
        lines.append(",".join(values))
    return "\n".join(lines) + "\n"


def _number(value: float, digits: int) -> str:
    if math.isnan(value):
        return ""
    return "inf" if math.isinf(value) else f"{value:.{digits}f}"


def _not_empty(records: FrameRecords) -> FrameRecords:
    if len(records) == 0:
        raise ValueError("no frame has been processed yet: there is nothing to save")
    return records
