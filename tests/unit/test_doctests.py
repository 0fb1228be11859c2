"""The examples in docstrings run and show what they say."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
import synthetic_formula as formula

import autogaze_web
from autogaze_web import AutoGaze, AutoGazeImageProcessor

FOLDER = Path(__file__).parents[2] / "site" / "model"
ENCODER = FOLDER.with_name("encoder")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules() -> list[str]:
    found = pkgutil.walk_packages(autogaze_web.__path__, "autogaze_web.")
    sources = {each.name: Path(each.module_finder.find_spec(each.name, None).origin) for each in found}
    return [name for name, path in sources.items() if ">>> " in path.read_text(encoding="utf-8")]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What examples take for granted; the package's docstring lists it."""
    frames = np.random.default_rng(0).integers(0, 256, (4, 240, 320, 3), dtype=np.uint8)
    return {
        "folder": FOLDER,
        "frames": frames,
        "frame": frames[0],
        "video": AutoGazeImageProcessor.from_pretrained(FOLDER)(frames[:2])[None],
        "model": AutoGaze.from_pretrained(FOLDER),
        "encoder_folder": ENCODER,
        "siglip_folder": formula.write_folder(
            oracle.recipe("siglip_tiny"), tmp_path_factory.mktemp("siglip")
        ),
    }


@pytest.mark.parametrize("name", modules())
def test_examples(name: str, world: dict[str, Any]) -> None:
    module = import_module(name)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, extraglobs=world):
        result = doctest.DocTestRunner(optionflags=OPTIONS).run(test)
        assert not result.failed, test.name


@pytest.mark.parametrize("name", [name for name in autogaze_web.__all__ if name != "__version__"])
def test_every_public_name_teaches_by_an_example(name: str) -> None:
    assert ">>> " in getattr(autogaze_web, name).__doc__
    assert f"`{name}`" in autogaze_web.__doc__
