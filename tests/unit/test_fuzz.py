"""A short run of every fuzz target; ``make fuzz`` runs them for longer."""

from __future__ import annotations

import pytest
from fuzz_targets import TARGETS
from hypothesis import HealthCheck, settings
from public_calls import CALLS, odd_calls
from target import only_sentences

SLOW = {"clips": 40, "command_lines": 25}


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_input_ends_in_a_sentence(name: str) -> None:
    examples = SLOW.get(name, 150)
    how = settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    TARGETS[name](how)()


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if len(call.arguments) > 1])
def test_the_arguments_beside_an_odd_one_are_accepted(name: str) -> None:
    function, arguments = CALLS[name]
    function(*arguments)


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("name", CALLS)
def test_odd_arguments_of_public_functions_end_in_a_sentence(name: str) -> None:
    for call in odd_calls(name):
        with only_sentences():
            call()
