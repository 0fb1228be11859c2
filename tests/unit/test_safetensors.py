"""Our header reader against the safetensors library: the same files are accepted, with the same tensors."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, deserialize

from autogaze_web.formats.safetensors import SafetensorsError, read_header

ONE = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'


def file(header: str | bytes, data: bytes = b"", length: int | None = None) -> bytes:
    text = header.encode() if isinstance(header, str) else header
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def ours(data: bytes) -> dict[str, tuple[str, list[int], bytes]] | None:
    try:
        entries = read_header(data)
    except SafetensorsError:
        return None
    for entry in entries.values():
        assert 8 <= entry.start <= entry.end <= len(data)
    return {name: (e.dtype, list(e.shape), data[e.start : e.end]) for name, e in entries.items()}


def library(data: bytes) -> dict[str, tuple[str, list[int], bytes]] | None:
    try:
        return {name: (t["dtype"], t["shape"], bytes(t["data"])) for name, t in deserialize(data)}
    except SafetensorError:
        return None


def agree(data: bytes) -> None:
    assert ours(data) == library(data)


# Headers that are nearly right: values of the wrong kind or size in the right places.

small = st.integers(0, 6)
odd_numbers = st.sampled_from([-1, 2**31, 2**32, 2**62, 2**63, 2**64 - 1, 2**64, 1.0, 0.5, True, None, "4"])
numbers = st.one_of(small, small, odd_numbers)
dtypes = st.sampled_from(["F32", "F16", "BF16", "U8", "BOOL", "F4", "F6_E2M3", "F8_E4M3", "I64", "C64"])
odd_dtypes = st.one_of(dtypes, st.sampled_from(["f32", "I4", "", 4, None]))
info = st.fixed_dictionaries(
    {},
    optional={
        "dtype": odd_dtypes,
        "shape": st.lists(numbers, max_size=3),
        "data_offsets": st.lists(numbers, min_size=1, max_size=3),
        "other": st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=3), st.lists),
    },
)
metadata = st.one_of(st.none(), st.dictionaries(st.text(max_size=3), st.text(max_size=3) | small, max_size=2))


@st.composite
def plausible_headers(draw: st.DrawFn) -> bytes:
    """Tensors side by side as they should be, perhaps with one thing changed, as text and data."""
    header: dict[str, Any] = {}
    bits = {"F32": 32, "F16": 16, "BF16": 16, "U8": 8, "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F8_E4M3": 8}
    start = 0
    for name in draw(st.lists(st.text(max_size=4), max_size=4, unique=True)):
        dtype = draw(st.sampled_from(sorted(bits)))
        shape = draw(st.lists(small, max_size=3))
        total = bits[dtype]
        for n in shape:
            total *= n
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [start, start + total // 8]}
        start += total // 8
    if draw(st.booleans()):
        header["__metadata__"] = draw(metadata)
    if header and draw(st.booleans()):
        header[draw(st.sampled_from(sorted(header)))] = draw(info)
    text = json.dumps(header, ensure_ascii=draw(st.booleans()), allow_nan=True)
    text = draw(st.sampled_from(["", " ", "\n"])) + text + draw(st.sampled_from(["", "   ", "\n", "x", "\0"]))
    data = bytes(min(start + draw(st.sampled_from([0, 0, 0, 1])), 1 << 16))
    return file(text.encode("utf-8", "replace"), data)


@settings(max_examples=400)
@given(plausible_headers())
def test_plausible_headers(data: bytes) -> None:
    agree(data)


@settings(max_examples=200)
@given(plausible_headers(), st.data())
def test_damaged_files(data: bytes, draw: st.DataObject) -> None:
    damaged = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 3))):
        at = draw.draw(st.integers(0, len(damaged) - 1))
        damaged[at] = draw.draw(st.integers(0, 255))
    cut = draw.draw(st.integers(0, len(damaged)))
    for candidate in (bytes(damaged), bytes(damaged[:cut])):
        if not has_name_twice(candidate):
            agree(candidate)


@settings(max_examples=300)
@given(st.binary(max_size=60))
@example(b"")
@example(b"1234567")
@example(bytes(8))
@example(file("{}", length=2**63))
@example(file("{}", length=3))
def test_any_bytes(data: bytes) -> None:
    agree(data)


def has_name_twice(data: bytes) -> bool:
    """Whether the header repeats a name, which the library takes and we refuse."""
    repeated = []

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        repeated.extend(name for i, (name, _) in enumerate(pairs) if name in dict(pairs[:i]))
        return dict(pairs)

    try:
        length = int.from_bytes(data[:8], "little")
        json.loads(data[8 : 8 + min(length, len(data))], object_pairs_hook=look)
    except (ValueError, RecursionError):
        pass
    return bool(repeated)


@pytest.mark.parametrize(
    ("header", "data"),
    [
        pytest.param('{"a":' + ONE + "}", b"0000", id="plain"),
        pytest.param('{"a":["F32",[1],[0,4]]}', b"0000", id="a struct as a list"),
        pytest.param(
            '{"a":{"dtype":{"F32":null},"shape":[1],"data_offsets":[0,4]}}', b"0000", id="tagged dtype"
        ),
        pytest.param('{"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}', b"", id="minus zero"),
        pytest.param('{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}', b"0000", id="exponent"),
        pytest.param(
            '{"a":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}}', b"", id="overflow"
        ),
        pytest.param(
            '{"a":{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}}',
            b"",
            id="zero first",
        ),
        pytest.param('{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":1e999}}', b"0000", id="1e999"),
        pytest.param(
            '{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":' + "9" * 400 + "}}",
            b"0000",
            id="400 digits",
        ),
        pytest.param(
            '{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":' + "9" * 300 + "}}",
            b"0000",
            id="300 digits",
        ),
        pytest.param('{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":NaN}}', b"0000", id="NaN"),
        pytest.param(
            '{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":' + "[" * 200 + "]" * 200 + "}}",
            b"0000",
            id="deep",
        ),
        pytest.param('{"\\ud800":' + ONE + "}", b"0000", id="lone surrogate"),
        pytest.param('{"a\x01":' + ONE + "}", b"0000", id="control character"),
        pytest.param('{"__metadata__":{"a":1},"a":' + ONE + "}", b"0000", id="metadata of integers"),
        pytest.param('{"__metadata__":[],"a":' + ONE + "}", b"0000", id="metadata as a list"),
    ],
)
def test_corner_cases(header: str, data: bytes) -> None:
    agree(file(header, data))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"123", "too few"),
        (file("{}", length=2**63), "claims"),
        (file("{}", length=99), "truncated"),
        (file(b'{"\xff":1}'), "UTF-8"),
        (file("{"), "not valid JSON"),
        (file("[]"), "must be a JSON object"),
        (file('{"a":' + ONE + ',"a":' + ONE + "}", b"0000"), "'a' twice"),
        (
            file('{"a":' + ONE + ',"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}', bytes(6)),
            "without gaps or overlaps",
        ),
        (file('{"a":' + ONE + "}", b"000"), "truncated or damaged"),
        (file('{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}', b"0000"), "unknown dtype 'F99'"),
        (file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', b"0000"), "needs 64 bits"),
    ],
)
def test_each_error_is_one_sentence(data: bytes, message: str) -> None:
    with pytest.raises(SafetensorsError, match=message) as caught:
        read_header(data)
    assert "\n" not in str(caught.value)


def test_a_claimed_length_allocates_nothing() -> None:
    data = file("{}", length=90_000_000)
    tracemalloc.start()
    with pytest.raises(SafetensorsError):
        read_header(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000


def test_a_memoryview_is_read_without_a_copy_of_the_tensors() -> None:
    data = memoryview(
        file('{"a":{"dtype":"U8","shape":[4000000],"data_offsets":[0,4000000]}}', bytes(4_000_000))
    )
    tracemalloc.start()
    read_header(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000
