"""The pictures and numbers of a frame: mask panel, output panel, ratios and decibels.

Pixels are drawn where something changed, and nowhere else.
"""
