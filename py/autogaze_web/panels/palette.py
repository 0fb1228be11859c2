"""The colours of the scales, and the legend that explains them; page and package share ``palettes.json``."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

Colour = tuple[int, int, int]

STANDARD = "standard"


@dataclass(frozen=True)
class Shade:
    """The colour of the scales up to one.

    Attributes:
        up_to: most cells per side of a grid that has it, infinite for the finest.
        colour: red, green and blue, 0 .. 255.
        name: for those who do not see it.
    """

    up_to: float
    colour: Colour
    name: str


@dataclass(frozen=True)
class Palette:
    """A colour for every grid, from coarse to fine."""

    shades: tuple[Shade, ...]
    fill_shade: float

    @staticmethod
    def named(name: str = STANDARD) -> Palette:
        """A palette of ``palettes.json``.

        Raises:
            ValueError: if there is no such palette.
        """
        palettes = _palettes()
        if name not in palettes:
            raise ValueError(f"the palette is one of {', '.join(palettes)}, got {name!r}")
        return palettes[name]

    def shade_of(self, grid: int) -> Shade:
        """What a grid of so many cells per side looks like."""
        return next(shade for shade in self.shades if grid <= shade.up_to)

    def colour_of(self, grid: int) -> Colour:
        """The colour of a grid's cells."""
        return self.shade_of(grid).colour

    def fill_of(self, colour: Colour) -> Colour:
        """The dark shade that fills a cell of a colour."""
        red, green, blue = (int(channel * self.fill_shade + 0.5) for channel in colour)
        return red, green, blue

    def legend(self, grids: Iterable[int]) -> list[LegendEntry]:
        """An entry for each grid, coarse to fine, each once."""
        entries = []
        for grid in sorted(set(grids)):
            shade = self.shade_of(grid)
            label = f"{grid}x{grid} cells"
            entries.append(LegendEntry(grid, label, shade.name, shade.colour, self.fill_of(shade.colour)))
        return entries


@dataclass(frozen=True)
class LegendEntry:
    """What the legend says of one grid.

    Attributes:
        grid: cells per side.
        label: ``14x14 cells``.
        colour_name: for those who do not see the colour.
        colour, fill: of the cell's frame and of its inside, 0 .. 255.
    """

    grid: int
    label: str
    colour_name: str
    colour: Colour
    fill: Colour


@lru_cache(maxsize=1)
def _palettes() -> dict[str, Palette]:
    text = resources.files(__package__).joinpath("palettes.json").read_text(encoding="utf-8")
    table = json.loads(text)
    return {
        name: Palette(tuple(map(_shade, shades)), table["fill_shade"])
        for name, shades in table["palettes"].items()
    }


def _shade(entry: dict[str, Any]) -> Shade:
    red, green, blue = entry["colour"]
    limit = math.inf if entry["up_to"] is None else entry["up_to"]
    return Shade(limit, (red, green, blue), entry["name"])
