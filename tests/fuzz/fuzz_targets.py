"""What is fuzzed: every parser, every public function, and the command line.

A target may succeed or raise a `ValueError` with one sentence for people. Anything else is a finding.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from damage import ODD_VALUES, damaged_bytes, damaged_document, damaged_text, json_text
from hypothesis import given, settings
from hypothesis import strategies as st

from autogaze_web import (
    AutoGazeConfig,
    AutoGazeImageProcessor,
    Cells,
    Choice,
    GazingInfo,
    LiveSettings,
    LiveView,
    PatchDiff,
    Tiling,
    footprint,
    options,
)
from autogaze_web.batch.manifest import Entry, FileState, entry_line, head_line, manifest_text, parse_manifest
from autogaze_web.cli.main import main
from autogaze_web.encoder.config import SiglipConfig
from autogaze_web.files.file_kind import kind_of, whole_webp
from autogaze_web.files.file_layout import layout_of
from autogaze_web.files.gaze_store import gaze_from_bytes, gaze_to_bytes, npz_bytes
from autogaze_web.files.stored_gaze import StoredGaze
from autogaze_web.files.trace_store import Trace, traces_from_bytes, traces_to_bytes
from autogaze_web.files.video import open_clip
from autogaze_web.formats.safetensors import read_header, tensors_from_bytes, tensors_to_bytes
from autogaze_web.formats.safetensors_index import check_shards, read_index
from autogaze_web.masks.footprint import GEOMETRIES
from autogaze_web.model.checkpoint import check_entries, weight_entries
from autogaze_web.model.controls import StreamControls, resolve_controls
from autogaze_web.model.graph_choice import choose_graphs, graphs_of
from autogaze_web.readout.projection import frame_tokens
from autogaze_web.readout.token_grids import ImageGrid, VideoGrid
from autogaze_web.tiles.inference_mode import InferenceMode

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "site" / "model"
CONFIG_TEXT = (MODEL / "config.json").read_text("utf-8")
CONFIG = AutoGazeConfig.from_json(CONFIG_TEXT)
PREPROCESSOR = (MODEL / "preprocessor_config.json").read_text("utf-8")

# Words of parsers, NumPy and Python that nobody should have to read.
RAW = re.compile(
    r"Traceback|Expecting |Unterminated|\(char \d|could not convert|invalid literal|cannot reshape"
    r"|could not be broadcast|array is too big"
    r"|'NoneType'|list indices|unhashable|object is not|not supported between|Exceeds the limit|C long"
    r"|dtype\("
)
# A sentence may list the eighty first tensors that are missing.
LONGEST_SENTENCE = 10_000

TARGETS: dict[str, Callable[[settings], Callable[[], None]]] = {}
"""By name: given Hypothesis' settings, what runs the target."""


def target(*strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Adds a function to the targets, with what its arguments are drawn from."""

    def add(function: Callable[..., None]) -> Callable[..., None]:
        TARGETS[function.__name__] = lambda how: how(given(*strategies)(function))
        return function

    return add


@contextlib.contextmanager
def only_sentences() -> Iterator[None]:
    """Lets a `ValueError` with a sentence pass."""
    try:
        with np.errstate(all="ignore"):
            yield
    except ValueError as error:
        message = str(error)
        assert message, f"{type(error).__name__} without a message"
        assert len(message) <= LONGEST_SENTENCE, f"a message of {len(message)} characters"
        assert not RAW.search(message), f"a message that was not written for people: {message}"


def safetensors_file(header: Any, data: bytes = b"") -> bytes:
    """A file with a header of any form."""
    text = header if isinstance(header, bytes) else json_text(header).encode()
    return len(text).to_bytes(8, "little") + text + data


HEADER = {
    "__metadata__": {"format": "pt"},
    "a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]},
    "b": {"dtype": "I64", "shape": [], "data_offsets": [8, 16]},
}
DATA = bytes(range(16))


# The kinds of ../shared/cases/hostile, small: a name twice at the end, unclosed escapes, long metadata.
TWICE = b"{" + b",".join(b'"t%d":1' % n for n in range(500)) + b',"z":1,"z":2}'
SAFETENSORS_SEEDS = [
    safetensors_file(HEADER, DATA),
    safetensors_file(TWICE),
    safetensors_file(b'{"' + b'\\"' * 2000),
    safetensors_file({"__metadata__": {"a": "x" * 5000}}),
    safetensors_file({"a": {"dtype": "F32", "shape": [0, 2**62], "data_offsets": [0, 0]}}),
    b"",
]


def _read_safetensors(data: bytes) -> None:
    with only_sentences():
        read_header(data)
    with only_sentences():
        tensors_from_bytes(data)
    with only_sentences():
        check_entries(CONFIG, weight_entries(data))


@target(damaged_bytes(SAFETENSORS_SEEDS))
def safetensors_bytes(data: bytes) -> None:
    """Bytes of a safetensors file."""
    _read_safetensors(data)


@target(damaged_document(HEADER))
def safetensors_headers(header: Any) -> None:
    """Headers of a safetensors file."""
    _read_safetensors(safetensors_file(header, DATA))


INDEX = {"metadata": {"total_size": 12}, "weight_map": {"a": "m-1.safetensors", "b": "s/m-2.safetensors"}}


@target(damaged_document(INDEX).map(json_text) | damaged_text([json_text(INDEX)]))
def sharded_indexes(text: str) -> None:
    """The index of a checkpoint in shards."""
    with only_sentences():
        check_shards(read_index(text), {"m-1.safetensors": ["a"], "s/m-2.safetensors": ["b"]})


@target(damaged_document(json.loads(CONFIG_TEXT)).map(json_text) | damaged_text([CONFIG_TEXT]))
def configs(text: str) -> None:
    """config.json."""
    with only_sentences():
        config = AutoGazeConfig.from_json(text)
        check_entries(config, {})


@target(damaged_document(json.loads(PREPROCESSOR)).map(json_text) | damaged_text([PREPROCESSOR]))
def preprocessors(text: str) -> None:
    """preprocessor_config.json, and a frame."""
    with only_sentences():
        processor = AutoGazeImageProcessor.from_json(text)
        if max(processor.size or (processor.shortest_edge or 1,)) < 500:
            processor(np.zeros((1, 8, 9, 3), np.uint8))


MANIFEST = {
    "version": 2,
    "architecture": json.loads(json.dumps(asdict(CONFIG))),
    "graphs": [
        {
            **{"file": "frame-2.onnx", "target": "cpu", "kind": "frame", "steps": 2, "capacity": 8},
            **{"inputs": {"x": [1, 2]}, "outputs": {"y": [3, 2, 10]}, "weights": ["w"]},
        },
        {
            **{"file": "steps-1.onnx", "target": "cpu", "kind": "steps", "steps": 1, "capacity": 8},
            **{"inputs": {"x": [1, 2]}, "outputs": {"y": [3, 1, 10]}, "weights": ["w"]},
        },
    ],
}


@target(
    damaged_document(MANIFEST).map(json_text) | damaged_text([json_text(MANIFEST)]),
    st.sampled_from([None, 1, 20, 1000]),
    st.booleans(),
    st.sampled_from(["cpu", "gpu"]),
)
def graph_manifests(text: str, max_tokens: int | None, more: bool, kind: str) -> None:
    """graphs.json."""
    with only_sentences():
        graphs_of(choose_graphs(text, CONFIG, max_tokens, more, kind))


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


SHAPES = st.lists(st.sampled_from([0, 1, 2, 6, 2**31, 2**40]), max_size=5).map(tuple)
DTYPES = ["float16", "float32", "float64", "int32", "int64"]
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


@target(
    st.dictionaries(
        st.sampled_from(
            ["model_type", "vision_config", "hidden_size", "image_size", "scales", "attn_type", "hidden_act"]
        ),
        st.sampled_from([*ODD_VALUES, "siglip", "siglip_vision_model", "32+64", {}, {"scales": "9" * 5000}]),
        max_size=4,
    )
)
def siglip_configs(values: dict[str, object]) -> None:
    """The config.json of a vision encoder."""
    with only_sentences():
        SiglipConfig.from_dict(values)


OPTION_NAMES = [*options.options(), *options.shorthands(), "mode ", "no-such-option"]
OPTION_VALUES = st.one_of(
    st.sampled_from(
        [*ODD_VALUES, "20 dB", "1" * 3000, ".5db", "0x10", "\uff11", "2+14", "+".join(["7"] * 500)]
    ),
    st.text(max_size=12),
    st.floats(),
    st.integers(),
)


@target(st.dictionaries(st.sampled_from(OPTION_NAMES) | st.text(max_size=5), OPTION_VALUES, max_size=3))
def option_values(given_options: dict[str, object]) -> None:
    """Options as an address, the command line or the API gives them."""
    with only_sentences():
        LiveSettings.of(given_options)
    with only_sentences():
        InferenceMode.of(options.parse(given_options))


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(bytes((1 + 3 * 4) * 3))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _gif(width: int, height: int) -> bytes:
    frame = b"\x21\xf9\x04\x04\x0a\x00\x00\x00,\x00\x00\x00\x00\x02\x00\x02\x00\x00\x02\x02\x84\x51\x00"
    return (
        b"GIF89a"
        + struct.pack("<HH", width, height)
        + b"\x80\x00\x00\x00\x00\x00\xff\xff\xff"
        + frame * 2
        + b";"
    )


def _film(container_format: str, codec: str) -> bytes:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=container_format) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = 32, 16
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for value in range(3):
            image = np.full((16, 32, 3), 80 * value, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            container.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
        container.mux(stream.encode())
    return file.getvalue()


# Black, in blocks of 80 bytes whose first ones say what they are.
_DV_SEQUENCE = b"".join(
    bytes([kind << 5 | 0x1F, 7, 0]).ljust(80, b"\xff") for kind in [0, 1, 1, 2, 2, 2, *(9 * [3, *(15 * [4])])]
)

CLIPS = [
    _png(4, 3),
    _png(16000, 16000),
    _gif(2, 2),
    _gif(16000, 16000),
    _film("mp4", "libx264"),
    _film("matroska", "libx264"),
    _film("avi", "mjpeg"),
    _film("asf", "wmv2"),
    _film("flv", "flv"),
    _film("mpegts", "mpeg2video"),
    _film("mxf", "mpeg2video"),
    _film("yuv4mpegpipe", "wrapped_avframe"),
    _film("mjpeg", "mjpeg"),
    _film("nut", "mpeg4"),
    _film("ivf", "libvpx"),
    _DV_SEQUENCE * 12,
    b"RIFF\x10\x00\x00\x00WEBPVP8 ",
]


@target(damaged_bytes(CLIPS))
def clips(data: bytes) -> None:
    """Pictures and videos."""
    whole_webp(data.ljust(12, b"\0"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip"
        path.write_bytes(data)
        kind_of(path)
        layout_of(path)
        with only_sentences():
            for _ in open_clip(path).frames(3):
                pass


FLAGS = [
    "--frames",
    "--threads",
    "--panel-height",
    "--stream",
    "--mode",
    "--tile-stride",
    "--store",
    "--json",
]
WORDS = st.sampled_from([*map(str, ODD_VALUES[:30]), "tiled", "-", "--", ".", "/", "\0", "~x", "a/b", "clip"])


@target(
    st.sampled_from(["trace", "render", "export", "x"]),
    st.lists(st.sampled_from(FLAGS) | WORDS, max_size=5),
    st.sampled_from(["out.png", "out.gif", "out.txt", "clip.gif", "CLIP.gif", "none/out.png", ""]),
)
def command_lines(command: str, words: list[str], out: str) -> None:
    """The command line, with a clip of two frames that must never change."""
    gif = _gif(2, 2)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        clip = Path("clip.gif")
        clip.write_bytes(gif)
        arguments = [command, "clip.gif", *words] + (["--out", out] if command != "trace" else [])
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            try:
                main(arguments)
            except SystemExit as end:  # argparse
                assert end.code in (0, 2)
        assert clip.read_bytes() == gif
        assert not RAW.search(errors.getvalue()), errors.getvalue()
        assert not [path for path in Path().iterdir() if path.name.startswith(".autogaze-web-")]


INTEGERS = st.one_of(
    st.integers(-3, 300), st.sampled_from([2**15, 2**31 - 1, 2**31, 2**62, 2**63, 2**64, -(2**63), 10**5000])
)
FLOATS = st.floats() | st.integers(-1, 2).map(float)


@target(INTEGERS, INTEGERS, INTEGERS, st.none() | INTEGERS)
def tilings(height: int, width: int, tile: int, stride: int | None) -> None:
    """Tilings of frames."""
    with only_sentences():
        len(Tiling.anyres(height, width, tile))
    with only_sentences():
        len(Tiling.full_resolution(height, width, tile, stride))


@target(
    INTEGERS | st.lists(INTEGERS, max_size=3),
    st.lists(INTEGERS, max_size=3),
    st.lists(INTEGERS, max_size=3),
    FLOATS | st.lists(FLOATS, max_size=3),
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.sampled_from(GEOMETRIES)),
    st.tuples(INTEGERS, INTEGERS),
)
def cells_and_masks(
    grid: Any, row: Any, col: Any, confidence: Any, frame: tuple[int, int, Any], grid_size: tuple[int, int]
) -> None:
    """Cells, what they mask, and the tokens that they touch."""
    with only_sentences():
        cells = Cells.of(grid, row, col, confidence)
        footprint(cells, *frame).plan.ratio  # noqa: B018
        GazingInfo.of_cells([[cells]], [2, 14])
    with only_sentences():
        image = ImageGrid(*grid_size)
        VideoGrid(2, *grid_size)
        if len(image) < 10_000:
            frame_tokens(Cells.of(2, [0], [1]), image)


ARRAYS = st.tuples(
    st.lists(st.integers(0, 5), max_size=5), st.sampled_from(["uint8", "float32", "bool", "O", "U1"])
).map(lambda made: np.zeros(made[0], made[1]))


@target(ARRAYS, INTEGERS, FLOATS)
def frames(image: Any, grid: int, threshold: float) -> None:
    """Frames and the settings of patch-diff."""
    with only_sentences():
        LiveView(LiveSettings(PatchDiff(grid, threshold))).step(image)
    with only_sentences():
        AutoGazeImageProcessor()(image)
    with only_sentences():
        GazingInfo.of({"gazing_pos": image, "if_padded_gazing": image, "num_gazing_each_frame": image})


@target(
    st.none() | FLOATS | st.lists(FLOATS, max_size=3),
    st.none() | FLOATS | st.lists(FLOATS, max_size=3),
    st.none() | INTEGERS,
    st.none() | INTEGERS,
    st.none() | FLOATS,
)
def controls(ratio: Any, requirement: Any, window: Any, max_tokens: Any, coverage: Any) -> None:
    """The controls of a clip and of a stream."""
    with only_sentences():
        resolve_controls(CONFIG, ratio, requirement, 1, 2)
    with only_sentences():
        StreamControls(None, None, window, max_tokens, coverage)
