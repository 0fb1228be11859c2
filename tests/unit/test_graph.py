"""What a browser relies on in the graphs of the released architecture."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto
from released import RELEASED

from autogaze_web import options
from autogaze_web.graph.attention import gpu_capacity
from autogaze_web.graph.build import frame_graph, runtime_nodes, steps_graph
from autogaze_web.graph.export import FRAME_STEPS
from autogaze_web.model.checkpoint import expected_tensors
from autogaze_web.model.config import AutoGazeConfig

CONFIG = AutoGazeConfig.from_dict(RELEASED)
CAPACITY = gpu_capacity(3240)
GRAPHS = {
    "frame-2": frame_graph(CONFIG, 2),
    "frame-3": frame_graph(CONFIG, 3),
    "steps-1": steps_graph(CONFIG, 1),
    "steps-8": steps_graph(CONFIG, 8),
    "frame-2-gpu": frame_graph(CONFIG, 2, CAPACITY, target="gpu"),
    "frame-3-gpu": frame_graph(CONFIG, 3, CAPACITY, target="gpu"),
    "steps-1-gpu": steps_graph(CONFIG, 1, CAPACITY, target="gpu"),
    "steps-8-gpu": steps_graph(CONFIG, 8, CAPACITY, target="gpu"),
    "tiles-3": frame_graph(CONFIG, 3, batched=True),
    "tiles-3-gpu": frame_graph(CONFIG, 3, target="gpu", batched=True),
}

# Operators that onnxruntime-web's WebGPU provider runs on the GPU, each tried with CPU fallback forbidden.
ON_THE_GPU = {
    *(
        "Add",
        "Cast",
        "Concat",
        "Conv",
        "Einsum",
        "Equal",
        "Gather",
        "Gemm",
        "LayerNormalization",
        "MatMul",
        "Mul",
    ),
    *(
        "QuickGelu",
        "ReduceMax",
        "ReduceSum",
        "Relu",
        "Reshape",
        "RotaryEmbedding",
        "SimplifiedLayerNormalization",
    ),
    *(
        "SkipSimplifiedLayerNormalization",
        "Slice",
        "Softmax",
        "Split",
        "TopK",
        "Transpose",
        "Unsqueeze",
        "Where",
    ),
}


def working_nodes(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Nodes that depend on an input; all others are folded when a session is made."""
    known = {tensor.name for tensor in model.graph.initializer}
    working = []
    for node in model.graph.node:
        if node.op_type == "Shape" or all(name in known or not name for name in node.input):
            known.update(node.output)
        else:
            working.append(node)
    return working


@pytest.mark.parametrize("name", [name for name in GRAPHS if name.endswith("-gpu")])
def test_operators_stay_on_the_gpu(name: str) -> None:
    nodes = working_nodes(GRAPHS[name])
    assert {node.op_type for node in nodes} <= ON_THE_GPU
    for node in nodes:
        if node.op_type in ("Concat", "Split"):  # ten storage buffers a shader stage, no more
            assert len(node.input) + len(node.output) <= 8


@pytest.mark.parametrize("name", GRAPHS)
def test_shapes_are_static_and_values_float32(name: str) -> None:
    graph = GRAPHS[name].graph
    for value in (*graph.input, *graph.output):
        tensor = value.type.tensor_type
        symbolic = {"batch", "context"} if name.startswith("tiles") else set()
        if not name.endswith("-gpu"):
            symbolic.add("context")
        assert all(dim.dim_value > 0 or dim.dim_param in symbolic for dim in tensor.shape.dim)
        integer = value.name in ("tokens", "pending_tokens")
        assert tensor.elem_type == (TensorProto.INT32 if integer else TensorProto.FLOAT)


@pytest.mark.parametrize("name", GRAPHS)
def test_weights_are_bound_by_their_names(name: str) -> None:
    expected = expected_tensors(CONFIG)
    external = [t for t in GRAPHS[name].graph.initializer if t.data_location == TensorProto.EXTERNAL]
    assert {t.name for t in external} <= set(expected)
    if not name.startswith("steps"):
        assert len(external) == len(expected)
    for tensor in external:
        assert tuple(tensor.dims) == expected[tensor.name]
        assert {e.key: e.value for e in tensor.external_data}["location"] == tensor.name
        assert {e.key: e.value for e in tensor.external_data}["offset"] == "0"


def test_sizes_and_node_counts_are_those_of_the_documentation() -> None:
    assert all(len(model.SerializeToString()) < 1_000_000 for model in GRAPHS.values())
    assert {name: runtime_nodes(model) for name, model in GRAPHS.items()} == {
        **{"frame-2": 267, "frame-3": 392, "steps-1": 128, "steps-8": 1015},
        **{"frame-2-gpu": 290, "frame-3-gpu": 422, "steps-1-gpu": 135, "steps-8-gpu": 1071},
        **{"tiles-3": 416, "tiles-3-gpu": 416},
    }


@pytest.mark.parametrize(("mode", "steps"), [("realtime", 2), ("tiled", 3), ("full-resolution", 3)])
def test_a_small_graph_covers_what_a_frame_or_tile_takes_by_default(mode: str, steps: int) -> None:
    tokens = options.parse({"mode": mode})["max-gaze-tokens-each-frame"]
    needed = -(-int(tokens) // CONFIG.decoder.num_multi_token_pred)
    assert min(each for each in FRAME_STEPS if each >= needed) == steps
