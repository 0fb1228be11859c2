"""A stream of frames: which cells are chosen of each, and what is shown of them.

``view`` is one frame's way through masks, panels and numbers.
"""
