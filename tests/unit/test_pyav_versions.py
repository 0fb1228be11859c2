"""Another PyAV than pyproject.toml admits ends in a sentence, not in a traceback."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import av
import pytest

from autogaze_web.cli.main import main
from autogaze_web.files.pyav import pyav

ROOT = Path(__file__).parents[2]


def bounds() -> tuple[int, int]:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (requirement,) = {each for extra in ("video", "train") for each in extras[extra] if each.startswith("av")}
    lowest, beyond = re.findall(r"\d+", requirement)
    return int(lowest), int(beyond)


def test_the_versions_of_the_project_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    lowest, beyond = bounds()
    for version in (f"{lowest}.0.0", f"{beyond - 1}.9.1", f"{beyond - 1}.0.0rc1"):
        monkeypatch.setattr(av, "__version__", version)
        assert pyav() is av
    for version in (f"{lowest - 1}.1.0", f"{beyond}.0.0", f"{beyond}.0.0rc1"):
        monkeypatch.setattr(av, "__version__", version)
        with pytest.raises(ImportError, match=f"PyAV {version} is not supported"):
            pyav()


def test_another_version_ends_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(av, "__version__", "19.0.2")
    video = ROOT / "tests" / "data" / "example_input.webm"
    assert main(["trace", str(video), "--json", str(tmp_path / "trace.json")]) == 2
    assert capsys.readouterr().err == (
        "error: PyAV 19.0.2 is not supported, 17 to 18 are: pip install 'autogaze-web[video]'\n"
    )
