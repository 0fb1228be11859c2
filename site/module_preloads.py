"""Adds preload links for all modules to index.html, so that a browser fetches them in parallel."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

# Requested by main.mjs as soon as it runs.
TABLES = ("options.json", "palettes.json")

_SCRIPT = re.compile(r'^(?P<indent> *)<script type="module" src="(?P<path>[^"]+)"></script>\n', re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_FROM = re.compile(
    r"""^(?:import\s+(?:[^;"'()]*?\bfrom\s+)?|export\s[^;"'=()]*?\bfrom\s+)["'](\.[^"']+)["']""", re.MULTILINE
)


class PreloadError(ValueError):
    """An imported module is missing; the message is one sentence for the user."""


def imports(text: str) -> list[str]:
    """The relative addresses in a module's static imports and re-exports, in order."""
    return _FROM.findall(_COMMENT.sub("", text))


def module_graph(site: Path, entry: str) -> Iterator[str]:
    """The paths of all modules that `entry` needs before it runs, nearest first, without `entry` itself.

    Raises:
        PreloadError: if a module is missing.
    """
    waiting, seen = [entry], {entry}
    for path in waiting:
        for address in imports((site / path).read_text(encoding="utf-8")):
            found = posixpath.normpath(posixpath.join(posixpath.dirname(path), address))
            if found in seen:
                continue
            if not (site / found).is_file():
                raise PreloadError(f"{path} imports {address}, which is not in the site")
            seen.add(found)
            waiting.append(found)
            yield found


def add_preloads(site: Path) -> None:
    """Adds the preload links of each script to the site's index.html.

    Raises:
        PreloadError: if a module is missing.
    """

    def with_preloads(script: re.Match[str]) -> str:
        links = [f'<link rel="modulepreload" href="{path}" />' for path in module_graph(site, script["path"])]
        links += [
            f'<link rel="preload" as="fetch" crossorigin="anonymous" href="{path}" />'
            for path in TABLES
            if (site / path).is_file()
        ]
        return script[0] + "".join(f"{script['indent']}{link}\n" for link in links)

    page = site / "index.html"
    page.write_text(_SCRIPT.sub(with_preloads, page.read_text(encoding="utf-8")), encoding="utf-8")
