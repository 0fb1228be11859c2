"""A JSON parser for untrusted text.

In WebAssembly the recursion of a JSON parser can overflow the stack and crash Python, so the nesting depth is
checked before parsing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

# Any parser's stack suffices for this depth; the files of a model are four levels deep.
MAX_NESTING = 200

_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")


def nested_too_deeply(text: str) -> bool:
    """Whether the objects and arrays of a JSON text are nested more than `MAX_NESTING` levels deep."""
    level = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub("", text)):
        level += 1 if bracket[0] in "[{" else -1
        if level > MAX_NESTING:
            return True
    return False


def parse_json(
    text: str, name: str, object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None
) -> Any:
    """Parses a JSON text, skipping a leading byte-order mark, which Windows editors write.

    Args:
        text: the text.
        name: name of the file, for error messages.
        object_pairs_hook: as in `json.loads`.

    Raises:
        ValueError: if the text is not JSON, or nested too deeply.

    Examples:
        >>> parse_json('{"scales": "32+64"}', "config.json")
        {'scales': '32+64'}
    """
    text = text.removeprefix("\ufeff")
    if nested_too_deeply(text):
        raise ValueError(f"{name} is nested too deeply for a model's file: download it again")
    try:
        return json.loads(text, object_pairs_hook=object_pairs_hook, parse_int=_integer)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{name} is not valid JSON ({error}): download it again") from None


def _integer(digits: str) -> int | float:
    """Numbers too long for any size become floats, because Python limits the digits of integers."""
    return int(digits) if len(digits) <= 20 else float(digits)
