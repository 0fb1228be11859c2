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

FRAME_STEPS = (2, 3)
"""Steps of the default frame graphs: 20 and 30 tokens for the released model, enough for the default budgets
of live frames and tiles."""

MORE_STEPS = (1, 2, 4, 8)
"""Steps of the steps graphs, by which a frame continues: any number of steps takes few runs."""


@dataclass(frozen=True)
class WrittenGraph:
    """A graph that was written: its file, and the number of nodes that do work at run time."""

    path: Path
    nodes: int


def export(
    config: AutoGazeConfig,
    folder: str | Path,
    frame_steps: Sequence[int] | None = None,
    capacity: int | None = None,
) -> Iterator[WrittenGraph]:
    """Writes the graphs of both targets and ``graphs.json``; yields each graph after writing it.

    For CPUs, whose context grows with its rows, it writes ``frame-S.onnx`` for each S and ``steps-S.onnx``.
    Graphs for GPUs have a context of fixed size. It writes ``frame-S-gpu.onnx`` with the rows that frames of
    S steps take, then the same frame graphs and ``steps-S-gpu.onnx`` with a context for any budget. Graphs
    ``tiles-S`` are for batches; on a GPU, which gains most by them, they cover the config's own budget, too.

    Args:
        config: the architecture.
        folder: where to write; created if it does not exist.
        frame_steps: S of each frame graph; None for `FRAME_STEPS`.
        capacity: rows of context in every graph for GPUs, rounded up; None for `context_capacity`.

    Raises:
        ValueError: if the graphs would be too large to build.
    """
    folder = Path(folder)
    wanted = sorted(set(frame_steps or FRAME_STEPS))
    most = _rows_for_any_budget(config) if capacity is None else gpu_capacity(capacity)
    _check_size(config, wanted[-1])
    first = gpu_capacity(context_capacity(config, wanted[-1])) if capacity is None else 1
    _check_rows(first, "give fewer steps with --frame-steps, or lower max_num_frames in config.json")
    _check_rows(most, "lower max_num_frames in config.json")
    folder.mkdir(parents=True, exist_ok=True)
    graphs: list[dict[str, Any]] = []
    for target in TARGETS:
        gpu = target == "gpu"
        for steps in wanted if gpu and capacity is None else ():
            rows = gpu_capacity(context_capacity(config, steps))
            model = frame_graph(config, steps, rows, target=target)
            yield _written(model, folder, "frame", steps, rows, target, graphs)
        shared = most if gpu else None
        for steps in wanted:
            model = frame_graph(config, steps, shared, target=target)
            yield _written(model, folder, "frame", steps, shared, target, graphs)
        for steps in _more_steps(config, wanted[-1]) if gpu else MORE_STEPS:
            model = steps_graph(config, steps, shared, target=target)
            yield _written(model, folder, "steps", steps, shared, target, graphs)
        for steps in sorted({*wanted, _own_steps(config)}) if gpu else wanted:
            model = frame_graph(config, steps, target=target, batched=True)
            yield _written(model, folder, "tiles", steps, None, target, graphs)
    manifest = {"version": VERSION, "architecture": asdict(config), "graphs": graphs}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")


def _more_steps(config: AutoGazeConfig, first: int) -> list[int]:
    """S of the steps graphs for GPUs, where each run is a wait: the config's own budget takes two runs."""
    return sorted({*MORE_STEPS, max(1, _own_steps(config) - first)})


def _own_steps(config: AutoGazeConfig) -> int:
    return -(-own_budget(config) // config.decoder.num_multi_token_pred)


def _rows_for_any_budget(config: AutoGazeConfig) -> int:
    """Rows of context for GPUs in which frames of any budget attend to the config's window.

    A frame that continues with steps graphs has its own rows there, too.
    """
    steps = -(-config.tokens_per_frame // config.decoder.num_multi_token_pred)
    return gpu_capacity(context_capacity(config, steps, config.max_num_frames + 1))


def _check_size(config: AutoGazeConfig, steps: int) -> None:
    """Raises if a graph would be too large: those of the most steps in `export`."""
    own = _own_steps(config)
    for graph, count, remedy in (
        ("a frame graph", steps, "give fewer steps with --frame-steps"),
        ("the graph of the config's own budget", own, "lower gazing_ratio or raise num_multi_token_pred"),
    ):
        layers = count * config.decoder.num_hidden_layers
        if layers > MAX_UNROLLED_LAYERS:
            raise ValueError(
                f"{graph}, of {count} steps, repeats the decoder's layers {layers:,} times, at most "
                f"{MAX_UNROLLED_LAYERS:,} can be built: {remedy}"
            )


def _check_rows(rows: int, remedy: str) -> None:
    if rows > MAX_CONTEXT_ROWS:
        raise ValueError(
            f"the graphs would have {rows:,} rows of context, at most {MAX_CONTEXT_ROWS:,} can be built: "
            f"{remedy}"
        )


def _written(
    model: onnx.ModelProto,
    folder: Path,
    kind: str,
    steps: int,
    capacity: int | None,
    target: Target,
    graphs: list[dict[str, Any]],
) -> WrittenGraph:
    suffix = "-gpu" if target == "gpu" else ""
    if any(graph["file"] == f"{kind}-{steps}{suffix}.onnx" for graph in graphs):
        suffix += f"-{capacity}"
    path = folder / f"{kind}-{steps}{suffix}.onnx"
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
