"""Under Pyodide there is NumPy and nothing else: importing the package must not ask for more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BROWSER_MODULES = (
    *("config", "checkpoint", "context", "controls", "gaze", "generation", "processor", "res_adapt"),
    *("resize", "rope", "safetensors_header", "tokens"),
    *(
        "coverage",
        "inference_mode",
        "page_tiles",
        "safetensors_bytes",
        "tiled_clips",
        "tiled_source",
        "tiling",
    ),
    *("cli", "progress", "render", "trace", "video"),  # ask for more only when a command needs it
)
FORBIDDEN = ("onnx", "onnxruntime", "safetensors", "av", "PIL", "google")


def loaded_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2] / "py")},
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["", *BROWSER_MODULES])
def test_modules_of_the_browser_need_only_numpy(module: str) -> None:
    name = "autogaze_web" + (f".{module}" if module else "")
    assert loaded_by(f"import {name}").isdisjoint(FORBIDDEN)


def test_importing_the_package_loads_nothing() -> None:
    assert "numpy" not in loaded_by("import autogaze_web")


def test_public_names() -> None:
    import autogaze_web

    for name in autogaze_web.__all__:
        assert getattr(autogaze_web, name) is not None
    with pytest.raises(AttributeError):
        autogaze_web.Nothing  # noqa: B018
