"""Large frames as tiles of the model's input size: how frames are cut, and how the cells of tiles are joined.

``InferenceMode`` is the way in which the model is given a frame: whole or in tiles.
"""
