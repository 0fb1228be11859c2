"""The pictures and numbers of a frame: mask panel, output panel, PSNR.

Panels are persistent, and only the pixels that change are drawn.
"""
