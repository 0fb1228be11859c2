"""CI runs the tests with the oldest versions of the dependencies too: those that pyproject.toml admits."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_lowest_versions_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    admitted = [
        *project["dependencies"],
        *(each for name in ("native", "video", "hub", "remote") for each in extras[name]),
    ]
    lowest = dict(
        re.findall(r"^([\w-]+)==([\d.]+)$", (ROOT / "tests" / "lowest.txt").read_text(), re.MULTILINE)
    )
    for requirement in admitted:
        name, bound = requirement.split(",")[0].split(">=")
        tested = tuple(map(int, lowest[name].split(".")))
        wanted = tuple(map(int, bound.split(".")))
        assert tested == wanted + (0,) * (len(tested) - len(wanted)), requirement


def test_the_workflow_installs_them() -> None:
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text()
    assert "install --quiet -r tests/lowest.txt" in workflow
