"""Large frames as a grid of model inputs: where tiles lie, and what they chose, put together again.

``inference_mode`` names the three ways in which a frame can be given to the model.
"""
