"""Several videos at a time in one process: the same results, on any device, and whatever ends one of them."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import Fail

from autogaze_web.batch.manifest import parse_manifest
from autogaze_web.cli.main import main
from autogaze_web.files.mp4_writer import write_mp4
from autogaze_web.live.pipeline import synthetic_frames
from autogaze_web.native.batch import NativeBatch
from autogaze_web.native.runtime import NativeRuntime
from autogaze_web.native.shared_sources import Place, SharedSources

MODEL = Path(__file__).parents[2] / "site" / "model"
# Two steps, of which frames that end early take one.
WHOLE = ("--model", str(MODEL), "--max-tokens", "12")
TILES = ("--model", str(MODEL), "--max-tokens", "7", "--tiles", "--frames-per-clip", "2")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six videos of one to six frames, one of which is wide and one ends in black; a file that is none."""
    folder = tmp_path_factory.mktemp("streams") / "clips"
    folder.mkdir()
    lengths = {"a": (4, 96), "ab": (3, 96), "b": (1, 96), "c": (6, 300), "d": (3, 96), "e": (5, 96)}
    for index, (name, (frames, width)) in enumerate(lengths.items()):
        source = ("synthetic-pan", "synthetic-pulse")[index % 2]
        images = [frame[..., :3].copy() for frame in synthetic_frames(source, 64, width, frames + index)]
        if name == "ab":
            images[-1][:] = 0
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


def together(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Lets the first videos wait for each other before any of their frames is computed."""
    begun, one, left = threading.Barrier(count, timeout=60), threading.Lock(), iter(range(count))
    usual = SharedSources.open

    def waiting(self: SharedSources) -> Place:
        place = usual(self)
        with one:
            is_first = next(left, None) is not None
        if is_first:
            begun.wait()
        return place

    monkeypatch.setattr(SharedSources, "open", waiting)


@pytest.mark.parametrize("device", ["cpu", "gpu"])
@pytest.mark.parametrize("flags", [WHOLE, TILES], ids=["whole", "tiles"])
def test_videos_side_by_side_give_what_they_give_one_by_one(
    device: str, flags: tuple[str, ...], clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More videos than places: one that ends, or cannot be decoded, makes place for the next one."""
    monkeypatch.setattr(NativeRuntime, "batches", device == "gpu")
    sizes: list[int] = []
    execute = NativeBatch.execute

    def counted(self: NativeBatch, runs: Any) -> Any:
        sizes.append(len(runs))
        return execute(self, runs)

    monkeypatch.setattr(NativeBatch, "execute", counted)
    assert run(clips, "--out", tmp_path / "one", *flags) == 1
    alone = sizes[:1]
    sizes.clear()
    together(monkeypatch, 3)
    assert run(clips, "--out", tmp_path / "three", *flags, "--streams", "3") == 1
    assert results(tmp_path / "one") == results(tmp_path / "three")
    if device == "gpu":
        assert sizes[0] == 3 * alone[0], "a batch has frames of three videos of one size"


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NativeRuntime, "batches", True)


@pytest.mark.parametrize("flags", [WHOLE, TILES], ids=["whole", "tiles"])
@pytest.mark.usefixtures("gpu")
def test_a_video_that_gives_nan_changes_no_other_one(
    flags: tuple[str, ...],
    clips: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The model is given NaN for the black frame, as part of a batch with frames of others."""
    assert run(clips, "--out", tmp_path / "one", *flags) == 1
    execute = NativeBatch.execute
    sizes = []

    def broken(self: NativeBatch, runs: Any) -> Any:
        given = []
        for place, each in runs:
            frame = each.feeds["frame"]
            if frame.max() < -0.9:
                each = replace(each, feeds=each.feeds | {"frame": np.full_like(frame, np.nan)})
                sizes.append(len(runs))
            given.append((place, each))
        return execute(self, given)

    monkeypatch.setattr(NativeBatch, "execute", broken)
    together(monkeypatch, 3)
    capsys.readouterr()
    assert run(clips, "--out", tmp_path / "three", *flags, "--streams", "3") == 1
    assert max(sizes) > 1
    assert "failed: ab.mp4: the model computed NaN" in capsys.readouterr().err
    one, three = results(tmp_path / "one"), results(tmp_path / "three")
    assert three.pop("ab.mp4")[0] == "failed"
    assert three == {name: value for name, value in one.items() if not name.startswith("ab.")}


@pytest.mark.usefixtures("gpu")
def test_a_run_that_fails_ends_its_videos_and_no_later_one(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where a GPU has no memory left; with ONNX Runtime's own exception, which is no RuntimeError."""
    assert run(clips, "--out", tmp_path / "out", *WHOLE) == 1
    whole = results(tmp_path / "out")
    execute = NativeBatch.execute
    failing = iter([True])

    def fails_once(self: NativeBatch, runs: Any) -> Any:
        if len(runs) == 3 and next(failing, False):
            raise Fail("CUDA out of memory\nat a line of C++")
        return execute(self, runs)

    monkeypatch.setattr(NativeBatch, "execute", fails_once)
    together(monkeypatch, 3)
    capsys.readouterr()
    assert run(clips, "--out", tmp_path / "again", *WHOLE, "--streams", "3") == 1
    sentence = "the model could not be run (CUDA out of memory): use fewer --streams"
    assert capsys.readouterr().err.count(sentence) == 3
    found = manifest(tmp_path / "again")
    assert {name for name, entry in found.items() if sentence in entry[1]} == {"a.mp4", "ab.mp4", "b.mp4"}
    assert run(clips, "--out", tmp_path / "again", *WHOLE, "--streams", "3") == 1
    assert results(tmp_path / "again") == whole


INTERRUPTED = """
import os, signal, sys
from autogaze_web.batch.outputs import TraceWriter
from autogaze_web.cli.main import main
from autogaze_web.native.runtime import NativeRuntime
NativeRuntime.batches = True
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a background job of a shell inherits ignored
how, name, *words = sys.argv[1:]
add = TraceWriter.add
def add_and_end(self, processed, mask):
    add(self, processed, mask)
    if self._video["name"] == name and self._count == 3:
        os.kill(os.getpid(), int(how))
TraceWriter.add = add_and_end
if __name__ == "__main__":
    raise SystemExit(main(["batch", *words]))
"""


def test_an_interrupted_batch_leaves_no_parts_and_is_resumed(clips: Path, tmp_path: Path) -> None:
    script = tmp_path / "ended.py"
    script.write_text(INTERRUPTED)
    out = tmp_path / "out"
    words = [str(clips), "--out", str(out), *WHOLE, "--streams", "3"]
    done = subprocess.run(
        [sys.executable, str(script), str(int(signal.SIGINT)), "d.mp4", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 130, done.stderr
    assert not list(out.rglob("*.part"))
    before = manifest(out)
    assert "d.mp4" not in before
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NativeRuntime, "batches", True)
        assert run(*words) == 1
        assert run(clips, "--out", tmp_path / "one", *WHOLE) == 1
    assert results(out) == results(tmp_path / "one")


def test_a_video_that_kills_its_worker_costs_no_other_one(clips: Path, tmp_path: Path) -> None:
    """What was processed beside it is done again without it, and by workers that take several again."""
    script = tmp_path / "ended.py"
    script.write_text(INTERRUPTED)
    out = tmp_path / "out"
    words = [str(clips), "--out", str(out), *WHOLE, "--streams", "2", "--workers", "2"]
    done = subprocess.run(
        [sys.executable, str(script), str(int(signal.SIGKILL)), "d.mp4", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "failed: d.mp4: its worker ended twice (signal 9)" in done.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NativeRuntime, "batches", True)
        assert run(clips, "--out", tmp_path / "one", *WHOLE) == 1
    one, two = results(tmp_path / "one"), results(out)
    assert two.pop("d.mp4")[0] == "failed"
    assert two == {name: value for name, value in one.items() if not name.startswith("d.")}


@pytest.mark.usefixtures("gpu")
def test_segments_side_by_side(clips: Path, tmp_path: Path) -> None:
    assert run(clips, "--out", tmp_path / "one", *TILES) == 1
    assert run(clips, "--out", tmp_path / "two", *TILES, "--streams", "3", "--segment-frames", "2") == 1
    assert results(tmp_path / "one") == results(tmp_path / "two")


def test_wrong_flags_end_in_a_sentence(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ("--out", clips.parent / "wrong")
    assert run(clips, *out, "--streams", "2") == 2
    assert "--streams needs a model" in capsys.readouterr().err
    assert run(clips, *out, *WHOLE, "--streams", "2", "--engine", "ray") == 2
    assert "a Ray task is one video: leave --streams out" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(clips, *out, *WHOLE, "--streams", "0")
    assert "1 to 1024" in capsys.readouterr().err
