"""NVIDIA AutoGaze without CUDA: in a browser tab through Pyodide, or natively through ONNX Runtime.

Everything that works on masks and pixels needs only NumPy. The model needs the extra ``[native]``
outside a browser, reading videos the extra ``[video]``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .masks.cells import Cells as Cells
    from .model.config import AutoGazeConfig as AutoGazeConfig
    from .model.gaze import Gaze as Gaze
    from .model.processor import AutoGazeImageProcessor as AutoGazeImageProcessor
    from .native.autogaze import AutoGaze as AutoGaze

__version__ = "0.1.0"

# Names load their module when they are first used: under Pyodide there is no onnxruntime to import.
_MODULES = {
    "AutoGaze": "native.autogaze",
    "AutoGazeConfig": "model.config",
    "AutoGazeImageProcessor": "model.processor",
    "Cells": "masks.cells",
    "Gaze": "model.gaze",
}

__all__ = [*_MODULES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f".{_MODULES[name]}", __name__)
    except ModuleNotFoundError as error:
        if error.name in ("onnx", "onnxruntime"):
            raise ImportError(f"{name} needs {error.name}: pip install 'autogaze-web[native]'") from error
        raise
    return getattr(module, name)
