"""Builds the documentation site: docs/ and the docstrings of the public names, by Sphinx.

`python site/build_site.py --docs` (or `make docs`) puts it into site/dist/docs. It belongs to no build of the
page: it is neither stored for offline use nor listed in build.json, and no visit of the page downloads it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


class DocsError(Exception):
    """The documentation cannot be built; the message is one sentence for the user."""


def build_docs(root: Path, cache: Path) -> Path:
    """Build the documentation of the project at `root`, and return the folder with its pages.

    What did not change since the last time is taken from `cache`.

    Raises:
        DocsError: if Sphinx is not installed, or if it has anything to warn of, such as a link to nowhere.
    """
    pages = cache / "html"
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "--builder",
        "html",
        "--quiet",
        "--fail-on-warning",
        "--keep-going",
    ]
    command += ["--doctree-dir", str(cache / "doctrees"), str(root / "docs"), str(pages)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No module named sphinx" in done.stderr:
        raise DocsError("the documentation needs Sphinx: make docs installs it")
    if done.returncode:
        raise DocsError(f"Sphinx could not build the documentation:\n{done.stderr.strip()}")
    return pages
