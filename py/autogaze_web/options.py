"""The options of the page, its URL, the command line and this package, read from one table: ``options.json``.

A value may be given under the option's name or an alias, in any case, with ``_`` for ``-``; a choice by
its value or one of the choice's own aliases.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

Value = str | float | int

# An address on the web, or one relative to the page: a path that says so.
_URL = re.compile(r"(https?://[^\s/]+|\.{0,2})/\S+", re.IGNORECASE)

# The mode without tiles.
REALTIME = "realtime"

NO_GRIDS = "none"
# In an address a + reads as a space.
_GRIDS = re.compile(rf"{NO_GRIDS}|[1-9]\d{{0,3}}(\+[1-9]\d{{0,3}})*")
OFF = "off"
_OFF_WORDS = (OFF, "none", "false", "disabled")
_DECIBEL = re.compile(r"(\d+\.?\d*|\.\d+) ?db", re.IGNORECASE)


@dataclass(frozen=True)
class Choice:
    """One value of an option of type ``choice``."""

    value: str
    label: str
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: as in the URL and, with two dashes before it, on the command line.
        aliases: other names.
        type: ``choice``, ``number``, ``integer``, ``url`` or ``grids`` (``2+14``, or ``none``).
        default: its value when nothing is given.
        tiled_default: its value when nothing is given and the option ``mode`` is not realtime.
        label, help: what people read.
        minimum, maximum: inclusive bounds of numbers, infinite where there is none.
        is_loss: whether a number is a loss, which can be ``off``, or given in decibels: "20 dB" is 0.1.
        choices: of the type ``choice``.
    """

    name: str
    aliases: tuple[str, ...]
    type: str
    default: Value
    tiled_default: Value
    label: str
    help: str
    minimum: float
    maximum: float
    is_loss: bool
    choices: tuple[Choice, ...]

    def parse(self, given: object) -> Value:
        """The option's value from a string or a number.

        Raises:
            ValueError: with one sentence that names the option, what was given and what is accepted.
        """
        if self.type == "choice":
            wanted = _normalise(str(given))
            for choice in self.choices:
                if wanted == choice.value or wanted in choice.aliases:
                    return choice.value
        elif self.type == "grids":
            if _GRIDS.fullmatch(text := _normalise(str(given)).replace(" ", "+")):
                return "+".join(map(str, grids_of(text))) or NO_GRIDS
        elif self.type == "url":
            if _URL.fullmatch(url := str(given).strip()):
                return url
        elif self.is_loss and _normalise(str(given)) in _OFF_WORDS:
            return OFF
        else:
            decibels = _DECIBEL.fullmatch(str(given).strip()) if self.is_loss else None
            try:
                number = loss_of_decibels(float(decibels[1])) if decibels else float(given)  # type: ignore[arg-type]
            except (TypeError, ValueError):
                number = math.nan
            whole = self.type != "integer" or number == math.floor(number) if math.isfinite(number) else False
            if whole and self.minimum <= number <= self.maximum:
                return int(number) if self.type == "integer" else number
        raise ValueError(f"{self.name} is {self.accepted()}, got {given!r}")

    def accepted(self) -> str:
        """What ``parse`` takes, in words."""
        if self.type == "choice":
            return "one of " + ", ".join(choice.value for choice in self.choices)
        if self.type == "grids":
            return f"{NO_GRIDS}, or cells per side of grids such as 2+14"
        if self.type == "url":
            return "an address that begins with https://, http://, /, ./ or ../"
        if self.is_loss:
            return f"a number of at least {self.minimum:g}, decibels such as 20dB, or off"
        kind = "a whole number" if self.type == "integer" else "a number"
        if math.isinf(self.maximum):
            return f"{kind} of at least {self.minimum:g}"
        return f"{kind} from {self.minimum:g} to {self.maximum:g}"


@lru_cache(maxsize=1)
def options() -> dict[str, Option]:
    """All options by name, in the order in which people should see them."""
    text = resources.files(__package__).joinpath("options.json").read_text(encoding="utf-8")
    return {entry["name"]: _option(entry) for entry in json.loads(text)["options"]}


def defaults(tiled: bool = False) -> dict[str, Value]:
    """Every option's default by its name, in realtime or in the modes with tiles."""
    return {name: option.tiled_default if tiled else option.default for name, option in options().items()}


def find(name: str) -> Option:
    """The option of a name or alias.

    Raises:
        ValueError: if there is none, with the names that exist.
    """
    wanted = _normalise(name)
    for option in options().values():
        if wanted == option.name or wanted in option.aliases:
            return option
    raise ValueError(f"there is no option {name!r}; the options are {', '.join(options())}")


def parse(given: Mapping[str, object]) -> dict[str, Value]:
    """All options, with the given ones parsed and the others at their mode's defaults.

    Raises:
        ValueError: one line for each name or value that is wrong.
    """
    chosen: dict[str, Value] = {}
    problems = []
    for name, value in given.items():
        try:
            option = find(name)
            chosen[option.name] = option.parse(value)
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("\n".join(problems))
    return defaults(tiled=chosen.get("mode", REALTIME) != REALTIME) | chosen


def grids_of(value: str) -> tuple[int, ...]:
    """The grids that a value of the type ``grids`` names, coarse to fine."""
    return () if value == NO_GRIDS else tuple(sorted({int(grid) for grid in value.split("+")}))


def loss_of_decibels(decibels: float) -> float:
    """The loss that means so many dB: ``10^(-dB / 20)``."""
    return float(10 ** (-decibels / 20))


def requirement(values: Mapping[str, Value]) -> float | None:
    """The task-loss requirement of parsed options; None if it is off."""
    value = values["task-loss-requirement"]
    return None if value == OFF else float(value)


def _normalise(text: str) -> str:
    return text.strip().lower().replace("_", "-")


def _option(entry: dict[str, Any]) -> Option:
    return Option(
        name=entry["name"],
        aliases=tuple(entry["aliases"]),
        type=entry["type"],
        default=entry["default"],
        tiled_default=entry.get("tiled_default", entry["default"]),
        label=entry["label"],
        help=entry["help"],
        minimum=entry.get("minimum", -math.inf),
        maximum=entry.get("maximum", math.inf),
        is_loss=entry.get("loss", False),
        choices=tuple(
            Choice(choice["value"], choice["label"], tuple(choice["aliases"]))
            for choice in entry.get("choices", ())
        ),
    )
