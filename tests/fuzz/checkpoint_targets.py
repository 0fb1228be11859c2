"""What is fuzzed of a model: its weights, their index, its configs, the manifest of its graphs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
from damage import damaged_bytes, damaged_document, damaged_text, json_text
from hypothesis import strategies as st
from target import CONFIG, CONFIG_TEXT, MODEL, only_sentences, target

from autogaze_web import AutoGazeConfig, AutoGazeImageProcessor
from autogaze_web.formats.safetensors import read_header, tensors_from_bytes
from autogaze_web.formats.safetensors_index import check_shards, read_index
from autogaze_web.model.checkpoint import check_entries, weight_entries
from autogaze_web.model.graph_choice import choose_graphs, graphs_of

PREPROCESSOR = (MODEL / "preprocessor_config.json").read_text("utf-8")


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
