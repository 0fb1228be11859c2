"""Pixels: RGBA frames, their resizing, what changed between two of them, and rectangles.

Nothing here knows what a cell is.
"""
