"""Bounds: stated once, kept by every parser, in time and memory linear in the input."""

from __future__ import annotations

import contextlib
import json
import re
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from released import RELEASED

from autogaze_web import AutoGaze, AutoGazeConfig, AutoGazeImageProcessor, LiveView, limits
from autogaze_web.cli.main import main
from autogaze_web.files import file_layout
from autogaze_web.formats.safetensors import SafetensorsError, read_header, tensors_to_bytes
from autogaze_web.graph.export import export
from autogaze_web.model.checkpoint import Checkpoint
from autogaze_web.model.clips import Graphs
from autogaze_web.model.config import ConfigError
from autogaze_web.model.graph_choice import choose_graphs, tile_graph_of
from autogaze_web.model.run import NotFiniteError
from autogaze_web.tiles.inference_mode import InferenceMode
from autogaze_web.tiles.tiled_clips import TiledStream

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "site" / "model"
CLIP = ROOT / "tests" / "data" / "example_input.webm"
CONFIG = AutoGazeConfig.from_dict(RELEASED)
SECURITY = (ROOT / "SECURITY.md").read_text("utf-8")


def test_the_document_lists_every_bound() -> None:
    rows = re.findall(r"^\| `(MAX_\w+)` \| ([\d,]+) \|", SECURITY, re.MULTILINE)
    listed = {name: int(value.replace(",", "")) for name, value in rows}
    assert listed == {name: value for name, value in vars(limits).items() if name.startswith("MAX_")}


def test_the_document_names_tests_that_exist() -> None:
    for path in re.findall(r"`(tests/[\w/.]+\.py)`", SECURITY):
        assert (ROOT / path).is_file(), path


def header(text: str) -> bytes:
    return len(text).to_bytes(8, "little") + text.encode()


def seconds(function: Callable[[bytes], Any], data: bytes) -> float:
    """The processor time of a call that refuses or accepts the data, the best of three."""
    times = []
    for _ in range(3):
        start = time.process_time()
        with contextlib.suppress(ValueError):
            function(data)
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.parametrize(
    "made",
    [
        lambda n: header('{"' + '\\"' * n),
        lambda n: header("{" + "".join(f'"t{i}":1,' for i in range(n)) + '"z":1,"z":2}'),
        lambda n: header('{"__metadata__":{"a":"' + "x" * 100 * n + '"}}'),
        lambda n: header("[" * n),
        lambda n: header('{"a":' + "9" * n + "}"),
    ],
    ids=["unclosed escapes", "a name twice at the end", "long metadata", "brackets", "digits"],
)
def test_ten_times_the_header_takes_about_ten_times_as_long(made: Callable[[int], bytes]) -> None:
    small, large = seconds(read_header, made(10_000)), seconds(read_header, made(100_000))
    assert large <= 40 * max(small, 0.001)  # quadratic time would be a hundred times as much


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("gaze_decoder_config.num_hidden_layers", 2**31 - 1),
        ("gaze_decoder_config.num_attention_heads", 10**6),
        ("gaze_decoder_config.intermediate_size", 10**9),
        ("vision_model_config.depth", 10**9),
        ("vision_model_config.kernel_size", 10**9),
    ],
)
def test_counts_of_a_config_are_refused_before_they_are_listed(path: str, value: int) -> None:
    config = json.loads(json.dumps(RELEASED))
    section, key = path.split(".")
    config["gaze_model_config"][section][key] = value
    with pytest.raises(ConfigError, match=f"{key} must be an integer of at most"):
        AutoGazeConfig.from_json(json.dumps(config))


def test_too_many_values_are_not_parsed() -> None:
    with pytest.raises(SafetensorsError, match="more than 1,000,000 values"):
        read_header(header('{"a":[' + "1," * 1_000_001 + "1]}"))


def manifest(**changes: Any) -> str:
    graph = {
        **{"file": "frame-2.onnx", "target": "cpu", "kind": "frame", "steps": 2, "capacity": 8},
        **{"inputs": {}, "outputs": {}, "weights": []},
    }
    return json.dumps({"version": 2, "architecture": asdict(CONFIG), "graphs": [graph | changes]})


def test_graphs_of_any_address_are_checked() -> None:
    assert json.loads(choose_graphs(manifest(), CONFIG, 1, False, "cpu"))[0]["file"] == "frame-2.onnx"
    for file in ("https://example.org/x.onnx", "../x.onnx", "//example.org/x", "a/b", "", 7, None):
        with pytest.raises(ValueError, match="must name a file of its own folder"):
            choose_graphs(manifest(file=file), CONFIG, 1, False, "cpu")
    for text, message in (
        ("[" * 200_000, "nested too deeply"),
        ("null", "must be a JSON object"),
        ('{"version": 2}', "must have an architecture"),
        (manifest(capacity=2**40), "rows of context"),
        (manifest(steps=10**9), "steps"),
        (manifest(inputs={"x": [2**31, 2**31]}), "shapes of inputs"),
        (manifest(target="gpu"), "no frame graph for the target cpu"),
    ):
        with pytest.raises(ValueError, match=message):
            choose_graphs(text, CONFIG, 1, False, "cpu")


@pytest.mark.parametrize(
    ("decoder", "steps", "message"),
    [
        ({}, [10_001], "a frame graph, of 10001 steps, repeats the decoder's layers 40,004 times, at most"),
        (
            {"num_hidden_layers": 64, "num_multi_token_pred": 1},
            None,
            "own budget, of 198 steps, repeats the decoder's layers 12,672 times, at most 10,000 can be "
            "built: lower gazing_ratio or raise num_multi_token_pred",
        ),
        (
            {"num_hidden_layers": 1, "num_multi_token_pred": 20},
            [10_000],
            "3,003,264 rows of context, at most 1,000,000 can be built: give fewer steps with --frame-steps",
        ),
    ],
)
def test_graphs_too_large_are_refused_before_any_is_built(
    decoder: dict[str, int], steps: list[int] | None, message: str, tmp_path: Path
) -> None:
    config = replace(CONFIG, decoder=replace(CONFIG.decoder, **decoder))
    with pytest.raises(ValueError, match=message):
        next(export(config, tmp_path / "graphs", steps))
    assert not (tmp_path / "graphs").exists()


def test_huge_weights_end_in_a_sentence() -> None:
    checkpoint = Checkpoint.from_folder(MODEL)
    weights = dict(checkpoint.weights)
    name = "gazing_model.gaze_decoder.model.norm.weight"
    weights[name] = np.full_like(weights[name], 1e30)
    stream = AutoGaze(Checkpoint(checkpoint.config, weights), threads=1).stream(gazing_ratio=0.1)
    frame = np.random.default_rng(0).normal(size=(3, 224, 224)).astype(np.float32)
    with pytest.raises(NotFiniteError, match="out of range"):
        stream.step(frame)


def test_a_stream_in_two_threads_says_so() -> None:
    stream = AutoGaze.from_pretrained(MODEL, threads=1).stream(max_tokens=1)
    frame = np.zeros((3, 224, 224), np.float32)
    with stream._in_use, pytest.raises(RuntimeError, match="another thread"):
        stream.step(frame)
    stream.step(frame)
    with pytest.raises(ValueError, match="threads must be 1 to 1024"):
        AutoGaze.from_pretrained(MODEL, threads=10**9)


@pytest.mark.parametrize("mode", ["tiled", "full-resolution"])
def test_tiles_take_the_memory_of_their_frames_and_no_canvas(mode: Any) -> None:
    tiled = InferenceMode(mode, frames=2)
    stream = TiledStream(CONFIG, AutoGazeImageProcessor(), Graphs(), tiled, tiled.controls(CONFIG))
    frame = np.zeros((2000, 2000, 4), np.uint8)
    tracemalloc.start()
    for _ in range(4):
        generation = stream.next(frame, None)
        next(generation.rounds(range(1)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * frame.nbytes + 20_000_000  # a canvas of float32 alone has three times the frame's bytes


def test_a_view_takes_the_memory_of_six_frames() -> None:
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (2, 1024, 1024, 4), np.uint8)
    tracemalloc.start()
    view = LiveView()
    for frame in frames:
        view.step(frame)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * frames[0].nbytes  # two views of 4096x4096 pixels have 800 MB


def test_frames_that_a_gaze_does_not_have_are_refused() -> None:
    gaze = AutoGaze.from_pretrained(MODEL, threads=1).generate(
        np.zeros((1, 1, 3, 224, 224), np.float32), 0.05
    )
    for frame, video in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        with pytest.raises(ValueError, match="is 0 to 0, got"):
            gaze.choice(frame, video)


@pytest.mark.parametrize(("window", "tiles"), [(2, 48), (400, 1)])
def test_a_batch_of_tiles_fits_the_smallest_buffers_of_gpus(window: int, tiles: int) -> None:
    chosen = json.dumps([{"kind": "tiles", "steps": 3, "target": "gpu"}])
    graph = tile_graph_of(chosen, CONFIG, window)
    assert graph is not None
    assert graph.at_once == tiles


def test_the_boxes_of_a_file_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_layout, "_MAX_BOXES", 10)
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x08free" * 20)
    assert len(file_layout.layout_of(path).boxes) == 10


def test_a_frame_that_would_be_resized_to_an_endless_strip_is_refused() -> None:
    with pytest.raises(ValueError, match="crop it to a shape that is less elongated"):
        AutoGazeImageProcessor()(np.zeros((1, 1, 4000, 3), np.uint8))


def test_names_of_files_and_tensors_do_not_command_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "\x1b]0;mine\x07\n\x9b2J\u202e"
    for file in (MODEL / "config.json", MODEL / "preprocessor_config.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(tensors_to_bytes({name: np.zeros(1, np.float32)}))
    (tmp_path / f"{name}.mp4").write_bytes(b"no video")
    for words in (["trace", str(CLIP), "--model", str(tmp_path)], ["plan", str(tmp_path / f"{name}.mp4")]):
        assert main(words) > 0
        shown = capsys.readouterr()
        assert "\\x1b]0;mine" in shown.err
        assert all(line.isprintable() for line in (shown.out + shown.err).split("\n"))
        assert shown.err.count("\n") == 1
