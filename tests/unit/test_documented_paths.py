"""Every file that a document or a comment names exists."""

from __future__ import annotations

import ast
import fnmatch
import io
import posixpath
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRACKED = subprocess.run(
    ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.split("\0")[:-1]
FILES = {name for name in TRACKED if (ROOT / name).is_file()}
FOLDERS = {parent.as_posix() for name in FILES for parent in Path(name).parents}
PATHS = FILES | FOLDERS
NAMES = {Path(name).name for name in FILES}

DOCUMENTS = sorted(name for name in FILES if name.endswith(".md"))
SOURCES = sorted(name for name in FILES if name.endswith((".py", ".mjs")))

# Paths that are not in the repository.
ELSEWHERE = re.compile(
    # Made by a command or a user.
    r"(\.cache|\.venv|tests/output|site/dist|wasm_bridge/node_modules)(/|$)|perf/matrix\.html$|wasm_bridge/python/pixel_kernels\.wasm$"
    # In the built site, which docs/build.md describes.
    r"|(runtime|python|sample|graphs|built-in|siglip|check|example)/|wasm_bridge/\*\*/\*\.d\.mts$|pyodide\.mjs$"
    # In NVIDIA's repository, or on another host.
    r"|assets/|[\w-]+\.(co|com|org)/"
)
_CODE = r"(?:py|mjs|css|html|md)"
_SPAN = re.compile(r"`([^`\s]+)`")
_PATH = re.compile(rf"(?:\.{{0,2}}[\w-][\w.*-]*/)+[\w.*-]*|[\w-]+\.{_CODE}")
_ROOTED = re.compile(r"(?<![\w/.-])(?:py/autogaze_\w+|wasm_bridge|web|site|tests|docs|examples)/[\w./-]*\w")
_MODULE = re.compile(r"[\w-]+\.(?:py|mjs)")
_JS_COMMENT = re.compile(r"/\*.*?\*/|(?<!:)//[^\n]*", re.DOTALL)


def exists(name: str, folder: str) -> bool:
    """Whether a name is a file or folder in ``folder``, the repository, the package or the bridge."""
    if name in NAMES:
        return True
    bases = (folder, "", "py/autogaze_web", "wasm_bridge")
    patterns = {posixpath.normpath(posixpath.join(base, name)) for base in bases}
    return not PATHS.isdisjoint(patterns) or any(
        "*" in pattern and fnmatch.filter(PATHS, pattern) for pattern in patterns
    )


def comments_of(name: str) -> Iterator[str]:
    """The comments of a module, and its docstrings."""
    text = (ROOT / name).read_text(encoding="utf-8")
    if name.endswith(".mjs"):
        yield from _JS_COMMENT.findall(text)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_paths_in_a_document_exist(name: str) -> None:
    spans = _SPAN.findall((ROOT / name).read_text(encoding="utf-8"))
    paths = [span for span in spans if _PATH.fullmatch(span) and not ELSEWHERE.match(span)]
    folder = Path(name).parent.as_posix()
    missing = [path for path in paths if not exists(path, folder)]
    assert not missing


def test_the_paths_in_comments_exist() -> None:
    missing = []
    for name in SOURCES:
        for comment in comments_of(name):
            spans = [span for span in _SPAN.findall(comment) if _MODULE.fullmatch(span)]
            for path in [*_ROOTED.findall(comment), *spans]:
                if not ELSEWHERE.match(path) and not exists(path, "."):
                    missing.append(f"{name}: {path}")
    assert not missing, "\n".join(missing)
