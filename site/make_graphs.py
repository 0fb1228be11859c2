"""The graphs of an architecture, which the site ships: `autogaze-web export` with its config.

Making them takes seconds, so they are kept in .cache until the code that makes them changes.
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
    """The graphs cannot be made; the message is one sentence for a person."""


def obtain_graphs(root: Path, cache: Path, config: Path = RELEASED) -> Path:
    """The folder with a config's graphs and their `graphs.json`, made if need be.

    Raises:
        GraphsError: if they cannot be made.
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
            lines = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
            raise GraphsError(f"the model's graphs could not be made: {lines[-1]}")
    return folder
