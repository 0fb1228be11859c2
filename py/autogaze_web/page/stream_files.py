"""Files about the frames of the page's stream, as bytes."""

from __future__ import annotations

import json

import numpy as np

from ..live.record import FrameRecords
from .memory import Memory


def stream_file(records: FrameRecords, kind: str, video: str) -> Memory:
    """The bytes of a file about a stream's frames (``files.exports``).

    Args:
        kind: ``trace``, ``store``, ``safetensors`` or ``metrics``.
        video: JSON with the trace's fields of the video, see ``exports.trace_text``.

    Raises:
        ValueError: if there is no such kind, or no frame yet.
    """
    from ..files import exports  # the page starts without

    match kind:
        case "trace":
            content = exports.trace_text(records, json.loads(video)).encode()
        case "store":
            content = exports.store_bytes(records, ".json")
        case "safetensors":
            content = exports.store_bytes(records, ".safetensors")
        case "metrics":
            content = exports.metrics_csv(records).encode()
        case _:
            raise ValueError(f"files are trace, store, safetensors or metrics, got {kind!r}")
    return np.frombuffer(content, np.uint8)


def gaze_stream_file(records: FrameRecords, size: tuple[int, int], request: str) -> Memory:
    """The bytes of a file of the gaze at a stream's frames, see ``gaze_export.gaze_file``.

    Args:
        size: height and width of the frames.
        request: JSON.

    Raises:
        ValueError: if the request is wrong, or there is no frame yet.
    """
    from ..files.gaze_export import gaze_file  # the page starts without

    return np.frombuffer(gaze_file(records, *size, json.loads(request)), np.uint8)
