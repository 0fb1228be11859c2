"""Which parts of a frame matter: cells, fixations, and the rectangles of pixels they cover.

``patch_diff`` chooses cells without a model.
"""
