"""File formats from bytes and text, validated before use: safetensors, checkpoint indexes, and JSON.

Nothing here reads or writes a file.
"""
