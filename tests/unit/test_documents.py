"""The documents: their Python runs, their links lead somewhere, their commands exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
import synthetic_formula as formula

from autogaze_web import AutoGaze, AutoGazeImageProcessor
from autogaze_web.cli.main import main
from autogaze_web.files.mp4_writer import write_mp4
from autogaze_web.live.pipeline import synthetic_frames
from autogaze_web.masks.cells import Cells

ROOT = Path(__file__).resolve().parents[2]
# SECURITY.md as a page of the documentation site.
INCLUDED = ROOT / "docs" / "security.md"
DOCUMENTS = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/*/*.md")} - {INCLUDED})
MODEL = ROOT / "site" / "model"
ENCODER = ROOT / "site" / "encoder"

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[\w-]+)?\)")


def with_python() -> list[Path]:
    return [path for path in DOCUMENTS if "```python" in path.read_text(encoding="utf-8")]


def names_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture
def world(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """What the documents' code takes for granted, in a folder with a ``clip.mp4``."""
    monkeypatch.chdir(tmp_path)
    frames = np.stack([frame[..., :3] for frame in synthetic_frames("synthetic-pan", 240, 320, 4)])
    write_mp4(tmp_path / "clip.mp4", frames, 10)
    random = np.random.default_rng(0)
    pixels = AutoGazeImageProcessor.from_pretrained(MODEL)(frames)[None]
    cells = Cells.of([2, 4, 7], [0, 1, 3], [1, 2, 5])
    return {
        "folder": MODEL,
        "encoder_folder": ENCODER,
        "siglip_folder": formula.write_folder(
            oracle.recipe("siglip_tiny"), tmp_path_factory.mktemp("siglip")
        ),
        "frames": frames,
        "frame": frames[0],
        "model": AutoGaze.from_pretrained(MODEL),
        "pixels": pixels,
        "show": lambda *_: None,
        "cells": cells,
        "cells_of_each_frame": [cells] * 16,
        "position_embedding": random.standard_normal((196, 8)).astype(np.float32),
        "encode": lambda patches, positions, _: (
            patches @ np.ones((patches.shape[-1], 8), np.float32) + positions
        ),
    }


@pytest.mark.parametrize("path", with_python(), ids=names_of)
def test_the_python_of_a_document_runs(path: Path, world: dict[str, Any]) -> None:
    blocks = [
        code for language, code in _FENCED.findall(path.read_text(encoding="utf-8")) if language == "python"
    ]
    assert blocks
    if path.name == "readout.md":
        from autogaze_web import AutoGaze, AutoGazeImageProcessor

        world["model"] = AutoGaze.from_pretrained(MODEL)
        world["video"] = world["pixels"] = AutoGazeImageProcessor.from_pretrained(MODEL)(world["frames"])[
            None
        ]
    for code in blocks:
        exec(compile(code, names_of(path), "exec"), world)


@pytest.mark.parametrize("path", DOCUMENTS, ids=names_of)
def test_the_links_of_a_document_lead_somewhere(path: Path) -> None:
    links = [link for link in _LINK.findall(path.read_text(encoding="utf-8")) if "://" not in link]
    missing = [link for link in links if not (path.parent / link).exists()]
    assert not missing


def test_every_page_of_the_documentation_can_be_reached() -> None:
    reached = {ROOT / "README.md"}
    waiting = list(reached)
    while waiting:
        path = waiting.pop()
        for link in _LINK.findall(path.read_text(encoding="utf-8")):
            target = (path.parent / link).resolve()
            if target.suffix == ".md" and target.exists() and target not in reached:
                reached.add(target)
                waiting.append(target)
    assert sorted(names_of(path) for path in DOCUMENTS if path not in reached) == []


def commands() -> list[str]:
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    found = re.findall(r"^ {4}(autogaze-web [^#\n]*)", text, re.MULTILINE)
    return sorted({command.strip() for command in found})


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("command", commands())
def test_the_commands_of_the_documents_run(command: str) -> None:
    words = [str(MODEL) if word == "FOLDER" else word for word in shlex.split(command)[1:]]
    words = [str(MODEL / "config.json") if word == "config.json" else word for word in words]
    main(words)


def test_the_make_targets_of_the_documents_exist() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    named = set(re.findall(r"(?:`|^ {4})make ([a-z][a-z-]+)", text, re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert named
    assert not named - targets


def test_pictures_are_light_and_all_of_them_are_shown():
    pictures = [path for path in (ROOT / "docs" / "pictures").iterdir() if path.name != "preview.jpg"]
    texts = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    assert [path.name for path in pictures if f"pictures/{path.name}" not in texts] == []
    assert sum(path.stat().st_size for path in pictures) < 1_000_000
