"""NumPy arrays from what callers have: arrays, tensors of PyTorch, nested lists."""

from __future__ import annotations

from typing import Any

import numpy as np


def to_numpy(value: Any) -> Any:
    """A PyTorch tensor as a NumPy array, from any device; anything else unchanged.

    PyTorch is not imported: a tensor is known by its methods. bfloat16, which NumPy lacks, becomes float32.

    Raises:
        ValueError: if the tensor has no values to convert (meta, sparse or quantised tensors).
    """
    if isinstance(value, np.ndarray) or not all(hasattr(value, name) for name in ("detach", "cpu", "numpy")):
        return value
    try:
        tensor = value.detach().cpu()
        if "bfloat16" in str(tensor.dtype):
            tensor = tensor.float()
        return tensor.numpy()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"this tensor cannot become a NumPy array ({reason}): give a dense one") from None


def widened(value: Any) -> Any:
    """A tensor or array with float16 and bfloat16 values widened to float32, which is exact."""
    array = to_numpy(value)
    if isinstance(array, np.ndarray) and array.dtype.name in ("float16", "bfloat16"):
        return array.astype(np.float32)
    return array
