"""What of a batch is on the disk when, should the power fail."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from autogaze_web.batch import run as batch
from autogaze_web.batch.engines import SerialEngine
from autogaze_web.batch.manifest import Entry, FileState
from autogaze_web.batch.outputs import sync_names
from autogaze_web.batch.settings import BatchSettings
from autogaze_web.batch.sources import find_sources
from autogaze_web.files.atomic_file import write_atomically
from autogaze_web.files.mp4_writer import write_mp4

NAMES = ("a.mp4", "deep/b.mp4", "other/c.mp4", "z/d.mp4")
SUFFIXES = (".trace.json", ".gazing.npz")


@pytest.mark.skipif(os.name != "posix", reason="only there have folders names to flush")
def test_a_video_is_on_the_disk_before_the_next_one_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips, out = tmp_path / "clips", tmp_path / "out"
    for name in NAMES:
        (clips / name).parent.mkdir(parents=True, exist_ok=True)
        write_mp4(clips / name, np.zeros((2, 32, 32, 3), np.uint8), 10)
    flushed: list[int] = []

    def fsync(handle: int) -> None:
        flushed.append(os.fstat(handle).st_ino)

    begun = []

    class Watched(SerialEngine):
        def next(self):
            if begun:
                last = out / begun[-1]
                written = [last.with_name(last.name + suffix) for suffix in SUFFIXES]
                for path in (*written, last.parent, out, out / "manifest.jsonl"):
                    assert path.stat().st_ino in flushed, path
                assert begun[-1] in (out / "manifest.jsonl").read_text()
                # Two files, the folder of their names, those that it is in; then the manifest.
                assert len(flushed) == 3 + len({last.parent, out})
                assert flushed[-1] == (out / "manifest.jsonl").stat().st_ino
            flushed.clear()
            begun.append(self._jobs[0].source.name)
            return super().next()

    settings = BatchSettings()
    todo = batch.prepare(out, settings, find_sources([str(clips)]))
    out.mkdir()
    monkeypatch.setattr(os, "fsync", fsync)
    assert len(batch.run(todo, Watched(settings), settings).done) == len(NAMES)
    assert begun == list(NAMES)
    assert (out / "z").stat().st_ino in flushed


@pytest.mark.skipif(os.name != "posix", reason="only there have folders names to flush")
def test_a_file_is_on_the_disk_before_it_has_its_name_and_then_the_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text("before")
    flushed = []

    def fsync(handle: int) -> None:
        flushed.append((os.fstat(handle).st_ino, path.read_text()))

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(path, b"after")
    assert flushed == [(path.stat().st_ino, "before"), (tmp_path.stat().st_ino, "after")]


@pytest.mark.skipif(os.name != "posix", reason="only there have folders names to flush")
def test_where_an_output_is_a_link_its_file_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    for folder in (out, elsewhere):
        folder.mkdir()
    (elsewhere / "trace").write_text("{}")
    (out / "a.mp4.trace.json").symlink_to(elsewhere / "trace")
    flushed: set[int] = set()
    monkeypatch.setattr(os, "fsync", lambda handle: flushed.add(os.fstat(handle).st_ino))
    state = FileState(1, "", "")
    sync_names(out, [Entry("a.mp4", "a.mp4", "s", "done", state, {"trace": state})])
    assert flushed == {out.stat().st_ino, elsewhere.stat().st_ino}
