"""AutoGaze: its configuration, checkpoint, image processor, and the generation of tokens as a state machine.

Nothing here executes a graph: generators yield runs of graphs and receive their results.
"""
