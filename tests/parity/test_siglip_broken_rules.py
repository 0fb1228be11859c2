"""The recorded cases notice every broken rule of the encoder, so they would notice a mistake of ours."""

from __future__ import annotations

import pytest
import siglip_cases as cases
from siglip_broken_rules import BREAKAGES


def share_of_tolerance(name, folder):
    case = cases.read(name)
    model = cases.model_of(case, folder)
    output = model(cases.video_of(case), cases.gaze_of(case))
    if output.last_hidden_state.shape != tuple(case["expected"]["last_hidden_state"]["shape"]):
        return float("inf")
    return cases.share_of_tolerance(case, output)


@pytest.mark.parametrize("name", sorted({name for _, name in BREAKAGES.values()}))
def test_nothing_broken_nothing_noticed(name, folder):
    assert share_of_tolerance(name, folder) <= 1


@pytest.mark.parametrize("rule", BREAKAGES)
def test_a_broken_rule_is_noticed(rule, folder, monkeypatch):
    breakage, name = BREAKAGES[rule]
    breakage(monkeypatch)
    if rule == "scales not given mean image_size":
        # The recorded gaze is of other patches than this scale has.
        with pytest.raises(ValueError, match="there are 16 patches"):
            share_of_tolerance(name, folder)
        return
    assert share_of_tolerance(name, folder) > 1
