"""The options of the page, its URL, the command line and this package, read from one table: ``options.json``.

An option is given by its name or an alias, in any case and with ``_`` in place of ``-``; a choice by its
value or one of its own aliases. Shorthands, such as presets, set the values of other options; options that
are given explicitly take precedence.
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

from .limits import expect, shown

Value = str | float | int | bool

# An absolute URL, or a path relative to the page, which must begin with /, ./ or ../.
_URL = re.compile(r"(https?://[^\s/]+|\.{0,2})/\S([^\r\n]*\S)?", re.IGNORECASE)
# The mode without tiles.
REALTIME = "realtime"

NO_GRIDS = "none"
# In the query of a URL a + is decoded as a space.
_GRIDS = re.compile(rf"{NO_GRIDS}|[1-9]\d{{0,3}}(\+[1-9]\d{{0,3}})*")
OFF = "off"
_OFF_WORDS = (OFF, "none", "false", "disabled")
_DEFAULT_WORDS = ("default", "model")
_DECIBEL = re.compile(r"(\d+(?:\.\d*)?|\.\d+) ?db", re.IGNORECASE)
_BOOLEANS = {
    **dict.fromkeys(("true", "on", "yes", "1"), True),
    **dict.fromkeys(("false", "off", "no", "0"), False),
}


@dataclass(frozen=True)
class OptionChoice:
    """One named value of an option.

    Attributes:
        value: the value as written in a URL or on the command line.
        label, help: texts for the user.
        aliases: other spellings of the value.
        sets: values that it sets for other options, unless those are given explicitly.
    """

    value: str
    label: str
    help: str
    aliases: tuple[str, ...]
    sets: Mapping[str, Value]


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: name in the URL and, after two dashes, on the command line.
        aliases: other names.
        group: name of its group (``groups``); empty for shorthands.
        type: ``choice``, ``number``, ``integer``, ``boolean``, ``url``, ``grids`` (``2+14``, or ``none``) or
            ``any`` (any text).
        default: the default value; None for shorthands, which have no value of their own. If it is empty, an
            empty value is valid.
        tiled_default: the default value in modes other than realtime.
        label, help: texts for the user.
        minimum, maximum: inclusive bounds of numbers, infinite if there are none.
        is_loss: whether a number is a loss, which may be ``off`` or given in decibels: "20 dB" is 0.1.
        choices: the values of the type ``choice``; for others, words that are accepted in their place.
        sets: values that it sets for other options, unless those are given explicitly.
        decibels_of: the loss option that a shorthand sets, given in decibels.
        when: values of other options with which this option has an effect.
        note: why a shorthand that other AutoGaze viewers have does nothing here; empty for all others.
    """

    name: str
    aliases: tuple[str, ...]
    group: str
    type: str
    default: Value | None
    tiled_default: Value | None
    label: str
    help: str
    minimum: float
    maximum: float
    is_loss: bool
    choices: tuple[OptionChoice, ...]
    sets: Mapping[str, Value]
    decibels_of: str | None
    when: Mapping[str, tuple[str, ...]]
    note: str

    def parse(self, given: object) -> Value:
        """The option's value from a string, a number or a boolean.

        Raises:
            ValueError: in one sentence with the option, the given value and the accepted ones.
        """
        value = self._value(given)
        if value is None:
            raise ValueError(f"{self.name} is {self.accepted()}, got {shown(given)}")
        return value

    def implied(self, value: Value) -> dict[str, Value]:
        """The values that a value of this option sets for other options."""
        chosen: Mapping[str, Value] = next((c.sets for c in self.choices if c.value == value), {})
        converted = {self.decibels_of: loss_of_decibels(float(value))} if self.decibels_of else {}
        # The default, such as an empty URL or "auto", sets nothing.
        return {**({} if value == self.default else self.sets), **chosen, **converted}

    def accepted(self) -> str:
        """A description of the values that ``parse`` accepts."""
        words = ", ".join(choice.value for choice in self.choices)
        if self.type == "choice":
            return f"one of {words}"
        if self.type == "any":
            return "any text"
        if self.type == "boolean":
            return f"true, false or {words}" if words else "true or false"
        if self.type == "url":
            return "an address that begins with https://, http://, /, ./ or ../"
        if self.type == "grids":
            return f"{NO_GRIDS}, or cells per side of grids such as 2+14"
        if self.is_loss:
            return f"a number of at least {self.minimum:g}, decibels such as 20dB, or off"
        kind = "a whole number" if self.type == "integer" else "a number"
        if math.isinf(self.maximum):
            numbers = f"{kind} of at least {self.minimum:g}"
        else:
            numbers = f"{kind} from {self.minimum:g} to {self.maximum:g}"
        return f"{numbers}, or {words}" if words else numbers

    def _value(self, given: object) -> Value | None:
        try:
            text = str(given).strip()
        except ValueError:  # an integer of more digits than Python writes
            return None
        word = _normalise(text)
        for choice in self.choices:
            if word == choice.value or word in choice.aliases:
                return choice.value
        match self.type:
            case "any":
                return text
            case "boolean":
                return _BOOLEANS.get(word)
            case "url":
                return text if _URL.fullmatch(text) or text == self.default == "" else None
            case "grids":
                grids = word.replace(" ", "+")
                return "+".join(map(str, grids_of(grids))) or NO_GRIDS if _GRIDS.fullmatch(grids) else None
            case "number" | "integer":
                return self._number(given)
        return None

    def _number(self, given: object) -> Value | None:
        if self.is_loss and _normalise(str(given)) in _OFF_WORDS:
            return OFF
        if self.is_loss and _normalise(str(given)) in _DEFAULT_WORDS:
            return self.default
        decibels = _DECIBEL.fullmatch(str(given).strip()) if self.is_loss else None
        try:
            number = loss_of_decibels(float(decibels[1])) if decibels else float(given)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            return None
        if isinstance(given, bool) or not math.isfinite(number):
            return None
        if not self.minimum <= number <= self.maximum:
            return None
        if self.type == "number":
            return number
        return int(number) if number == math.floor(number) else None


@lru_cache(maxsize=1)
def options() -> dict[str, Option]:
    """All options by name, in the order in which they are shown to the user."""
    return {entry["name"]: _option(entry) for entry in _table()["options"]}


@lru_cache(maxsize=1)
def shorthands() -> dict[str, Option]:
    """All shorthands, such as ``preset``, by name."""
    return {entry["name"]: _option(entry) for entry in _table()["shorthands"]}


def groups() -> dict[str, str]:
    """The labels of the groups of options by name, in order."""
    return {entry["name"]: entry["label"] for entry in _table()["groups"]}


def defaults(tiled: bool = False) -> dict[str, Value]:
    """The default of every option by its name, for the realtime mode or for the modes with tiles."""
    found = {name: o.tiled_default if tiled else o.default for name, o in options().items()}
    return {name: value for name, value in found.items() if value is not None}


def find(name: str) -> Option:
    """The option or shorthand with a name or alias.

    Raises:
        ValueError: if there is none; the message lists the names.
    """
    wanted = _normalise(name) if isinstance(name, str) else ""
    known = {**options(), **shorthands()}
    for option in known.values():
        if wanted == option.name or wanted in option.aliases:
            return option
    raise ValueError(f"there is no option {shown(name)}; the options are {', '.join(known)}")


def parse(given: Mapping[str, object]) -> dict[str, Value]:
    """The values of all options: the given ones parsed, the others at the defaults of the mode.

    Raises:
        ValueError: with one line for each invalid name or value.
    """
    expect(given, Mapping, "the options")
    explicit: dict[str, Value] = {}
    implied: dict[str, Value] = {}
    problems = []
    for name, value in given.items():
        try:
            option = find(name)
            explicit[option.name] = option.parse(value)
            implied |= option.implied(explicit[option.name])
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("\n".join(problems))
    chosen = {**implied, **explicit}
    values = defaults(tiled=chosen.get("mode", REALTIME) != REALTIME) | chosen
    return {name: values[name] for name in options()}


def grids_of(value: str) -> tuple[int, ...]:
    """The grids in a value of the type ``grids``, coarse to fine."""
    return () if value == NO_GRIDS else tuple(sorted({int(grid) for grid in value.split("+")}))


def loss_of_decibels(decibels: float) -> float:
    """The loss that corresponds to a value in dB: ``10^(-dB / 20)``."""
    return float(10 ** (-decibels / 20))


def requirement(values: Mapping[str, Value]) -> float | None:
    """The task-loss requirement of parsed options; None if it is off."""
    value = values["task-loss-requirement"]
    return None if value == OFF else float(value)


def _normalise(text: str) -> str:
    return text.strip().lower().replace("_", "-")


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("options.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def _option(entry: dict[str, Any]) -> Option:
    return Option(
        name=entry["name"],
        aliases=tuple(entry["aliases"]),
        group=entry.get("group", ""),
        type=entry["type"],
        default=entry.get("default"),
        tiled_default=entry.get("tiled_default", entry.get("default")),
        label=entry["label"],
        help=entry["help"],
        minimum=entry.get("minimum", -math.inf),
        maximum=entry.get("maximum", math.inf),
        is_loss=entry.get("loss", False),
        choices=tuple(
            OptionChoice(
                value=choice["value"],
                label=choice["label"],
                help=choice.get("help", ""),
                aliases=tuple(choice["aliases"]),
                sets=choice.get("sets", {}),
            )
            for choice in entry.get("choices", ())
        ),
        sets=entry.get("sets", {}),
        decibels_of=entry.get("decibels_of"),
        when={name: tuple(values) for name, values in entry.get("when", {}).items()},
        note=entry.get("note", ""),
    )
