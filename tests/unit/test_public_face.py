"""What stands at the top of the package can be listed, imported and read, even without the native extra."""

from __future__ import annotations

import pydoc
import subprocess
import sys
from pathlib import Path

import pytest

import autogaze_web

ROOT = Path(__file__).parents[2]
WITHOUT_NATIVE = "import sys; sys.modules.update(onnx=None, onnxruntime=None); "


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT / "py")},
    )


@pytest.mark.parametrize("before", ["", WITHOUT_NATIVE])
def test_everything_can_be_imported_at_once(before: str) -> None:
    done = run(
        f"{before}from autogaze_web import *; print(AutoGaze.__name__, footprint(Cells.none(), 1, 1).height)"
    )
    assert (done.stdout, done.stderr) == ("AutoGaze 1\n", "")


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_a_model_without_the_native_extra_ends_in_a_sentence(missing: str) -> None:
    code = "from autogaze_web import AutoGaze; AutoGaze.from_pretrained('x/y')"
    last = run(f"import sys; sys.modules[{missing!r}] = None; {code}").stderr.splitlines()[-1]
    assert last == f"ImportError: AutoGaze needs {missing}: pip install 'autogaze-web[native]'"


def test_names_are_listed() -> None:
    assert set(autogaze_web.__all__) <= set(dir(autogaze_web))


def test_help_shows_every_public_name() -> None:
    text = pydoc.plain(pydoc.render_doc(autogaze_web))
    assert "NVIDIA AutoGaze without CUDA" in text
    for name in set(autogaze_web.__all__) - {"__version__"}:
        assert f"    class {name}(" in text or f"    {name}(" in text
