"""Writes the graphs of a vision encoder, and of its frame decoder, to files for a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import onnx

from ..encoder.config import SiglipConfig
from ..encoder.frame_decoder import FrameDecoderConfig, check_encoder
from ..encoder.graph_files import DECODER_GRAPH, ENCODER_GRAPH, MANIFEST, VERSION
from .build import runtime_nodes
from .encoder import encoder_graph
from .export import WrittenGraph, bindings
from .frame_decoder import frame_decoder_graph


def export_encoder(
    encoder: SiglipConfig, decoder: FrameDecoderConfig | None, folder: str | Path
) -> Iterator[WrittenGraph]:
    """Writes the graphs and ``encoder_graphs.json``; yields each graph after writing it.

    The manifest has an entry ``encoder`` and, with a decoder, ``frame_decoder``: the file, the architecture
    that it was made for, inputs and outputs with their shapes, and the names of the weights.

    Args:
        encoder: the vision tower.
        decoder: its frame decoder, if it has one.
        folder: where to write; created if it does not exist.

    Raises:
        ConfigError: if the decoder was made for another encoder.
    """
    folder = Path(folder)
    if decoder is not None:
        check_encoder(decoder, encoder)
    folder.mkdir(parents=True, exist_ok=True)
    manifest: dict[str, Any] = {"version": VERSION}
    model = encoder_graph(encoder)
    manifest["encoder"] = _entry(ENCODER_GRAPH, model, asdict(encoder))
    yield _written(folder / ENCODER_GRAPH, model)
    if decoder is not None:
        model = frame_decoder_graph(decoder)
        manifest["frame_decoder"] = _entry(DECODER_GRAPH, model, asdict(decoder))
        yield _written(folder / DECODER_GRAPH, model)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")


def _written(path: Path, model: onnx.ModelProto) -> WrittenGraph:
    path.write_bytes(model.SerializeToString())
    return WrittenGraph(path, runtime_nodes(model))


def _entry(file: str, model: onnx.ModelProto, architecture: dict[str, Any]) -> dict[str, Any]:
    return {"file": file, "architecture": architecture, **bindings(model)}
