import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save_file
from strategies import some_cells

from autogaze_web.files.trace_store import (
    Trace,
    load_traces,
    save_traces,
    traces_from_bytes,
    traces_from_json,
    traces_from_tensors,
    traces_to_bytes,
    traces_to_json,
    traces_to_tensors,
)
from autogaze_web.formats.safetensors import tensors_from_bytes, tensors_to_bytes
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.fixations import Fixations
from autogaze_web.masks.points import centres_and_sides, fixations_of_points
from autogaze_web.tiles.stitching import stitch
from autogaze_web.tiles.tiling import Tiling


def assert_same(ours, theirs):
    for name in ("start", "end", "parts", "grid", "confidence"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def tile_frame():
    """Cells of overhanging, overlapping tiles, which no grid over the frame holds."""
    tiling = Tiling.full_resolution(301, 333, stride=100)
    return stitch(tiling, [Cells.of([2, 7, 14], [1, 6, 3], [0, 2, 9], [0.5, 0.25, 1])] * len(tiling))


def two_traces():
    visibility = np.random.default_rng(0).random((2, 3, 4), dtype=np.float32)
    cells = Fixations.of(Cells.of([2, 14], [0, 9], [1, 13], [0.5, 0.75]))
    return [
        Trace([cells, tile_frame()], np.array([0, 1], np.float32), visibility),
        Trace([Fixations.none(), cells], np.array([0.5, 0.25], np.float32), visibility + 1),
    ]


@pytest.mark.parametrize("name", ["trace.safetensors", "trace.json"])
def test_what_is_loaded_is_what_was_saved(tmp_path, name):
    traces = two_traces()
    save_traces(tmp_path / name, traces)
    for ours, theirs in zip(load_traces(tmp_path / name), traces, strict=True):
        for mine, other in zip(ours.frames, theirs.frames, strict=True):
            assert_same(mine, other)
        np.testing.assert_array_equal(ours.stop_probabilities, theirs.stop_probabilities)
        np.testing.assert_array_equal(ours.visibility, theirs.visibility)


def test_bytes_are_a_file_that_the_library_reads():
    tensors = traces_to_tensors(two_traces())
    data = traces_to_bytes(two_traces(), ".safetensors")
    theirs = load(data)
    assert theirs.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert theirs[name].dtype == tensor.dtype
        np.testing.assert_array_equal(theirs[name], tensor)
        np.testing.assert_array_equal(tensors_from_bytes(data)[name], tensor)
    assert int.from_bytes(data[:8], "little") % 8 == 0


def test_the_layout_that_other_tools_know():
    tensors = traces_to_tensors(two_traces())
    most = len(tile_frame())
    assert tensors["fixations"].shape == (2, 2, most, 2)
    assert tensors["scales"].shape == tensors["confidences"].shape == (2, 2, most)
    assert tensors["stop_probabilities"].tolist() == [[0, 1], [0.5, 0.25]]
    assert tensors["visibility_maps"].shape == (2, 2, 3, 4)
    np.testing.assert_allclose(tensors["fixations"][0, 0, :2], [[0.75, 0.25], [13.5 / 14, 9.5 / 14]])
    np.testing.assert_allclose(tensors["scales"][0, 0, :2], [1 / 2, 1 / 14])
    # Padding.
    assert tensors["fixations"][0, 0, 2].tolist() == [0.5, 0.5]
    assert (tensors["scales"][0, 0, 2], tensors["confidences"][0, 0, 2]) == (0.25, 0)


@given(st.lists(some_cells(8, (1, 2, 4, 7, 14, 126)), min_size=1, max_size=3), st.booleans())
def test_a_file_of_another_tool_gives_the_same_cells(frames, half):
    fixations = [Fixations.of(cells) for cells in frames]
    tensors = traces_to_tensors([Trace.of(fixations)])
    theirs = {name: tensors[name] for name in ("fixations", "scales", "confidences", "stop_probabilities")}
    if half and not any((cells.grid == 126).any() for cells in frames):
        theirs = {name: tensor.astype(np.float16) for name, tensor in theirs.items()}
    (trace,) = traces_from_tensors(theirs)
    for ours, expected in zip(trace.frames, fixations, strict=True):
        assert_same(ours, expected)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_any_point_is_near_what_it_becomes(y, x, height, width):
    fixations = fixations_of_points(np.array([[y, x]]), np.array([[height, width]]), np.ones(1))
    assert (fixations.start >= 0).all()
    assert (fixations.end <= fixations.parts).all()
    unit = fixations.unit_rectangles()[0]
    inside = np.clip([y - height / 2, x - width / 2, y + height / 2, x + width / 2], 0, 1)
    # What is within a hundredth of a cell of being one is taken to be that cell.
    np.testing.assert_allclose(unit, inside, atol=3e-2)


def test_points_have_centres_and_sides():
    centre, sides = centres_and_sides(Fixations.of(Cells.of(4, 0, 3)))
    assert (centre.tolist(), sides.tolist()) == ([[0.125, 0.875]], [[0.25, 0.25]])


def test_json_points_need_only_a_place_a_scale_and_a_confidence():
    points = [{"x": 0.75, "y": 0.25, "scale": 0.5, "confidence": 0.5}]
    document = {
        "format": "autogaze-trace-store",
        "version": 1,
        "clips": [{"frames": [{"stop_probability": 0, "points": points}]}],
    }
    (trace,) = traces_from_json(json.dumps(document))
    assert_same(trace.frames[0], Fixations.of(Cells.of(2, 0, 1, 0.5)))


def test_clips_of_different_length_fit_into_json_only():
    traces = [Trace.of([Fixations.none()]), Trace.of([])]
    assert [len(trace.frames) for trace in traces_from_json(traces_to_json(traces))] == [1, 0]
    with pytest.raises(ValueError, match="one length, got \\[0, 1\\]: use JSON"):
        traces_to_tensors(traces)


def broken(**changes):
    tensors = traces_to_tensors([Trace.of([Fixations.of(Cells.of(2, 0, 1))])])
    tensors.update(changes)
    return {name: tensor for name, tensor in tensors.items() if tensor is not None}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: traces_from_tensors({}), "a tensor fixations; there are none"),
        (lambda: traces_from_tensors(broken(scales=None)), "a tensor scales"),
        (lambda: traces_from_tensors(broken(scales=np.zeros((1, 1, 1)))), "float32 or float16, got float64"),
        (
            lambda: traces_from_tensors(broken(confidences=np.zeros((1, 2, 1), np.float32))),
            r"confidences has the shape \(1, 1, 1\), got \(1, 2, 1\)",
        ),
        (
            lambda: traces_from_tensors(broken(fixations=np.zeros((1, 1, 1, 3), np.float32))),
            r"\(clips, frames, k, 2\)",
        ),
        (lambda: traces_from_tensors(broken(exact_edges=np.ones((1, 1, 1, 6), np.int64))), "damaged"),
        (lambda: traces_from_tensors(broken(grids=np.zeros((1, 1, 1), np.int32))), "at least 1 cell"),
        (
            lambda: traces_from_tensors(
                broken(fixations=np.full((1, 1, 1, 2), np.nan, np.float32), grids=None)
            ),
            "NaN or infinity",
        ),
        (lambda: traces_from_json("{"), "is no JSON"),
        (lambda: traces_from_bytes(b"\xff", ".json"), "byte 0 is not UTF-8"),
        (lambda: tensors_to_bytes({"x": np.zeros(1, np.bool_)}), "the tensor x is bool"),
        (lambda: traces_from_json("[]"), 'says "format"'),
        (lambda: traces_from_json('{"format": "autogaze-trace-store", "version": 9}'), "version 9"),
        (
            lambda: traces_from_json('{"format": "autogaze-trace-store", "version": 1, "clips": [{}]}'),
            "incomplete: an object without a list of frames",
        ),
        (lambda: load_traces("trace.txt"), "safetensors or .json files, got .txt"),
        (lambda: Trace([], np.zeros(1, np.float32)), "as many stop probabilities"),
        (lambda: traces_to_tensors([]), "at least one clip"),
    ],
)
def test_bad_input_gets_one_sentence(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_file_that_is_no_safetensors_file(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match=r"x.safetensors: .*not a safetensors file"):
        load_traces(tmp_path / "x.safetensors")
    save_file({"other": np.zeros(1, np.float32)}, tmp_path / "y.safetensors")
    with pytest.raises(ValueError, match="there are other"):
        load_traces(tmp_path / "y.safetensors")
