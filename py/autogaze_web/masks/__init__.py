"""The parts of a frame that matter: selected cells, and the rectangles of pixels they cover.

``footprint.footprint`` turns cells into the mask of a frame, and ``PatchDiff`` selects cells without a model.
"""
