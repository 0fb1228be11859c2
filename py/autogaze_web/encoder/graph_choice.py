"""Which graph of a manifest runs a vision encoder: the manifest may come from any address."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from ..formats.json_text import parse_json
from ..limits import MAX_GRAPHS, MAX_LISTING_BYTES, shown
from ..model.graph_choice import MANIFEST, VERSION, is_file_name
from .config import SiglipConfig

_REMEDY = "make it again with this version's autogaze-web export"
_KINDS = ("encoder", "decoder")


def architecture(config: SiglipConfig) -> dict[str, Any]:
    """What of a config is part of the graph: who sees whom is not, it is one of the graph's inputs."""
    values = asdict(config) | {"scales": list(config.scales)}
    del values["attn_type"], values["frame_independent_encoding"]
    return values


def encoder_graphs(manifest: str, config: SiglipConfig) -> str:
    """The entries of ``graphs.json`` for an encoder, as a JSON list.

    Raises:
        ValueError: if the text is no manifest, or its graphs are those of another encoder or version.
    """
    listed = parse_json(manifest, MANIFEST, max_bytes=MAX_LISTING_BYTES)
    if not isinstance(listed, dict) or listed.get("version") != VERSION:
        version = shown(listed.get("version")) if isinstance(listed, dict) else "none"
        raise ValueError(f"the graphs at hand are of version {version}, expected {VERSION}: {_REMEDY}")
    given, graphs = listed.get("architecture"), listed.get("graphs")
    if not isinstance(given, dict) or not isinstance(graphs, list) or len(graphs) > MAX_GRAPHS:
        raise ValueError(f"{MANIFEST} must have an architecture and a list of graphs: {_REMEDY}")
    own = architecture(config)
    different = [
        f"{name}: {shown(value)} and {shown(given.get(name))}"
        for name, value in own.items()
        if given.get(name) != value
    ]
    if different:
        raise ValueError(
            "the graph at hand is for another encoder than this one "
            f"({'; '.join(different)}): make its own with autogaze-web export "
            "--config config.json --out FOLDER and name that folder as graphs"
        )
    for position, graph in enumerate(graphs):
        fault = _fault_of(graph)
        if fault:
            raise ValueError(f"graph {position} of {MANIFEST} {fault}: {_REMEDY}")
    if not any(graph["kind"] == "encoder" for graph in graphs):
        raise ValueError(f"{MANIFEST} lists no encoder: {_REMEDY}")
    return json.dumps(graphs)


def _fault_of(graph: Any) -> str | None:
    """What is wrong with an entry, as the end of a sentence."""
    if not isinstance(graph, dict) or graph.get("kind") not in _KINDS:
        return f"must be an encoder or a decoder, got {shown(graph)}"
    if not is_file_name(graph.get("file")):
        return f"must name a file of its own folder, got {shown(graph.get('file'))}"
    shapes = [graph.get("inputs"), graph.get("outputs")]
    if not all(isinstance(each, dict) and all(isinstance(s, list) for s in each.values()) for each in shapes):
        return "must have the shapes of inputs and outputs"
    weights = graph.get("weights")
    if not isinstance(weights, list) or not all(isinstance(name, str) for name in weights):
        return "must list the names of its weights"
    return None
