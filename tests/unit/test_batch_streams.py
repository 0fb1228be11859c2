"""Several videos at a time in one process: the same results, whatever device, and whatever ends one of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autogaze_web.batch.manifest import Entry, parse_manifest
from autogaze_web.cli.main import main
from autogaze_web.files.mp4_writer import write_mp4
from autogaze_web.live.pipeline import synthetic_frames
from autogaze_web.native.batch import NativeBatch
from autogaze_web.native.runtime import NativeRuntime

MODEL = Path(__file__).parents[2] / "site" / "model"
# Two steps, of which frames that end early take one.
WHOLE = ("--model", str(MODEL), "--max-tokens", "12")
TILES = ("--model", str(MODEL), "--max-tokens", "7", "--tiles", "--frames-per-clip", "2")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five videos of one to six frames, one of them wide, and a file that is no video."""
    folder = tmp_path_factory.mktemp("streams") / "clips"
    folder.mkdir()
    lengths = {"a": (4, 96), "b": (1, 96), "c": (6, 300), "d": (3, 96), "e": (5, 96)}
    for index, (name, (frames, width)) in enumerate(lengths.items()):
        source = ("synthetic-pan", "synthetic-pulse")[index % 2]
        images = [frame[..., :3].copy() for frame in synthetic_frames(source, 64, width, frames + index)]
        write_mp4(folder / f"{name}.mp4", np.stack(images[index:]), 10)
    (folder / "broken.mp4").write_bytes(b"no video")
    return folder


def run(*words: object) -> int:
    return main(["batch", *map(str, words)])


def manifest(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Everything but the times."""
    entries = parse_manifest((folder / "manifest.jsonl").read_text("utf-8"))
    return {name: (e.status, e.message, e.settings, e.frames, e.tokens) for name, e in entries.items()}


def results(folder: Path) -> dict[str, Any]:
    """All outputs' bytes, and the manifest."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.jsonl"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files} | manifest(folder)


@pytest.fixture(scope="module")
def one_by_one(clips: Path) -> dict[tuple[str, ...], dict[str, Any]]:
    found = {}
    for flags in (WHOLE, TILES):
        out = clips.parent / f"one-{len(found)}"
        assert run(clips, "--out", out, *flags) == 1
        found[flags] = results(out)
    return found


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The processor does what a GPU does; how many videos each of its batches had."""
    sizes: list[int] = []
    execute = NativeBatch.execute

    def counted(self: NativeBatch, runs: Any) -> Any:
        sizes.append(len(runs))
        return execute(self, runs)

    monkeypatch.setattr(NativeRuntime, "batches", True)
    monkeypatch.setattr(NativeBatch, "execute", counted)
    return sizes


@pytest.mark.parametrize("flags", [WHOLE, TILES], ids=["whole", "tiles"])
def test_videos_side_by_side_give_what_they_give_one_by_one(
    flags: tuple[str, ...],
    clips: Path,
    tmp_path: Path,
    one_by_one: dict[tuple[str, ...], dict[str, Any]],
    gpu: list[int],
) -> None:
    """More videos than places: one that ends, or cannot be decoded, makes place for the next one."""
    assert run(clips, "--out", tmp_path / "out", *flags, "--streams", "3") == 1
    assert results(tmp_path / "out") == one_by_one[flags]
    assert max(gpu) >= 3


@pytest.mark.parametrize("flags", [WHOLE, TILES], ids=["whole", "tiles"])
def test_on_a_cpu_too(
    flags: tuple[str, ...], clips: Path, tmp_path: Path, one_by_one: dict[tuple[str, ...], dict[str, Any]]
) -> None:
    assert run(clips, "--out", tmp_path / "out", *flags, "--streams", "3") == 1
    assert results(tmp_path / "out") == one_by_one[flags]
