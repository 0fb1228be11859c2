"""Writes the graphs of an architecture to files, with a manifest that describes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnx

from ..limits import MAX_CONTEXT_ROWS, MAX_UNROLLED_LAYERS
from ..model.clips import context_capacity
from ..model.config import AutoGazeConfig
from ..model.controls import own_budget
from ..model.graph_choice import MANIFEST, VERSION
from .attention import gpu_capacity
from .build import TARGETS, Target, frame_graph, runtime_nodes, steps_graph

# 20 and 30 tokens for the released model, enough for the default budgets of live frames and tiles.
LIVE_STEPS, TILE_STEPS = 2, 3


@dataclass(frozen=True)
class WrittenGraph:
    """A graph that was written: its file, and the number of nodes that do work at run time."""

    path: Path
    nodes: int


def default_frame_steps(config: AutoGazeConfig) -> list[int]:
    """Steps of the default frame graphs: for live frames, for tiles, and for the budget in the config."""
    return sorted({LIVE_STEPS, TILE_STEPS, -(-own_budget(config) // config.decoder.num_multi_token_pred)})


def export(
    config: AutoGazeConfig,
    folder: str | Path,
    frame_steps: Sequence[int] | None = None,
    capacity: int | None = None,
) -> Iterator[WrittenGraph]:
    """Writes the graphs of both targets and ``graphs.json``; yields each graph after writing it.

    For each S it writes ``frame-S.onnx`` for CPUs and ``frame-S-gpu.onnx`` for GPUs, ``tiles-S`` graphs for
    batches, and one ``steps-1`` graph for each target.

    Args:
        config: the architecture.
        folder: where to write; created if it does not exist.
        frame_steps: S of each frame graph; None for `default_frame_steps`.
        capacity: rows of context in every graph, rounded up for GPUs; None for `context_capacity`.

    Raises:
        ValueError: if the graphs would be too large to build.
    """
    folder = Path(folder)
    wanted = sorted(set(frame_steps)) if frame_steps else default_frame_steps(config)
    _check_size(config, wanted[-1], capacity)
    folder.mkdir(parents=True, exist_ok=True)
    graphs: list[dict[str, Any]] = []
    for target in TARGETS:
        for steps in wanted:
            rows = _rows(config, steps, capacity, target)
            model = frame_graph(config, steps, rows, target=target)
            yield _written(model, folder, "frame", steps, rows, target, graphs)
            model = frame_graph(config, steps, target=target, batched=True)
            yield _written(model, folder, "tiles", steps, None, target, graphs)
        rows = _rows(config, wanted[-1], capacity, target)
        yield _written(steps_graph(config, 1, rows, target=target), folder, "steps", 1, rows, target, graphs)
    manifest = {"version": VERSION, "architecture": asdict(config), "graphs": graphs}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")


def _check_size(config: AutoGazeConfig, steps: int, capacity: int | None) -> None:
    layers, rows = steps * config.decoder.num_hidden_layers, _rows(config, steps, capacity, "gpu")
    if layers > MAX_UNROLLED_LAYERS:
        raise ValueError(
            f"a frame graph of {steps} steps repeats the decoder's layers {layers:,} times, at most "
            f"{MAX_UNROLLED_LAYERS:,} can be built: give fewer steps with --frame-steps"
        )
    if rows > MAX_CONTEXT_ROWS:
        raise ValueError(
            f"the graphs would have {rows:,} rows of context, at most {MAX_CONTEXT_ROWS:,} can be built: "
            "lower max_num_frames in config.json"
        )


def _rows(config: AutoGazeConfig, steps: int, capacity: int | None, target: Target) -> int:
    rows = capacity or context_capacity(config, steps)
    return gpu_capacity(rows) if target == "gpu" else rows


def _written(
    model: onnx.ModelProto,
    folder: Path,
    kind: str,
    steps: int,
    capacity: int | None,
    target: Target,
    graphs: list[dict[str, Any]],
) -> WrittenGraph:
    path = folder / f"{kind}-{steps}{'-gpu' if target == 'gpu' else ''}.onnx"
    path.write_bytes(model.SerializeToString())
    graphs.append(
        {
            "file": path.name,
            "target": target,
            "kind": kind,
            "steps": steps,
            "capacity": capacity,
            **bindings(model),
        }
    )
    return WrittenGraph(path, runtime_nodes(model))


def bindings(model: onnx.ModelProto) -> dict[str, Any]:
    """What a manifest says of a graph: the shapes of its inputs and outputs, and the names of its weights."""
    return {
        "inputs": {value.name: _shape(value) for value in model.graph.input},
        "outputs": {value.name: _shape(value) for value in model.graph.output},
        "weights": [t.name for t in model.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL],
    }


def _shape(value: onnx.ValueInfoProto) -> list[int | str]:
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
