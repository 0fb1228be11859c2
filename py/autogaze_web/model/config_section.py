"""Reading values out of a parsed JSON file of a model, with errors that name the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..limits import is_finite, shown

_LARGEST = 2**31 - 1


class ConfigError(ValueError):
    """A JSON file that does not describe the model expected of it; the message names the field."""


class Section:
    """One JSON object of the config, with accessors that name the field in their errors.

    Args:
        path: the keys that lead to the object, joined by dots.
        file: the file's name, for errors.
        model: what the file is expected to be of, for errors.
    """

    def __init__(
        self, values: Any, path: str, file: str = "config.json", model: str = "an AutoGaze checkpoint"
    ) -> None:
        if not isinstance(values, Mapping):
            raise ConfigError(
                f"{file}: {path or 'the top level'} must be a JSON object, got {shown(values)}: "
                f"expected the {file} of {model}"
            )
        self._values = values
        self.path = path
        self.file = file
        self.model = model

    def name(self, key: str) -> str:
        """The key with the path to it, as errors show it."""
        return f"{self.path}.{key}" if self.path else key

    def present(self) -> list[str]:
        """The keys whose values are not null."""
        return [key for key, value in self._values.items() if value is not None]

    def get(self, key: str) -> Any:
        """The value; None if it is missing or null."""
        return self._values.get(key)

    def section(self, key: str) -> Section:
        """An object inside this one."""
        if key not in self._values:
            raise ConfigError(
                f"{self.file} has no {self.name(key)}: expected the {self.file} of {self.model}"
            )
        return Section(self._values[key], self.name(key), self.file, self.model)

    def _required(self, key: str, default: Any) -> Any:
        value = self._values.get(key)
        if value is None:
            value = default
        if value is None:
            raise ConfigError(f"{self.file} has no {self.name(key)}")
        return value

    def integer(self, key: str, default: int | None = None, least: int = 1, most: int = _LARGEST) -> int:
        """An integer of ``least`` to ``most``; missing or null stands for the default."""
        value = self._required(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ConfigError(
                f"{self.file}: {self.name(key)} must be an integer of at least {least}, got {shown(value)}"
            )
        if value > most:
            raise ConfigError(
                f"{self.file}: {self.name(key)} must be an integer of at most {most}, got {shown(value)}"
            )
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """A positive number; missing or null stands for the default."""
        value = self._required(key, default)
        if not is_finite(value) or value <= 0:
            raise ConfigError(f"{self.file}: {self.name(key)} must be a positive number, got {shown(value)}")
        return float(value)

    def boolean(self, key: str, default: bool) -> bool:
        """True or false; missing or null stands for the default."""
        value = self._required(key, default)
        if not isinstance(value, bool):
            raise ConfigError(f"{self.file}: {self.name(key)} must be true or false, got {shown(value)}")
        return value
