"""Puts the page together from its parts: each feature has its HTML and CSS in its own folder of web/.

A line ``<!-- include FOLDER/NAME.html -->`` of index.html, or of a part, is replaced by that file, a line
``@import "PATH";`` of web/style.css by that style sheet. A browser therefore makes two requests for them,
however many parts there are.
"""

from __future__ import annotations

import re
from pathlib import Path

PAGE = "index.html"
STYLES = "web/style.css"

_INCLUDE = re.compile(r"^ *<!-- include (?P<path>\S+) -->\n", re.MULTILINE)
_IMPORT = re.compile(r'^@import "(?P<path>[^"]+)";\n', re.MULTILINE)


class PartError(ValueError):
    """A part of the page is missing or not used; the message is one sentence for a person."""


def join_parts(site: Path) -> None:
    """Join the parts of the site's index.html and style.css, and remove them from the site.

    Raises:
        PartError: if a part is missing, or if a part is not named.
    """
    _join(site, PAGE, _INCLUDE, site, "*.html")
    _join(site, STYLES, _IMPORT, site / "web", "*.css")


def _join(site: Path, whole: str, line: re.Pattern[str], base: Path, parts: str) -> None:
    file = site / whole
    if not file.is_file():
        return
    used: list[Path] = []

    def text_of(part: re.Match[str]) -> str:
        path = base / part["path"]
        if not path.is_file():
            raise PartError(f"{whole} names {part['path']}, which is missing")
        used.append(path)
        return line.sub(text_of, path.read_text(encoding="utf-8"))

    file.write_text(line.sub(text_of, file.read_text(encoding="utf-8")), encoding="utf-8")
    for path in used:
        path.unlink(missing_ok=True)
    left = (path for path in (site / "web").rglob(parts) if path != file and not _is_document(path))
    if unused := sorted(left):
        raise PartError(
            f"{unused[0].relative_to(site).as_posix()} is a part of the page that {whole} does not name"
        )


def _is_document(path: Path) -> bool:
    """Whether a file is a whole page instead of a part of one."""
    return path.read_text(encoding="utf-8").startswith("<!doctype html>")
