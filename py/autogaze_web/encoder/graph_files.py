"""The files in which a browser finds the graphs of an encoder and its frame decoder."""

from __future__ import annotations

MANIFEST = "encoder_graphs.json"
ENCODER_GRAPH = "encoder.onnx"
DECODER_GRAPH = "frame_decoder.onnx"
VERSION = 1
