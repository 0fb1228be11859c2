"""Builds the graphs that the site ships, by `autogaze-web export` with the config of their architecture.

Building takes seconds, so the graphs are cached in .cache until the package's code changes.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

RELEASED = Path("site") / "released_config.json"
BUILT_IN = Path("site") / "model" / "config.json"


class GraphsError(Exception):
    """The graphs cannot be built; the message is one sentence for the user."""


def obtain_graphs(root: Path, cache: Path, config: Path = RELEASED) -> Path:
    """The folder with the graphs of a config and their `graphs.json`, which is built if it is not cached.

    Raises:
        GraphsError: if the graphs cannot be built.
    """
    sources = sorted((root / "py" / "autogaze_web").rglob("*.py"))
    digest = hashlib.sha256(version("onnx").encode())
    for path in (root / config, *sources):
        digest.update(path.read_bytes())
    folder = cache / digest.hexdigest()[:16]
    if not (folder / "graphs.json").is_file():
        command = [sys.executable, "-m", "autogaze_web", "export"]
        command += ["--config", str(root / config), "--out", str(folder)]
        done = subprocess.run(
            command, cwd=root / "py", capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines() or ["the command printed nothing"]
            raise GraphsError(f"the model's graphs could not be built: {lines[-1]}")
    return folder
