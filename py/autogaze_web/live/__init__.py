"""Streams of frames: ``LiveView`` turns frames and cells into panels and numbers, ``Gazer`` runs the model.

``pipeline`` runs whole videos; the page never loads it.
"""
