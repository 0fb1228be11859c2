"""NVIDIA's model on ONNX Runtime, outside a browser.

The names and calls are those of NVIDIA's code.
"""
