"""A short run of every fuzz target; ``make fuzz`` runs them for longer."""

from __future__ import annotations

import pytest
from fuzz_targets import TARGETS
from hypothesis import HealthCheck, settings

SLOW = {"clips": 40, "command_lines": 25}


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_input_ends_in_a_sentence(name: str) -> None:
    examples = SLOW.get(name, 150)
    how = settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    TARGETS[name](how)()
