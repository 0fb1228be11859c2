"""Devices by name: which of ONNX Runtime's execution providers runs the graphs, and with which options."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import lru_cache
from typing import Any, Final, Literal, get_args

from ..limits import shown

Device = Literal["cpu", "cuda", "auto"]
DEVICES: tuple[str, ...] = get_args(Device)
CPU: Final = "CPUExecutionProvider"
CUDA: Final = "CUDAExecutionProvider"

_OPTIONS: Final = {
    # TensorFloat-32 rounds what is multiplied to 10 bits, which chooses other tokens. Trying out all
    # algorithms of a convolution takes longer than it saves, and may choose another one in each process.
    CUDA: {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"},
}


def providers_of(device: str, available: Sequence[str]) -> list[str]:
    """ONNX Runtime's execution providers for a device, the preferred one first.

    Args:
        device: ``cpu``, ``cuda``, or ``auto`` for CUDA where its provider is installed.
        available: names of the installed providers.

    Raises:
        ValueError: for another device, or if the CUDA provider is not installed.

    >>> providers_of("auto", ["CPUExecutionProvider"])
    ['CPUExecutionProvider']
    """
    if device not in DEVICES:
        raise ValueError(f"the device is one of {', '.join(DEVICES)}, got {shown(device)}")
    if device == "cpu" or (device == "auto" and CUDA not in available):
        return [CPU]
    if CUDA not in available:
        raise ValueError(
            "the device cuda needs ONNX Runtime's CUDA provider, which is not installed: "
            "pip install onnxruntime-gpu in place of onnxruntime, or use the device cpu"
        )
    return [CUDA, CPU]


def with_options(providers: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """Providers with the options under which they choose the CPU's tokens.

    >>> with_options(["CPUExecutionProvider"])
    [('CPUExecutionProvider', {})]
    """
    return [(name, dict(_OPTIONS.get(name, {}))) for name in providers]


def check_loaded(session: Any, providers: Sequence[str], problems: str) -> None:
    """Raises unless a session runs on the first of its providers.

    ONNX Runtime goes on with the others in silence.

    Args:
        session: an ONNX Runtime session.
        problems: what `load_libraries` returned.

    Raises:
        ValueError: saying what could not be loaded and what to do.
    """
    if session.get_providers()[0] == providers[0]:
        return
    why = f" ({problems})" if problems else ""
    raise ValueError(
        f"{providers[0]} of ONNX Runtime cannot be loaded{why}: install its libraries "
        "(pip install 'onnxruntime-gpu[cuda,cudnn]'), or use the device cpu"
    )


@lru_cache(maxsize=1)
def load_libraries() -> str:
    """Loads CUDA and cuDNN from NVIDIA's Python packages, once a process.

    ONNX Runtime looks for them where the system's libraries are, and not there.

    Returns:
        The first problem that ONNX Runtime told of; empty if there is none, or if it cannot load them itself.
    """
    import onnxruntime as ort

    if not hasattr(ort, "preload_dlls"):
        return ""
    said = io.StringIO()
    try:
        with redirect_stdout(said):
            ort.preload_dlls()
    except (OSError, RuntimeError) as error:
        return str(error)
    return first_problem(said.getvalue())


def first_problem(said: str) -> str:
    """The first line that is not empty, without colours and a full stop.

    >>> first_problem("Failed to load libcublas.so.13: no such file\\nPlease follow ...")
    'Failed to load libcublas.so.13: no such file'
    """
    lines = (re.sub(r"\x1b\[\d*m", "", line).strip().rstrip(".") for line in said.splitlines())
    return next((line for line in lines if line), "")
