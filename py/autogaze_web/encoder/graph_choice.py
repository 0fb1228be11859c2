"""Which graphs of ``encoder_graphs.json`` run an encoder: the manifest may come from any address."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from ..formats.json_text import parse_json
from ..limits import MAX_LISTING_BYTES, shown
from ..model.graph_entry import entry_fault
from . import checkpoint, frame_decoder
from .config import SiglipConfig
from .frame_decoder import FrameDecoderConfig
from .graph_files import MANIFEST, VERSION

_REMEDY = "make it again with this version's autogaze-web export"

# Who sees whom is no part of the graph: it is one of its inputs.
_NOT_IN_GRAPH = ("attn_type", "frame_independent_encoding")


def choose_encoder_graphs(manifest: str, encoder: SiglipConfig, decoder: FrameDecoderConfig | None) -> str:
    """The entries of a manifest for an encoder and its frame decoder, as a JSON list; each has its ``kind``.

    Raises:
        ValueError: if the text is no manifest, or its graphs are those of another encoder or version.
    """
    listed = parse_json(manifest, MANIFEST, max_bytes=MAX_LISTING_BYTES)
    if not isinstance(listed, dict) or listed.get("version") != VERSION:
        version = shown(listed.get("version")) if isinstance(listed, dict) else "none"
        raise ValueError(f"{MANIFEST} is of version {version}, expected {VERSION}: {_REMEDY}")
    sides = ["rows", "keys", *(f"past_{index}" for index in range(encoder.num_hidden_layers))]
    chosen = [_entry(listed, "encoder", encoder, checkpoint.expected_tensors(encoder), sides)]
    if decoder is not None:
        tensors = frame_decoder.expected_tensors(decoder)
        chosen.append(_entry(listed, "frame_decoder", decoder, tensors, ["rows"]))
    return json.dumps(chosen)


def _entry(
    listed: Mapping[str, Any],
    kind: str,
    config: SiglipConfig | FrameDecoderConfig,
    tensors: Collection[str],
    symbolic: Collection[str],
) -> dict[str, Any]:
    """The entry of a kind, checked.

    Args:
        tensors: names of those that the checkpoint has.
        symbolic: names of the sides that are chosen with the run.
    """
    graph = listed.get(kind)
    if not isinstance(graph, dict) or not isinstance(graph.get("architecture"), dict):
        raise ValueError(
            f"{kind} of {MANIFEST} must be an object with an architecture, got {shown(graph)}: {_REMEDY}"
        )
    fault = entry_fault(graph, symbolic)
    if fault:
        raise ValueError(f"{kind} of {MANIFEST} {fault}: {_REMEDY}")
    own = json.loads(json.dumps(asdict(config)))
    given = graph["architecture"]
    different = [
        f"{name}: this one has {shown(value)}, the graph {shown(given.get(name))}"
        for name, value in own.items()
        if name not in _NOT_IN_GRAPH and given.get(name) != value
    ]
    if different:
        raise ValueError(
            f"the graph at hand is for another {kind.replace('_', ' ')} than this one "
            f"({'; '.join(different)}): make its own with autogaze-web export --config config.json "
            "--out FOLDER and give that folder as graphs"
        )
    unknown = next((name for name in graph["weights"] if name not in tensors), None)
    if unknown is not None:
        raise ValueError(
            f"{kind} of {MANIFEST} needs the weight {shown(unknown)}, which the checkpoint lacks: {_REMEDY}"
        )
    return {"kind": kind, **{name: graph[name] for name in ("file", "inputs", "outputs", "weights")}}
