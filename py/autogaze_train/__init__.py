"""Trains the small AutoGaze checkpoint that the site ships; nothing at run time imports this package.

`python -m autogaze_train` lists the commands. Requires the extra `train`. ``docs/checkpoint.md`` describes
the model, its training data and its quality.
"""
