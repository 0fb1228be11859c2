"""Trains the small AutoGaze checkpoint that the site ships; nothing at run time imports this package.

`python -m autogaze_train` lists the commands. Needs the extra `train`; ``docs/checkpoint.md`` tells what is
trained, on what, and how well it does.
"""
