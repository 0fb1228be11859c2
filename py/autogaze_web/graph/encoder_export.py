"""Writes the graph of a vision encoder to a folder, with a manifest that describes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ..encoder.config import SiglipConfig
from ..encoder.graph_choice import architecture
from ..model.graph_choice import MANIFEST, VERSION
from .build import runtime_nodes
from .encoder import encoder_graph
from .export import WrittenGraph, bindings


def export_encoder(config: SiglipConfig, folder: str | Path) -> Iterator[WrittenGraph]:
    """Writes ``encoder.onnx`` and ``graphs.json``; yields the graph after writing it.

    The graph serves all kinds of attention, which is an input; scales are part of it.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    model = encoder_graph(config)
    path = folder / "encoder.onnx"
    path.write_bytes(model.SerializeToString())
    yield WrittenGraph(path, runtime_nodes(model))
    graphs = [{"file": path.name, "kind": "encoder", **bindings(model)}]
    manifest = {"version": VERSION, "architecture": architecture(config), "graphs": graphs}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
