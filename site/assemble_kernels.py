"""Assembles the bridge's WebAssembly text (``*.wat``) into the modules that browsers load (``*.wasm``)."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

# wat2wasm colours its messages for files, too.
_COLOURS = re.compile(r"\x1b\[[\d;]*m")


class KernelsError(Exception):
    """A module cannot be assembled; the message is one sentence for the user."""


def add_kernels(root: Path, node_modules: Path, target: Path) -> None:
    """Assembles each text of the project's bridge to where it is in the site.

    Raises:
        KernelsError: if the assembler cannot be run or finds an error.
    """
    for source in sorted((root / "wasm_bridge").glob("*/*.wat")):
        file = (target / source.relative_to(root)).with_suffix(".wasm")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(assemble(source, node_modules))


def assemble(source: Path, node_modules: Path) -> bytes:
    """The WebAssembly module of a text, by wabt's ``wat2wasm``; the same text always gives the same bytes.

    Raises:
        KernelsError: if the assembler cannot be run or finds an error.
    """
    with tempfile.TemporaryDirectory() as folder:
        module = Path(folder) / "module.wasm"
        command = [str(node_modules / ".bin" / "wat2wasm"), str(source), "--output", str(module)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            raise KernelsError(f"wat2wasm could not be run ({error}): run npm ci in wasm_bridge") from None
        if done.returncode or not module.is_file():
            text = _COLOURS.sub("", done.stderr)
            lines = [line for line in text.splitlines() if "error" in line] or ["wat2wasm gave no reason"]
            raise KernelsError(f"{source.name} could not be assembled: {lines[0][:300]}")
        return module.read_bytes()
