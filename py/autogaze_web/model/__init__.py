"""AutoGaze itself: its configuration, its weights, and the generation of tokens as a state machine.

Nothing here executes a graph: it yields runs and is sent their results.
"""
