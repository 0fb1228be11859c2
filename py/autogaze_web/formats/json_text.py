"""A JSON parser for untrusted text.

In WebAssembly the recursion of a JSON parser can overflow the stack and crash Python, so nesting depth and
number of values are checked before parsing, in time and memory linear in the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ..limits import MAX_JSON_BYTES, MAX_NESTING, MAX_VALUES, expect

Pairs = list[tuple[str, Any]]

# A string ends at its quote or at the end of the text. The quantifiers give nothing back, and an unclosed
# string is one match: there is nothing to try again from a later quote.
_STRINGS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")


class JsonError(ValueError):
    """Text that is not parsed; the message completes the sentence "the file is ..."."""


def load_json(
    text: str,
    object_pairs_hook: Callable[[Pairs], Any] | None = None,
    parse_int: Callable[[str], Any] | None = None,
    parse_float: Callable[[str], Any] | None = None,
    parse_constant: Callable[[str], Any] | None = None,
    max_values: int = MAX_VALUES,
) -> Any:
    """`json.loads` with bounds.

    Raises:
        JsonError: if the text is not JSON, nested too deeply, or has too many values.
        ValueError: whatever the hooks raise.
    """
    _check_structure(text, max_values)
    try:
        return json.loads(
            text,
            object_pairs_hook=object_pairs_hook,
            parse_int=parse_int or _integer,
            parse_float=parse_float,
            parse_constant=parse_constant,
        )
    except json.JSONDecodeError as error:
        raise JsonError(f"not valid JSON from line {error.lineno}, column {error.colno} on") from None


def parse_json(
    text: str,
    name: str,
    object_pairs_hook: Callable[[Pairs], Any] | None = None,
    max_bytes: int = MAX_JSON_BYTES,
) -> Any:
    """Parses a JSON text, skipping a leading byte-order mark, which Windows editors write.

    Args:
        text: the text.
        name: name of the file, for error messages.
        object_pairs_hook: as in `json.loads`.
        max_bytes: the longest text that is parsed.

    Raises:
        ValueError: if the text is not JSON, too long, nested too deeply, or has too many values.

    Examples:
        >>> parse_json('{"scales": "32+64"}', "config.json")
        {'scales': '32+64'}
    """
    expect(text, str, f"the text of {name}")
    if len(text) > max_bytes:
        raise ValueError(f"{name} has more than {max_bytes:,} bytes, which no such file needs: give another")
    try:
        return load_json(text.removeprefix("\ufeff"), object_pairs_hook)
    except JsonError as error:
        raise ValueError(f"{name} is {error}: download it again") from None


def _check_structure(text: str, max_values: int) -> None:
    bare = _STRINGS.sub("", text)
    level = 0
    for bracket in _BRACKETS.finditer(bare):
        level += 1 if bracket[0] in "[{" else -1
        if level > MAX_NESTING:
            raise JsonError("nested too deeply")
    if bare.count(",") + bare.count("[") + bare.count("{") > max_values:
        raise JsonError(f"a list of more than {max_values:,} values")


def _integer(digits: str) -> int | float:
    """Numbers too long for any size become floats, because Python limits the digits of integers."""
    return int(digits) if len(digits) <= 20 else float(digits)
