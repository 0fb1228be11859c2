"""Builds the weight-free ONNX graphs of an architecture. Requires the extra ``[native]``."""
