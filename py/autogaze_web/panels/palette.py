"""The colours of the grids and their outlines; the page and the package share ``palettes.json``."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

Colour = tuple[int, int, int]

STANDARD = "standard"


@dataclass(frozen=True)
class Palette:
    """A colour for every grid.

    Attributes:
        colours: coarse to fine, the largest grid (cells per side) that has a colour, and that colour as red,
            green and blue, 0 .. 255. The last limit is infinite.
        fill_shade: brightness of a cell's fill relative to its outline, 0 .. 1.
    """

    colours: tuple[tuple[float, Colour], ...]
    fill_shade: float

    @staticmethod
    def named(name: str = STANDARD) -> Palette:
        """A palette of ``palettes.json``.

        Raises:
            ValueError: if there is no palette of that name.
        """
        palettes = _palettes()
        if name not in palettes:
            raise ValueError(f"the palette is one of {', '.join(palettes)}, got {name!r}")
        return palettes[name]

    def colour_of(self, grid: int) -> Colour:
        """The colour of the cells of a grid with ``grid`` cells per side."""
        return next(colour for limit, colour in self.colours if grid <= limit)

    def fill_of(self, colour: Colour) -> Colour:
        """The darker shade that fills a cell outlined in ``colour``."""
        red, green, blue = (int(channel * self.fill_shade + 0.5) for channel in colour)
        return red, green, blue


def outline_lines(grid: int) -> int:
    """How many lines thick the outlines of a grid's cells are: the coarser the grid, the more.

    >>> [outline_lines(grid) for grid in (2, 4, 7, 14)]
    [4, 3, 2, 1]
    """
    return int(next(entry["lines"] for entry in _table()["outline_lines"] if grid <= _limit(entry)))


def _limit(entry: dict[str, Any]) -> float:
    return math.inf if entry["up_to"] is None else float(entry["up_to"])


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("palettes.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


@lru_cache(maxsize=1)
def _palettes() -> dict[str, Palette]:
    table = _table()
    return {
        name: Palette(
            tuple((_limit(entry), tuple(entry["colour"])) for entry in entries),
            table["fill_shade"],
        )
        for name, entries in table["palettes"].items()
    }
