"""What every entry of a manifest of graphs must have: a file, shapes and the names of weights."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from typing import Any

from ..limits import MAX_GRAPH_VALUES, shown

# Joined to the folder's address, it names a file in that folder and nowhere else.
_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_MOST_AXES = 8


def entry_fault(entry: Mapping[str, Any], symbolic: Collection[str]) -> str | None:
    """What is wrong with an entry, as the end of a sentence; None if nothing is.

    Args:
        entry: with ``file``, ``inputs``, ``outputs`` and ``weights``, from a manifest that may come from any
            address.
        symbolic: names of the sides that are chosen with the run.

    Examples:
        >>> shapes = {"inputs": {"x": ["rows", 4]}, "outputs": {"y": [4]}}
        >>> entry_fault({"file": "a.onnx", **shapes, "weights": ["w"]}, ["rows"])
        >>> entry_fault({"file": "../a.onnx", **shapes, "weights": ["w"]}, ["rows"])
        "must name a file of its own folder, got '../a.onnx'"
    """
    file = entry.get("file")
    if not (isinstance(file, str) and _FILE_NAME.fullmatch(file)):
        return f"must name a file of its own folder, got {shown(file)}"
    for shapes in (entry.get("inputs"), entry.get("outputs")):
        if not (isinstance(shapes, dict) and all(_is_shape(shape, symbolic) for shape in shapes.values())):
            return f"must have the shapes of inputs and outputs, each of at most {MAX_GRAPH_VALUES:,} values"
    weights = entry.get("weights")
    if not isinstance(weights, list) or not all(isinstance(name, str) for name in weights):
        return "must list the names of its weights"
    return None


def is_count(value: Any, most: int) -> bool:
    """Whether it is an integer from 1 to ``most``."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _is_shape(value: Any, symbolic: Collection[str]) -> bool:
    if isinstance(value, list):
        value = [1 if side in symbolic else side for side in value]
    return (
        isinstance(value, list)
        and len(value) <= _MOST_AXES
        and all(is_count(side, MAX_GRAPH_VALUES) for side in value)
        and math.prod(value) <= MAX_GRAPH_VALUES
    )
