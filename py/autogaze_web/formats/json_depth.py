"""How deep JSON is nested, told before it is parsed: in WebAssembly a parser's recursion may end Python."""

from __future__ import annotations

import re

# As many levels as a parser surely has stack for; files of models have four.
MAX_NESTING = 200

_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")


def nested_too_deeply(text: str) -> bool:
    """Whether objects and arrays of a JSON text are nested more than `MAX_NESTING` levels."""
    level = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub("", text)):
        level += 1 if bracket[0] in "[{" else -1
        if level > MAX_NESTING:
            return True
    return False
