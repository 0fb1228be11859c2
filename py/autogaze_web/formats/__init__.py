"""Formats of bytes, checked before they are believed: safetensors, and the depth of JSON.

Free of I/O.
"""
