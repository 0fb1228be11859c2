"""What is fuzzed of the files that keep results: traces, gazes, the manifest of a batch."""

from __future__ import annotations

import io
import json
import math

import numpy as np
from damage import damaged_bytes, damaged_document, damaged_text, json_text
from hypothesis import strategies as st
from target import DTYPES, SHAPES, only_sentences, target

from autogaze_web import Cells, Choice, footprint
from autogaze_web.batch.manifest import Entry, FileState, entry_line, head_line, manifest_text, parse_manifest
from autogaze_web.files.gaze_store import gaze_from_bytes, gaze_to_bytes, npz_bytes
from autogaze_web.files.stored_gaze import StoredGaze
from autogaze_web.files.trace_store import Trace, traces_from_bytes, traces_to_bytes
from autogaze_web.formats.safetensors import tensors_from_bytes, tensors_to_bytes

TRACE = [Trace.of([Cells.of(14, [3, 4], [5, 6]), Cells.none()])]
TRACE_JSON = traces_to_bytes(TRACE, ".json").decode()
TRACE_TENSORS = traces_to_bytes(TRACE, ".safetensors")


def _read_traces(data: bytes, suffix: str) -> None:
    with only_sentences():
        for trace in traces_from_bytes(data, suffix):
            for frame in trace.frames[:20]:
                footprint(frame, 90, 160).plan.ratio  # noqa: B018


@target(damaged_document(json.loads(TRACE_JSON)).map(json_text) | damaged_text([TRACE_JSON]))
def traces_in_json(text: str) -> None:
    """A trace store in JSON."""
    _read_traces(text.encode("utf-8", "replace"), ".json")


TENSORS = ["fixations", "scales", "confidences", "stop_probabilities", "exact_edges", "grids"]


@st.composite
def trace_tensors(draw: st.DrawFn) -> bytes:
    """The tensors of a trace, one of them of another shape, dtype or content."""
    tensors = dict(tensors_from_bytes(TRACE_TENSORS))
    name = draw(st.sampled_from([*TENSORS, "visibility_maps"]))
    shape = draw(SHAPES)
    old = tensors.get(name, np.zeros((1, 2, 3, 4), np.float32))
    dtype = draw(st.sampled_from(DTYPES))
    with np.errstate(all="ignore"):
        if draw(st.booleans()) or math.prod(max(side, 1) for side in shape) > 2**40:
            value = draw(st.sampled_from([0, -1, 1, 2**31, 2**62, 0.5, float("nan"), float("inf"), 1e30]))
            tensors[name] = np.full(old.shape, value).astype(dtype)
        else:
            tensors[name] = np.zeros(shape if math.prod(shape) < 1000 else (0,), dtype)
    return tensors_to_bytes(tensors)


@target(trace_tensors() | damaged_bytes([TRACE_TENSORS]))
def traces_in_safetensors(data: bytes) -> None:
    """A trace store in safetensors."""
    _read_traces(data, ".safetensors")


GAZE = StoredGaze.of_choices([Choice.of(Cells.of(14, [3, 4], [5, 6])), Choice.none()], [7, 14], [0, None])
GAZE_JSON = gaze_to_bytes(GAZE, ".json").decode()
GAZE_NPZ = gaze_to_bytes(GAZE, ".npz")
GAZE_ARRAYS = ["gazing_pos", "if_padded_gazing", "num_gazing_each_frame", "scales", "grids", "tiles", "times"]


def _read_gaze(data: bytes, suffix: str) -> None:
    with only_sentences():
        gaze_from_bytes(data, suffix).keep_masks(5)


@target(damaged_document(json.loads(GAZE_JSON)).map(json_text) | damaged_text([GAZE_JSON]))
def gaze_in_json(text: str) -> None:
    """A stored gaze in JSON."""
    _read_gaze(text.encode("utf-8", "replace"), ".json")


@st.composite
def gaze_arrays(draw: st.DrawFn) -> bytes:
    """The arrays of a stored gaze, one of them of another shape, dtype or content."""
    arrays = dict(np.load(io.BytesIO(GAZE_NPZ)))
    shape = draw(SHAPES)
    small = shape if max(shape, default=0) < 10 else (0,)
    value = draw(st.sampled_from([0, -1, 1, 2**31, 2**62, 0.5, float("nan"), 1e30]))
    with np.errstate(all="ignore"):
        name = draw(st.sampled_from([*GAZE_ARRAYS, "settings"]))
        place = draw(st.sampled_from([small, arrays[name].shape]))
        arrays[name] = np.full(place, value).astype(draw(st.sampled_from([*DTYPES, "bool", "U3"])))
    return npz_bytes(arrays)


@target(gaze_arrays() | damaged_bytes([GAZE_NPZ]))
def gaze_in_npz(data: bytes) -> None:
    """A stored gaze in .npz."""
    _read_gaze(data, ".npz")


STATE = FileState(1, "v", "d")
LINE = entry_line(Entry("a/b.mp4", "/a/b.mp4", "s", "done", STATE, {"trace": STATE}, "", 2, 3, 0.5))


@target(damaged_document(json.loads(LINE)).map(json_text) | damaged_text([LINE]))
def manifests(line: str) -> None:
    """A line of a batch's manifest: an entry that can be written again, or none."""
    with only_sentences():
        entries = parse_manifest(head_line() + line)
        assert parse_manifest(manifest_text(entries.values())) == entries
        assert not any(".." in name.split("/") or name.startswith("/") for name in entries)
