"""What makes a function a fuzz target: it succeeds or raises a `ValueError` with one sentence for people.

Anything else is a finding.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from autogaze_web import AutoGazeConfig

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "site" / "model"
CONFIG_TEXT = (MODEL / "config.json").read_text("utf-8")
CONFIG = AutoGazeConfig.from_json(CONFIG_TEXT)

# Words of parsers, NumPy and Python that nobody should have to read.
RAW = re.compile(
    r"Traceback|Expecting |Unterminated|\(char \d|could not convert|invalid literal|cannot reshape"
    r"|could not be broadcast|array is too big"
    r"|'NoneType'|list indices|unhashable|object is not|not supported between|Exceeds the limit|C long"
    r"|dtype\("
)
# A sentence may list the eighty first tensors that are missing.
LONGEST_SENTENCE = 10_000

TARGETS: dict[str, Callable[[settings], Callable[[], None]]] = {}
"""By name: given Hypothesis' settings, what runs the target."""


def target(*strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Adds a function to the targets, with what its arguments are drawn from."""

    def add(function: Callable[..., None]) -> Callable[..., None]:
        TARGETS[function.__name__] = lambda how: how(given(*strategies)(function))
        return function

    return add


@contextlib.contextmanager
def only_sentences() -> Iterator[None]:
    """Lets a `ValueError` with a sentence pass."""
    try:
        with np.errstate(all="ignore"):
            yield
    except ValueError as error:
        message = str(error)
        assert message, f"{type(error).__name__} without a message"
        assert len(message) <= LONGEST_SENTENCE, f"a message of {len(message)} characters"
        assert not RAW.search(message), f"a message that was not written for people: {message}"


SHAPES = st.lists(st.sampled_from([0, 1, 2, 6, 2**31, 2**40]), max_size=5).map(tuple)
DTYPES = ["float16", "float32", "float64", "int32", "int64"]
INTEGERS = st.one_of(
    st.integers(-3, 300), st.sampled_from([2**15, 2**31 - 1, 2**31, 2**62, 2**63, 2**64, -(2**63), 10**5000])
)
FLOATS = st.floats() | st.integers(-1, 2).map(float)
ARRAYS = st.tuples(
    st.lists(st.integers(0, 5), max_size=5), st.sampled_from(["uint8", "float32", "bool", "O", "U1"])
).map(lambda made: np.zeros(made[0], made[1]))
