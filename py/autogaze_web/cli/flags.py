"""The options of ``options.json`` as flags of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from .. import options

_GROUPS = ("mask", "model", "panel", "output")
# Options that only mean something in the page.
_PAGE_ONLY = {
    "mask-source",
    "mask-timing",
    "top-k",
    "backend",
    "load-model",
    "config-url",
    "weights-url",
    "graphs-url",
}


def add_option_flags(parser: argparse.ArgumentParser) -> None:
    """Adds a flag for every option that applies to a file and a checkpoint's folder.

    The parsed namespace gets ``given``: the text of each flag by option name, for `options.parse`.
    Aliases work but are not listed.
    """
    parser.set_defaults(given={})
    for group in _GROUPS:
        section = parser.add_argument_group(options.groups()[group])
        for option in options.options().values():
            if option.group == group and option.name not in _PAGE_ONLY:
                _add(section, option)
    for option in options.shorthands().values():
        if option.name != "preset":
            _add(parser, option, listed=False)


def _add(section: Any, option: options.Option, listed: bool = True) -> None:
    metavar = {"integer": "N", "number": "X", "boolean": "true|false"}.get(option.type, "NAME")
    text = f"{option.help} ({option.accepted()})".replace("%", "%%")
    how: dict[str, Any] = {"action": _AddGiven, "dest": "given", "metavar": metavar, "const": option.name}
    section.add_argument(f"--{option.name}", help=text if listed else argparse.SUPPRESS, **how)
    if option.aliases:
        section.add_argument(*(f"--{alias}" for alias in option.aliases), help=argparse.SUPPRESS, **how)


class _AddGiven(argparse.Action):
    """Adds the flag's text to the namespace's ``given``, under the option's name."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        setattr(namespace, self.dest, {**getattr(namespace, self.dest), str(self.const): values})
