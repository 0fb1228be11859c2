"""Files in and out: videos, traces, renderings.

What they are made of comes from the rooms below; formats of bytes alone are in ``formats``.
"""
