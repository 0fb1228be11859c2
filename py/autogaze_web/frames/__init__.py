"""Pixels: RGBA frames, arithmetic on them eight bytes at a time, resizing, changed blocks, and rectangles.

Nothing here knows about cells or masks.
"""
