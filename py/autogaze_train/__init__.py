"""Trains the small checkpoints that the site ships: AutoGaze, and a vision encoder with its frame decoder.

Nothing at run time imports this package.

`python -m autogaze_train` lists the commands. Requires the extra `train`. ``docs/checkpoint.md`` and
``docs/encoder-checkpoint.md`` describe the models, their training data and their quality.
"""
