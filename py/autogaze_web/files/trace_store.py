"""Traces, the fixations of whole clips, saved and loaded: safetensors, or JSON where there is no library.

A safetensors file has the tensors that other AutoGaze tools know, (clips, frames, k) each, float32, padded
with fixations of confidence 0:

- ``fixations`` (clips, frames, k, 2): centre x, y as shares of the frame;
- ``scales``: the longer side as a share of the frame; ``confidences``;
- ``stop_probabilities`` (clips, frames);
- ``visibility_maps`` (clips, frames, h, w), if there are any.

In addition ``exact_edges`` (clips, frames, k, 6) and ``grids`` store what floats would round, so that loaded
traces equal the saved ones to the pixel. Files without them are read too (``points.fixations_of_points``).

Only fixations with a confidence above 0 are stored. ``traces_to_bytes`` and ``traces_from_bytes`` need no
file and no library: with them a page downloads and opens what ``save_traces`` and ``load_traces`` do.

>>> clip = Trace.of([Cells.of(14, [3], [5]), Cells.none()])
>>> (loaded,) = traces_from_bytes(traces_to_bytes([clip], ".safetensors"), ".safetensors")
>>> [len(frame) for frame in loaded.frames]
[1, 0]
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..formats.json_text import JsonError, load_json
from ..formats.safetensors import Buffer, tensors_from_bytes, tensors_to_bytes
from ..limits import MAX_FRAMES, MAX_TRACE_BYTES, expect, shown
from ..masks.cells import Cells
from ..masks.fixations import Fixations
from ..masks.points import centres_and_sides, fixations_of_edges, fixations_of_points
from .atomic_file import write_atomically

JSON_FORMAT = "autogaze-trace-store"
JSON_VERSION = 1

# A pad: the centre of the frame, a quarter of its side, no confidence.
PAD_CENTRE, PAD_SCALE = 0.5, 0.25


@dataclass(frozen=True)
class Trace:
    """The fixations of one clip.

    Attributes:
        frames: for each frame its fixations.
        stop_probabilities: (frames,) float32, 0 .. 1: whether the model stopped before its budget.
        visibility: (frames, h, w) float32, how visible each part of the clip is, or None.
    """

    frames: list[Fixations]
    stop_probabilities: NDArray[np.float32]
    visibility: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.stop_probabilities.shape != (len(self.frames),):
            raise ValueError(
                f"a trace of {len(self.frames)} frames has as many stop probabilities, got shape "
                f"{self.stop_probabilities.shape}"
            )
        if self.visibility is not None and (
            self.visibility.ndim != 3 or len(self.visibility) != len(self.frames)
        ):
            raise ValueError(f"visibility is (frames, height, width), got {self.visibility.shape}")

    @staticmethod
    def of(frames: Sequence[Cells | Fixations], stopped: ArrayLike | None = None) -> Trace:
        """The trace of one clip from each frame's cells.

        Args:
            stopped: (frames,) whether the model stopped before its budget; by default never.
        """
        expect(frames, Sequence, "the frames")
        stop = np.zeros(len(frames)) if stopped is None else stopped
        return Trace([Fixations.of(cells) for cells in frames], np.asarray(stop, np.float32))


def save_traces(path: str | Path, traces: Sequence[Trace]) -> None:
    """Writes the clips' traces to a ``.safetensors`` or ``.json`` file.

    Raises:
        ValueError: for another suffix, or if the clips differ in frames (safetensors only).
    """
    write_atomically(path, traces_to_bytes(traces, Path(path).suffix))


def load_traces(path: str | Path) -> list[Trace]:
    """Reads what ``save_traces`` wrote, or a file of another tool in the same layout.

    Raises:
        ValueError: saying what is wrong with the file.
    """
    path = Path(path)
    suffix = _known(path.suffix)
    try:
        if path.exists() and not path.is_file():
            raise ValueError("it is not a file")
        if path.stat().st_size > MAX_TRACE_BYTES:
            raise ValueError(f"a trace has at most {MAX_TRACE_BYTES:,} bytes")
        return traces_from_bytes(path.read_bytes(), suffix)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def traces_to_bytes(traces: Sequence[Trace], suffix: str) -> bytes:
    """What a file of the clips' traces contains.

    Args:
        suffix: ``.safetensors`` or ``.json``.

    Raises:
        ValueError: for another suffix, or if the clips differ in frames (safetensors only).
    """
    if _known(suffix) == ".json":
        return traces_to_json(traces).encode()
    return tensors_to_bytes(traces_to_tensors(traces))


def traces_from_bytes(data: Buffer, suffix: str) -> list[Trace]:
    """The traces of a file's contents; see ``traces_to_bytes``.

    Raises:
        ValueError: saying what is wrong with them.
    """
    try:
        data = memoryview(data)
    except TypeError:
        raise ValueError(f"a trace is read from bytes, got a value of type {type(data).__name__}") from None
    if _known(suffix) == ".safetensors":
        return traces_from_tensors(tensors_from_bytes(data))
    try:
        text = bytes(data).decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"the trace is no JSON: byte {error.start} is not UTF-8") from None
    return traces_from_json(text)


def traces_to_tensors(traces: Sequence[Trace]) -> dict[str, NDArray[Any]]:
    """The tensors of the safetensors layout.

    Raises:
        ValueError: if there are no clips, or they differ in their number of frames or in visibility maps.
    """
    if not traces:
        raise ValueError("a trace file has at least one clip")
    lengths = {len(trace.frames) for trace in traces}
    if len(lengths) > 1:
        raise ValueError(f"the clips of a safetensors file have one length, got {sorted(lengths)}: use JSON")
    shape = (
        len(traces),
        lengths.pop(),
        max([1, *(len(frame) for trace in traces for frame in trace.frames)]),
    )
    tensors: dict[str, NDArray[Any]] = {
        "fixations": np.full((*shape, 2), PAD_CENTRE, np.float32),
        "scales": np.full(shape, PAD_SCALE, np.float32),
        "confidences": np.zeros(shape, np.float32),
        "stop_probabilities": np.stack([trace.stop_probabilities for trace in traces]).astype(np.float32),
        "exact_edges": np.zeros((*shape, 6), np.int64),
        "grids": np.zeros(shape, np.int32),
    }
    for clip, trace in enumerate(traces):
        for index, frame in enumerate(frame.visible() for frame in trace.frames):
            place = (clip, index, slice(len(frame)))
            centre, extent = centres_and_sides(frame)
            tensors["fixations"][place] = centre[:, ::-1]
            tensors["scales"][place] = extent.max(axis=1)
            tensors["confidences"][place] = frame.confidence
            tensors["exact_edges"][place] = np.concatenate([frame.start, frame.end, frame.parts], axis=1)
            tensors["grids"][place] = frame.grid
    maps = [trace.visibility for trace in traces if trace.visibility is not None]
    if maps:
        if len(maps) < len(traces) or len({one.shape for one in maps}) > 1:
            raise ValueError("either every clip has visibility maps, all of one size, or none has")
        tensors["visibility_maps"] = np.stack(maps).astype(np.float32)
    return tensors


def traces_from_tensors(tensors: Mapping[str, NDArray[Any]]) -> list[Trace]:
    """Traces from the tensors of the safetensors layout; fixations without confidence are left out.

    Raises:
        ValueError: naming the tensor that is missing or wrong.
    """
    centre = _float_tensor(tensors, "fixations", 4)
    shape = centre.shape[:3]
    if centre.shape[3] != 2:
        raise ValueError(f"fixations is (clips, frames, k, 2), got {centre.shape}")
    _check_count(shape[0] + math.prod(shape[:2]))
    scale = _float_tensor(tensors, "scales", 3, shape)
    confidence = _float_tensor(tensors, "confidences", 3, shape)
    stop = _float_tensor(tensors, "stop_probabilities", 2, shape[:2])
    maps = None
    if "visibility_maps" in tensors:
        maps = _float_tensor(tensors, "visibility_maps", 4)
        if maps.shape[:2] != shape[:2]:
            raise ValueError(f"visibility_maps is {shape[0]} clips x {shape[1]} frames, got {maps.shape}")
    exact = _exact_tensors(tensors, shape)
    traces = []
    for clip in range(shape[0]):
        frames = []
        for index in range(shape[1]):
            place = (clip, index, confidence[clip, index] > 0)
            if exact is None:
                extent = np.repeat(scale[place][:, None], 2, axis=1)
                frames.append(fixations_of_points(centre[place][:, ::-1], extent, confidence[place]))
            else:
                frames.append(fixations_of_edges(exact[0][place], exact[1][place], confidence[place]))
        traces.append(Trace(frames, stop[clip], None if maps is None else maps[clip]))
    return traces


def traces_to_json(traces: Sequence[Trace]) -> str:
    """The traces as JSON text: points with x, y, scale, width, height, confidence, grid and exact edges."""
    clips = []
    for trace in traces:
        frames = [
            {"stop_probability": float(stop), "points": _points(frame.visible())}
            for frame, stop in zip(trace.frames, trace.stop_probabilities, strict=True)
        ]
        clip: dict[str, Any] = {"frames": frames}
        if trace.visibility is not None:
            clip["visibility"] = trace.visibility.tolist()
        clips.append(clip)
    return json.dumps({"format": JSON_FORMAT, "version": JSON_VERSION, "clips": clips}, allow_nan=False)


def traces_from_json(text: str) -> list[Trace]:
    """Traces from what ``traces_to_json`` made; a point needs only x, y, scale and confidence.

    Raises:
        ValueError: saying what is wrong with the text.
    """
    try:
        # Its values are as many as its fixations, and the text's length is their bound.
        document = load_json(text, max_values=MAX_TRACE_BYTES)
    except JsonError as error:
        raise ValueError(f"the trace is no JSON that can be read, it is {error}") from None
    if not isinstance(document, dict) or document.get("format") != JSON_FORMAT:
        raise ValueError(f'a trace in JSON says "format": "{JSON_FORMAT}"')
    if document.get("version") != JSON_VERSION:
        raise ValueError(f"the trace has version {shown(document.get('version'))}, expected {JSON_VERSION}")
    clips = _list(document, "clips")
    _check_count(sum(len(_list(clip, "frames")) for clip in clips) + len(clips))
    return [_trace_of(clip) for clip in clips]


def _trace_of(clip: dict[str, Any]) -> Trace:
    frames = _list(clip, "frames")
    visibility = clip.get("visibility")
    return Trace(
        [_frame_of(_list(frame, "points")) for frame in frames],
        _column(frames, "stop_probability", np.float32),
        None if visibility is None else _array(visibility, "visibility", np.float32),
    )


def _frame_of(points: list[Any]) -> Fixations:
    confidence = _column(points, "confidence", np.float32)
    if points and all(isinstance(point, dict) and "exact" in point for point in points):
        edges = _column(points, "exact", np.int64)
        if edges.shape != (len(points), 6):
            raise ValueError("the trace has a point whose exact edges are not six whole numbers")
        return fixations_of_edges(edges, _column(points, "grid", np.int32), confidence)
    centre = np.stack([_column(points, axis, np.float64) for axis in ("y", "x")], axis=-1)
    extent = [
        [point.get(side) or point.get("scale") for side in ("height", "width")]  # 0 is no side
        for point in points
    ]
    grids = [point.get("grid") for point in points]
    return fixations_of_points(
        centre,
        _array(extent, "scale", np.float64).reshape(-1, 2),
        confidence,
        _array(grids, "grid", np.int32) if all(grids) else None,
    )


def _list(value: Any, key: str) -> list[Any]:
    """The list under a key of a JSON object."""
    items = value.get(key) if isinstance(value, dict) else None
    if not isinstance(items, list):
        raise ValueError(f"the trace in JSON is incomplete: an object without a list of {key}")
    return items


def _column(items: list[Any], key: str, dtype: type[np.generic]) -> NDArray[Any]:
    """One value of each object."""
    if not all(isinstance(item, dict) and key in item for item in items):
        raise ValueError(f"the trace in JSON is incomplete: an object without {key}")
    column = _array([item[key] for item in items], key, dtype)
    if len(column) != len(items) or (key != "exact" and column.ndim != 1):
        raise ValueError(f"the trace in JSON has a {key} that is not a number")
    return column


def _array(values: Any, key: str, dtype: type[np.generic]) -> NDArray[Any]:
    try:
        array = np.asarray(values)
        if array.size and array.dtype.kind not in ("if" if issubclass(dtype, np.floating) else "i"):
            raise ValueError
        if issubclass(dtype, np.integer) and array.size and np.abs(array).max() > np.iinfo(dtype).max:
            raise ValueError
        with np.errstate(over="ignore"):
            return array.astype(dtype)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"the trace in JSON has a {key} that is not a number in range") from None


def _check_count(frames: int) -> None:
    if frames > MAX_FRAMES:
        raise ValueError(f"a trace has at most {MAX_FRAMES:,} clips and frames, got {frames:,}")


def _points(frame: Fixations) -> list[dict[str, Any]]:
    centre, extent = centres_and_sides(frame)
    edges = np.concatenate([frame.start, frame.end, frame.parts], axis=1)
    return [
        {
            "x": x,
            "y": y,
            "scale": max(height, width),
            "width": width,
            "height": height,
            "confidence": confidence,
            "grid": grid,
            "exact": exact,
        }
        for (y, x), (height, width), confidence, grid, exact in zip(
            centre.tolist(),
            extent.tolist(),
            frame.confidence.tolist(),
            frame.grid.tolist(),
            edges.tolist(),
            strict=True,
        )
    ]


def _float_tensor(
    tensors: Mapping[str, NDArray[Any]], name: str, rank: int, shape: tuple[int, ...] | None = None
) -> NDArray[np.float32]:
    if name not in tensors:
        raise ValueError(
            f"a trace file has a tensor {name}; there are {', '.join(sorted(tensors)) or 'none'}"
        )
    tensor = tensors[name]
    if tensor.dtype not in (np.float32, np.float16):
        raise ValueError(f"{name} is float32 or float16, got {tensor.dtype}")
    if tensor.ndim != rank or (shape is not None and tensor.shape != shape):
        raise ValueError(f"{name} has the shape {shape or f'of {rank} axes'}, got {tensor.shape}")
    return tensor.astype(np.float32)


def _exact_tensors(
    tensors: Mapping[str, NDArray[Any]], shape: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int32]] | None:
    if "exact_edges" not in tensors or "grids" not in tensors:
        return None
    edges, grids = tensors["exact_edges"], tensors["grids"]
    if edges.dtype.kind != "i" or grids.dtype.kind != "i":
        raise ValueError(f"exact_edges and grids are integers, got {edges.dtype} and {grids.dtype}")
    if edges.shape != (*shape, 6) or grids.shape != shape:
        raise ValueError(
            f"exact_edges is {(*shape, 6)} and grids {shape}, got {edges.shape} and {grids.shape}"
        )
    return edges.astype(np.int64), grids.astype(np.int32)


def _known(suffix: str) -> str:
    expect(suffix, str, "the suffix")
    if suffix.lower() not in (".safetensors", ".json"):
        raise ValueError(f"traces are kept in .safetensors or .json files, got {suffix or 'no suffix'}")
    return suffix.lower()
