"""Strategies that damage valid inputs: bytes, texts and JSON documents."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

# What parsers trip over: bounds of integer and float types, wrong kinds, long and deep values.
ODD_VALUES: list[Any] = [
    *(None, True, False, "", "x", "32+64", "1e400", "\ud800", "a" * 5000, "9" * 5000),
    *(-1, 0, 1, 2, 3, 7, 265, 2**15, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**19),
    *(-(2**31), -(2**63), 0.5, -0.0, 1e-320, 1e38, 1e308, float("inf"), float("nan")),
    *([], {}, [1], [[]], {"a": 1}, [0] * 100, ["a"] * 3, [2**62, 2**62, 0], [0, 2**63], [None]),
]
PIECES = [
    *(b"", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"null", b"-", b"1e999", b"NaN", b"Infinity"),
    *(b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff"),
    *(b"[" * 300, b'{"a":' * 300, b'\\"' * 300, b"9" * 400, b'"a":1,' * 300, b"\\ud800"),
]


@st.composite
def damaged_bytes(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """One of the seeds with a few pieces overwritten, put in, taken out, or cut off."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        removed = draw(st.sampled_from([0, 0, 1, 2, 4, 8, 64, 10**9]))
        data[at : at + removed] = draw(st.sampled_from(PIECES) | st.binary(max_size=8))
    return bytes(data)


def damaged_text(seeds: list[str]) -> st.SearchStrategy[str]:
    """The same for texts."""
    return damaged_bytes([seed.encode() for seed in seeds]).map(lambda data: data.decode("utf-8", "replace"))


@st.composite
def damaged_document(draw: st.DrawFn, document: Any) -> Any:
    """A document whose values or keys were replaced in a few places."""
    damaged = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        holders = [holder for holder in _holders(damaged) if holder]
        if not holders:
            return draw(st.sampled_from(ODD_VALUES))
        holder = draw(st.sampled_from(holders))
        key = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else list(range(len(holder)))))
        match draw(st.sampled_from(["value", "value", "value", "delete", "repeat"])):
            case "value":
                holder[key] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))
            case "delete":
                del holder[key]
            case "repeat":
                if isinstance(holder, dict):
                    holder[f"{key}x"] = copy.deepcopy(holder[key])
                else:
                    holder += copy.deepcopy(holder) * draw(st.sampled_from([1, 2, 50]))
    return damaged


def json_text(document: Any) -> str:
    """A document as JSON; NaN and infinity as Python writes them."""
    return json.dumps(document)


def _holders(value: Any) -> list[Any]:
    """All objects and lists in a document, itself included."""
    found, waiting = [], [value]
    while waiting and len(found) < 2000:
        each = waiting.pop()
        if isinstance(each, dict | list):
            found.append(each)
            waiting += each.values() if isinstance(each, dict) else each
    return found
