from __future__ import annotations

import numpy as np
import pytest
from released import RELEASED

from autogaze_web.model.config import AutoGazeConfig
from autogaze_web.model.controls import resolve_controls
from autogaze_web.model.tokens import ScaleLayout, token_budget

LAYOUT = ScaleLayout((2, 4, 7, 14))
CONFIG = AutoGazeConfig.from_dict(RELEASED)


def test_layout_of_the_released_scales() -> None:
    assert ScaleLayout.of(CONFIG) == LAYOUT
    assert LAYOUT.counts == (4, 16, 49, 196)
    assert LAYOUT.offsets == (0, 4, 20, 69)
    assert LAYOUT.tokens == 265


def test_cells_of_ids() -> None:
    cells = LAYOUT.cells([0, 3, 4, 19, 20, 68, 69, 264, 265], np.arange(9) / 10)
    assert cells.grid.tolist() == [2, 2, 4, 4, 7, 7, 14, 14]
    assert cells.row.tolist() == [0, 1, 0, 3, 0, 6, 0, 13]
    assert cells.col.tolist() == [0, 1, 0, 3, 0, 6, 0, 13]
    np.testing.assert_allclose(cells.confidence, np.arange(8) / 10)


def test_every_cell_has_one_id() -> None:
    cells = LAYOUT.cells(np.arange(265))
    assert len({*zip(cells.grid.tolist(), cells.row.tolist(), cells.col.tolist(), strict=True)}) == 265


def test_no_cells() -> None:
    assert len(LAYOUT.cells([])) == 0
    assert len(LAYOUT.cells([265, 265])) == 0


def test_which_control_applies() -> None:
    def controls(ratio: object, requirement: object) -> tuple[object, object]:
        resolved = resolve_controls(CONFIG, ratio, requirement, 2, 3)  # type: ignore[arg-type]
        return resolved.budgets, resolved.requirements

    nothing = ((None,) * 3,) * 2
    assert controls(None, None) == ((198,) * 3, ((0.7,) * 3,) * 2)
    assert controls(0.5, None) == ((132,) * 3, nothing)
    assert controls(None, 0.5) == ((265,) * 3, ((0.5,) * 3,) * 2)
    assert controls([0.5, 0, 1], [[1], [2]]) == ((132, 1, 265), ((1.0,) * 3, (2.0,) * 3))
    assert token_budget(0.03, 265) == 7


@pytest.mark.parametrize(
    ("ratio", "requirement", "message"),
    [
        (1.5, None, "between 0 and 1"),
        (-0.1, None, "between 0 and 1"),
        (float("nan"), None, "between 0 and 1"),
        ("half", None, "between 0 and 1"),
        ([0.5, 0.5], None, "each of the 3 frames"),
        ([[0.5]], None, "each of the 3 frames"),
        (0.5, [0.1, 0.2], r"broadcasts to \(2, 3\)"),
        (0.5, np.zeros((3, 2)), r"broadcasts to \(2, 3\)"),
        (0.5, "low", "must be a number"),
        (0.5, float("nan"), "NaN"),
    ],
)
def test_controls_out_of_range(ratio: object, requirement: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resolve_controls(CONFIG, ratio, requirement, 2, 3)  # type: ignore[arg-type]
