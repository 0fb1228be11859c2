"""Which of the exported graphs to load for a checkpoint, a budget and a backend."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any, Final

from ..formats.json_text import parse_json
from ..limits import (
    MAX_CONTEXT_ROWS,
    MAX_GRAPHS,
    MAX_LISTING_BYTES,
    MAX_UNROLLED_LAYERS,
    shown,
)
from .clips import Graphs, context_capacity
from .config import AutoGazeConfig, architecture_differences
from .controls import limited_budget
from .graph_entry import entry_fault, is_count

MANIFEST: Final = "graphs.json"
VERSION: Final = 2
"""Of the manifest and of the graphs' inputs and outputs."""

KINDS: Final = ("frame", "steps", "tiles")
BATCH, CONTEXT = "batch", "context"
"""Names of the symbolic sides of graphs: videos of a batch, and rows of a context."""

_TILES_AT_ONCE: Final = {"gpu": 48, "cpu": 1}
"""Tiles in a batch, at most: all of a 1080p frame on a GPU. On WebAssembly, batches are no faster."""

_LARGEST_TENSOR_BYTES: Final = 2**27
"""Of a batch on a GPU: what every WebGPU device can bind."""

_MOST_LISTED = 20
_REMEDY = "make them again with this version's autogaze-web export"


def choose_graphs(
    manifest: str, config: AutoGazeConfig, max_tokens: int | None, more: bool, target: str
) -> str:
    """Which graphs of ``graphs.json`` to load, as a JSON list of its entries.

    The smallest frame graph that covers a frame's budget in one run; where none does, all frame graphs and
    steps graphs with the largest context that both kinds have. And the smallest tiles graph that
    covers the budget, if any does.

    Args:
        manifest: the text of ``graphs.json``.
        max_tokens: most tokens of a frame; None for the config's own budget.
        more: whether a batch is to be padded, which takes further steps whatever the budget.
        target: ``cpu`` or ``gpu``, where they will run.

    Raises:
        ValueError: if the text is no manifest, or its graphs are those of another architecture or version.
    """
    graphs = [graph for graph in _graphs_for(manifest, config) if graph["target"] == target]
    wanted = -(-limited_budget(config, max_tokens) // config.decoder.num_multi_token_pred)
    frames = sorted((g for g in graphs if g["kind"] == "frame"), key=lambda g: (g["steps"], _rows_of(g)))
    if not frames:
        raise ValueError(f"{MANIFEST} lists no frame graph for the target {target}: {_REMEDY}")
    covering = [g for g in frames if g["steps"] >= wanted]
    continued = [g for g in graphs if g["kind"] == "steps"]
    chosen = covering[:1] or frames[-1:]
    if continued and (more or not covering):
        shared = {_rows_of(g) for g in frames} & {_rows_of(g) for g in continued}
        if not shared:
            raise ValueError(
                f"{MANIFEST} lists no frame graph with the context of a steps graph for the target {target}: "
                f"{_REMEDY}"
            )
        rows = max(shared)
        chosen = [g for g in frames + continued if _rows_of(g) == rows]
    tiles = [g for g in graphs if g["kind"] == "tiles" and g["steps"] >= wanted]
    chosen += sorted(tiles, key=lambda g: int(g["steps"]))[:1]
    return json.dumps(chosen)


def _rows_of(graph: dict[str, Any]) -> float:
    """Rows of a graph's context; no limit if it grows."""
    return math.inf if graph["capacity"] is None else graph["capacity"]


def _graphs_for(manifest: str, config: AutoGazeConfig) -> list[dict[str, Any]]:
    """The entries of a manifest, checked: it may come from any address."""
    listed = parse_json(manifest, MANIFEST, max_bytes=MAX_LISTING_BYTES)
    if not isinstance(listed, dict):
        raise ValueError(f"{MANIFEST} must be a JSON object, got {shown(listed)}: {_REMEDY}")
    if listed.get("version") != VERSION:
        raise ValueError(
            f"the graphs at hand are of version {shown(listed.get('version'))}, expected {VERSION}: {_REMEDY}"
        )
    architecture, graphs = listed.get("architecture"), listed.get("graphs")
    if not isinstance(architecture, dict) or not isinstance(graphs, list):
        raise ValueError(f"{MANIFEST} must have an architecture and a list of graphs: {_REMEDY}")
    different = architecture_differences(asdict(config), architecture)
    if different:
        raise ValueError(
            "the graphs at hand are for another architecture than this checkpoint's "
            f"({'; '.join(different[:_MOST_LISTED])}): make its own with autogaze-web export "
            "--config config.json --out FOLDER and name their folder with graphs-url"
        )
    if len(graphs) > MAX_GRAPHS:
        raise ValueError(f"{MANIFEST} lists {len(graphs)} graphs, more than {MAX_GRAPHS}: {_REMEDY}")
    for position, graph in enumerate(graphs):
        fault = _fault_of(graph)
        if fault:
            raise ValueError(f"graph {position} of {MANIFEST} {fault}: {_REMEDY}")
    return graphs


def _fault_of(graph: Any) -> str | None:
    """What is wrong with an entry, as the end of a sentence."""
    if not isinstance(graph, dict):
        return f"must be a JSON object, got {shown(graph)}"
    if graph.get("target") not in ("cpu", "gpu") or graph.get("kind") not in KINDS:
        return "must be a frame, steps or tiles graph for cpu or gpu"
    if not is_count(graph.get("steps"), MAX_UNROLLED_LAYERS):
        return f"must have 1 to {MAX_UNROLLED_LAYERS} steps, got {shown(graph.get('steps'))}"
    symbolic = [BATCH, CONTEXT] if graph["kind"] == "tiles" else []
    if not symbolic:
        capacity = graph.get("capacity", 0)
        if capacity is None and graph["target"] == "cpu":
            symbolic = [CONTEXT]
        elif not is_count(capacity, MAX_CONTEXT_ROWS):
            return (
                f"must have 1 to {MAX_CONTEXT_ROWS} rows of context, or null for cpu, got {shown(capacity)}"
            )
    return entry_fault(graph, symbolic)


@dataclass(frozen=True)
class TileGraph:
    """The graph that computes a frame of several tiles at once.

    Attributes:
        graphs: for the generation of every tile.
        at_once: tiles in a batch, at most.
    """

    graphs: Graphs
    at_once: int


def tile_graph_of(chosen: str, config: AutoGazeConfig, window: int | None) -> TileGraph | None:
    """The tiles graph among the graphs that `choose_graphs` answered, for a window of frames."""
    entry = next((each for each in json.loads(chosen) if each["kind"] == "tiles"), None)
    if entry is None:
        return None
    capacity = context_capacity(config, entry["steps"], window)
    decoder = config.decoder
    rows = config.vision_tokens + decoder.num_multi_token_pred
    scores = 4 * decoder.num_attention_heads * rows * (rows + capacity)
    at_once = max(1, min(_TILES_AT_ONCE[entry["target"]], _LARGEST_TENSOR_BYTES // scores))
    return TileGraph(Graphs((entry["steps"],), (), capacity), at_once)


def graphs_of(chosen: str) -> Graphs:
    """What generation must know of the graphs that `choose_graphs` answered."""
    entries = json.loads(chosen)
    return Graphs(
        tuple(entry["steps"] for entry in entries if entry["kind"] == "frame"),
        tuple(entry["steps"] for entry in entries if entry["kind"] == "steps") or (1,),
        entries[0]["capacity"],
    )
