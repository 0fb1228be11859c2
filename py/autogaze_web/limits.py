"""The bounds on what files, addresses and callers may ask for.

Whatever exceeds one is refused in a sentence before anything is listed, allocated or computed for it.
SECURITY.md has the same table, which a test compares with this module.
"""

from __future__ import annotations

import math
import operator
import reprlib
from numbers import Real
from typing import Final, TypeGuard

# Texts. The files of a model have a few kilobytes; the released graphs.json has 44.
MAX_JSON_BYTES: Final = 1_000_000
MAX_LISTING_BYTES: Final = 10_000_000
MAX_HEADER_BYTES: Final = 100_000_000
MAX_TRACE_BYTES: Final = 1_000_000_000
MAX_NESTING: Final = 127
MAX_VALUES: Final = 1_000_000
MAX_SHARDS: Final = 1_000
MAX_GRAPHS: Final = 1_000

# A video of another machine, which lies in the folder for temporary files while it is read.
MAX_REMOTE_BYTES: Final = 100_000_000_000
MIN_FREE_BYTES: Final = 1_000_000_000

# An architecture.
MAX_LAYERS: Final = 1_000
MAX_WIDTH: Final = 65_536
MAX_HEADS: Final = 1_024
MAX_SCALES: Final = 32
MAX_TOKENS: Final = 65_536
MAX_KERNEL: Final = 1_024
MAX_WINDOW: Final = 4_096
MAX_WEIGHTS: Final = 2_000_000_000
MAX_UNROLLED_LAYERS: Final = 10_000
MAX_CONTEXT_ROWS: Final = 1_000_000
MAX_GRAPH_VALUES: Final = 1_000_000_000

# Frames and what is made of them.
MAX_SIDE: Final = 16_384
MAX_PIXELS: Final = 100_000_000
MAX_PROCESSED_PIXELS: Final = 16_777_216
MAX_GRID: Final = 1_024
MAX_GRID_TOKENS: Final = 100_000_000
MAX_TILES: Final = 65_536
MAX_PANEL_HEIGHT: Final = 4_320
MAX_FRAMES: Final = 1_000_000
MAX_PARTS: Final = 2**32
MAX_THREADS: Final = 1_024
MAX_STREAM: Final = 65_535
MAX_STREAMS: Final = 1_024

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
# Not printable to Python, but in many a file's name.
_SPACES = "\u00a0\u202f\u3000"


def is_whole(value: object) -> bool:
    """Whether a value is an integer, of Python or NumPy, and no truth value."""
    if isinstance(value, bool) or getattr(value, "ndim", 0) != 0:
        return False
    try:
        operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return False
    return True


def is_finite(value: object) -> TypeGuard[float]:
    """Whether a value is a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def expect(value: object, types: type | tuple[type, ...], what: str) -> None:
    """Raises unless a value is of one of the types.

    Raises:
        ValueError: saying what is expected and what was given.

    >>> expect([1], (str, bytes), "the name")
    Traceback (most recent call last):
    ValueError: the name must be of type str or bytes, got one of type list
    """
    if not isinstance(value, types):
        names = " or ".join(each.__name__ for each in (types if isinstance(types, tuple) else (types,)))
        raise ValueError(f"{what} must be of type {names}, got one of type {type(value).__name__}")


def shown(value: object) -> str:
    """A value as error messages quote it, cut short.

    >>> shown("a" * 1000) == "'" + "a" * 37 + "..." + "a" * 38 + "'"
    True
    """
    try:
        return _SHORT.repr(value)
    except ValueError:  # an integer of more digits than Python writes
        return "a number of thousands of digits"


def printable(text: str) -> str:
    """Text in which line breaks and control characters are written as escapes.

    Names of files and tensors come from others, and a terminal obeys what they hold.

    >>> printable("a\\x1b[2J\\nb")
    'a\\\\x1b[2J\\\\nb'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _SPACES else ascii(c)[1:-1] for c in text)
