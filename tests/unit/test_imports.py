"""Rooms import only from floors below their own, and under Pyodide there is NumPy and nothing else."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "py" / "autogaze_web"
BRIDGE = ROOT / "wasm_bridge"
WEB = ROOT / "web"

# From the top down. A room imports from itself and from lower floors, never from its own floor or above.
PYTHON_FLOORS = (
    {"page"},
    {"cli"},
    {"batch"},
    {"native", "files"},
    {"graph", "tiles", "live"},
    {"encoder"},
    {"model", "readout", "panels"},
    {"masks"},
    {"frames", "formats", "options"},
    {"lazy", "limits"},
)
WEB_FLOORS = (
    {"benchmark"},
    {
        "check",
        "controls",
        "explanation",
        "export",
        "gaze",
        "headline",
        "hook",
        "insight",
        "legend",
        "offline",
        "playback",
        "samples",
        "shortcuts",
        "tiles",
        "vision",
    },
    {"panels"},
    {"model"},
    {"sources"},
    {"settings"},
    {"page"},
)
BRIDGE_FLOORS = ({"api"}, {"live"}, {"model", "panels", "plane"}, {"runner", "files"}, {"python"}, {"calls"})

# Rooms whose modules run outside a browser alone.
NATIVE_ROOMS = {"native", "graph"}
FORBIDDEN = ("onnx", "onnxruntime", "safetensors", "av", "PIL", "google", "torch", "huggingface_hub")


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py"))


def rooms_imported_by(path: Path) -> Iterator[str]:
    """The rooms (or top-level modules) of the package that a module imports, in functions too."""
    package = ("autogaze_web", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            full = [*base, *(node.module.split(".") if node.module else [])]
            targets = [full] if len(full) > 1 else [[*full, each.name] for each in node.names]
        elif isinstance(node, ast.Import):
            targets = [each.name.split(".") for each in node.names]
        else:
            continue
        for target in targets:
            if target[0] == "autogaze_web" and len(target) > 1:
                yield target[1]


def floor(room: str, floors: tuple[set[str], ...]) -> int:
    return next(number for number, rooms in enumerate(floors) if room in rooms)


def test_every_folder_has_a_floor() -> None:
    assert {path.parent.name for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE} <= set().union(
        *PYTHON_FLOORS
    )
    bridge = {path.name for path in BRIDGE.iterdir() if path.is_dir() and path.name != "node_modules"}
    assert bridge - {"types"} == set().union(*BRIDGE_FLOORS)
    assert {path.name for path in WEB.iterdir() if path.is_dir()} == set().union(*WEB_FLOORS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_python_rooms_import_downwards(path: Path) -> None:
    if path.parent == PACKAGE:
        return  # the package's face and its entry point name whatever they offer
    room = path.parent.name
    upward = {
        other
        for other in rooms_imported_by(path)
        if other not in (room, "__version__") and floor(other, PYTHON_FLOORS) <= floor(room, PYTHON_FLOORS)
    }
    assert not upward, f"{room} may not import from {', '.join(sorted(upward))}"


@pytest.mark.parametrize(
    ("folder", "floors"), [(BRIDGE, BRIDGE_FLOORS), (WEB, WEB_FLOORS)], ids=["bridge", "web"]
)
def test_javascript_rooms_import_downwards(folder: Path, floors: tuple[set[str], ...]) -> None:
    """Types count too: a type stands in the room that makes the values."""
    found = []
    for path in sorted(folder.rglob("*.mjs")):
        room = path.parent.name
        if "node_modules" in path.parts or path.parent == folder or path.name.endswith(".test.mjs"):
            continue
        for address in re.findall(r"""["'](\.{1,2}/[\w./-]+\.mjs)["']""", path.read_text(encoding="utf-8")):
            target = Path(os.path.normpath(path.parent / address))
            if target.is_relative_to(ROOT / "runtime") or (folder == WEB and target.is_relative_to(BRIDGE)):
                continue
            assert target.is_file(), f"{path.name} imports {address}, which is not there"
            other = target.parent.name
            if other != room and (target.parent == folder or floor(other, floors) <= floor(room, floors)):
                found.append(f"{room}/{path.name} imports {other}/{target.name}")
    assert not found, "\n".join(found)


def loaded_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "py")},
    )
    return set(done.stdout.split())


def test_modules_of_the_browser_need_only_numpy() -> None:
    """All of them, each of which asks for more only when a command or a call needs it."""
    names = [
        ".".join(("autogaze_web", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
        for path in modules()
        if path.parent.name not in NATIVE_ROOMS and path.name != "__main__.py"
    ]
    assert len(names) > 50
    assert loaded_by(f"import {', '.join(names)}").isdisjoint(FORBIDDEN)


def test_the_page_starts_without_a_model() -> None:
    loaded = loaded_by("import autogaze_web.page.live_session")
    assert not any(name.startswith("autogaze_web.model") for name in loaded)


def packages() -> list[str]:
    return sorted(
        ".".join(("autogaze_web", *path.parent.relative_to(PACKAGE).parts))
        for path in PACKAGE.rglob("__init__.py")
    )


def test_importing_packages_loads_nothing() -> None:
    loaded = loaded_by(f"import {', '.join(packages())}")
    assert "numpy" not in loaded
    assert {name for name in loaded if name.startswith("autogaze_web")} == {*packages(), "autogaze_web.lazy"}


@pytest.mark.parametrize("name", packages())
def test_public_names(name: str) -> None:
    """Names load their module on first use, and type checkers see the same names."""
    package = importlib.import_module(name)
    assert package.__file__
    typed = {
        imported.asname
        for node in ast.walk(ast.parse(Path(package.__file__).read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for imported in node.names
        if imported.asname
    }
    public = getattr(package, "__all__", [])
    assert typed == set(public) - {"__version__"}
    assert set(public) <= set(dir(package))
    for each in public:
        value = getattr(package, each)
        assert not isinstance(value, ModuleType)
        assert getattr(package, each) is value
    with pytest.raises(AttributeError):
        package.Nothing  # noqa: B018
