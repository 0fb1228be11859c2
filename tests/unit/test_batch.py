"""Many videos: what is done and what is not, whatever interrupts the work and whichever engine does it."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fsspec import AbstractFileSystem, register_implementation
from PIL import Image

from autogaze_web.batch import remote
from autogaze_web.batch import run as batch
from autogaze_web.batch.engines import SerialEngine
from autogaze_web.batch.manifest import Entry, FileState, entry_line, head_line, parse_manifest
from autogaze_web.batch.planning import Source, assign_names, reason_to_run, segments
from autogaze_web.batch.settings import BatchSettings, fingerprint
from autogaze_web.batch.sources import find_sources
from autogaze_web.batch.video_job import selected
from autogaze_web.cli.main import main
from autogaze_web.cli.progress import BatchLine
from autogaze_web.files.gaze_store import gaze_to_bytes, load_gaze
from autogaze_web.files.mp4_writer import write_mp4
from autogaze_web.files.stored_gaze import StoredGaze
from autogaze_web.files.video import read_frames
from autogaze_web.limits import MIN_FREE_BYTES
from autogaze_web.live.pipeline import process_frames, synthetic_frames
from autogaze_web.live.settings import LiveSettings
from autogaze_web.native.sources import autogaze_source
from autogaze_web.tiles.inference_mode import InferenceMode

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "site" / "model"
FAST = ("--model", str(MODEL), "--max-tokens", "7", "--task-loss", "off")
TILES = (*FAST, "--tiles", "--frames-per-clip", "2")


def write_clip(path: Path, frames: int = 3, source: str = "synthetic-pan", width: int = 96) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [frame[..., :3].copy() for frame in synthetic_frames(source, 64, width, frames)]
    write_mp4(path, np.stack(images), 10)
    return path


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three videos, one of them in a folder, and a file that is none."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "clips"
    write_clip(folder / "a.mp4", 3)
    write_clip(folder / "b.mp4", 4, "synthetic-pulse")
    write_clip(folder / "deep" / "c.mp4", 2)
    (folder / "notes.md").write_text("no video")
    return folder


def run(*words: object) -> int:
    return main(["batch", *map(str, words)])


def manifest(folder: Path) -> dict[str, Entry]:
    return parse_manifest((folder / "manifest.jsonl").read_text("utf-8"))


def results(folder: Path) -> dict[str, bytes]:
    """Everything but the manifest, which has times."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.jsonl"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_batch_writes_what_trace_writes(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(clips, "--out", out, *FAST, "--masks") == 0
    assert sorted(results(out)) == [
        f"{name}.mp4.{kind}"
        for name in ("a", "b", "deep/c")
        for kind in ("gazing.npz", "masks.zip", "trace.json")
    ]
    assert main(["trace", str(clips / "b.mp4"), *FAST, "--json", str(tmp_path / "b.json")]) == 0
    assert (out / "b.mp4.trace.json").read_bytes() == (tmp_path / "b.json").read_bytes()

    source = autogaze_source(str(MODEL), 7, None, early_stop=False)
    processed = [frame.copy() for frame in process_frames(read_frames(clips / "b.mp4"), source)]
    stored = load_gaze(out / "b.mp4.gazing.npz")
    assert [stored.cells(frame).grid.tolist() for frame in range(4)] == [
        each.cells.grid.tolist() for each in processed
    ]
    with zipfile.ZipFile(out / "b.mp4.masks.zip") as archive:
        mask = np.asarray(Image.open(io.BytesIO(archive.read("000003.png"))))
    view = LiveSettings()
    np.testing.assert_array_equal(mask, view.mask.footprint(processed[3].cells, 64, 96).plan.pixels())
    entry = manifest(out)["b.mp4"]
    assert (entry.status, entry.frames, entry.tokens) == ("done", 4, 28)


@pytest.mark.parametrize(
    "given",
    [{}, {"mode": "tiled"}, {"mode": "full-resolution", "tile-stride": "160"}],
    ids=["whole", "tiled", "full"],
)
def test_gazing_info_has_the_bytes_of_the_store(given: dict[str, str], tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 3, width=300)
    flags = [word for name, value in given.items() for word in (f"--{name}", value)]
    assert run(clip, "--out", tmp_path / "out", "--model", MODEL, "--max-tokens", "12", *flags) == 0
    mode = InferenceMode(given.get("mode", "realtime"), 160, frames=2 if given else 16)  # type: ignore[arg-type]
    source = autogaze_source(str(MODEL), 12, mode=mode)
    frames = [frame.record for frame in process_frames(read_frames(clip), source)]
    stored = StoredGaze.of_choices(
        [record.choice for record in frames],
        source.describe()["grids"],
        [0, 0.1, 0.2],
        source.describe(),
        mode.tiling(64, 300, 224) if given else None,
    )
    assert (tmp_path / "out" / "clip.mp4.gazing.npz").read_bytes() == gaze_to_bytes(stored, ".npz")


def test_a_second_run_does_what_is_missing_or_changed(
    clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = clips.parent / "out"

    def ran(*more: str) -> str:
        assert run(clips, "--out", out, *more) == 0
        return capsys.readouterr().out.partition(": ")[2].strip()

    assert ran() == "3 done"
    assert ran() == "3 already there"
    os.utime(clips / "a.mp4")  # newer, with the same contents
    assert ran("--palette", "cvd", "--threads", "1") == "3 already there"
    write_clip(clips / "a.mp4", 2)
    assert ran() == "1 done, 2 already there"
    (out / "b.mp4.trace.json").write_bytes(b"{}")
    (out / "deep" / "c.mp4.gazing.npz").unlink()
    assert ran() == "2 done, 1 already there"
    assert ran("--threshold", "0.3") == "3 done"
    assert ran("--threshold", "0.3", "--masks") == "3 done"
    assert ran("--threshold", "0.30") == "3 already there"
    assert len((out / "manifest.jsonl").read_text().splitlines()) == 1 + 3


def test_failures_do_not_stop_the_rest(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = clips.parent / "out"
    whole = (clips / "b.mp4").read_bytes()
    (clips / "0.mp4").write_bytes(b"no video at all")
    (clips / "b.mp4").write_bytes(whole[: len(whole) // 2])
    listed = clips.parent / "list.txt"
    listed.write_text("# videos\n\nclips\nclips/gone.mp4\n", encoding="utf-8-sig")
    assert run(listed, "--out", out) == 1
    said = capsys.readouterr()
    assert said.out.endswith("2 done, 3 failed\n")
    for name in ("0.mp4", "b.mp4", "gone.mp4"):
        (line,) = [line for line in said.err.splitlines() if line.startswith(f"failed: {name}: ")]
        assert "Traceback" not in line
    assert manifest(out)["gone.mp4"].status == "failed"
    (clips / "b.mp4").write_bytes(whole)
    assert run(listed, "--out", out) == 1
    assert "1 done, 2 failed, 2 already there" in capsys.readouterr().out


def test_a_damaged_video_is_processed_as_far_as_it_goes(tmp_path: Path) -> None:
    sample = (ROOT / "tests" / "data" / "example_input.webm").read_bytes()
    (tmp_path / "cut.webm").write_bytes(sample[: len(sample) // 2])
    for _ in range(2):  # what is there stays damaged
        assert run(tmp_path / "cut.webm", "--out", tmp_path / "out", "--every", "9") == 3
    entry = manifest(tmp_path / "out")["cut.webm"]
    assert entry.status == "damaged"
    assert "cut off" in entry.message
    assert entry.frames > 0


def test_every_and_frames(clips: Path, tmp_path: Path) -> None:
    assert run(clips / "b.mp4", "--out", tmp_path / "out", "--every", "2", "--frames", "9") == 0
    trace = json.loads((tmp_path / "out" / "b.mp4.trace.json").read_text())
    assert [frame["time"] for frame in trace["frames"]] == [0, 0.2]
    assert trace["video"]["frames_per_second"] == 5
    assert list(selected(iter(range(9)), 3, None)) == [0, 3, 6]  # type: ignore[arg-type]


def test_processes_and_segments_write_the_same_bytes(clips: Path, tmp_path: Path) -> None:
    write_clip(clips / "a.mp4", 7, width=300)
    assert run(clips, "--out", tmp_path / "one", *TILES) == 0
    assert run(clips, "--out", tmp_path / "two", *TILES, "--workers", "2", "--segment-frames", "3") == 0
    assert results(tmp_path / "one") == results(tmp_path / "two")
    assert {name: (e.frames, e.tokens) for name, e in manifest(tmp_path / "one").items()} == {
        name: (e.frames, e.tokens) for name, e in manifest(tmp_path / "two").items()
    }


KILLED = """
import os, signal, sys
from pathlib import Path
from autogaze_web.batch.outputs import TraceWriter
from autogaze_web.cli.main import main
os.environ.setdefault("BATCH", str(os.getpid()))
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a background job of a shell inherits ignored
out, how, *words = sys.argv[1:]
add = TraceWriter.add
def add_and_kill(self, processed, mask):
    add(self, processed, mask)
    if Path(out, "manifest.jsonl").read_bytes().count(b"\\n") > 1:
        os.kill(int(os.environ["BATCH"]), int(how))
TraceWriter.add = add_and_kill
if __name__ == "__main__":
    raise SystemExit(main(["batch", "--out", out, *words]))
"""


def killed_in_the_middle(clips: Path, out: Path, how: int, *flags: str) -> int:
    """Runs a batch that is ended while it works on a video, once the first one's entry is written."""
    script = clips.parent / "killed.py"
    script.write_text(KILLED)
    words = [sys.executable, str(script), str(out), str(int(how)), str(clips), *flags]
    return subprocess.run(words, capture_output=True, check=False).returncode


def test_what_killed_workers_leave_is_removed_when_a_batch_is_interrupted(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_engine: SerialEngine) -> None:
        raise KeyboardInterrupt

    def kill(_engine: SerialEngine) -> None:
        (tmp_path / "out" / "deep").mkdir()
        (tmp_path / "out" / "deep" / ".autogaze-web-1.part").write_text("half of")

    monkeypatch.setattr(SerialEngine, "next", interrupt)
    monkeypatch.setattr(SerialEngine, "close", kill)
    assert run(clips, "--out", tmp_path / "out") == 130
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == ["deep", "manifest.jsonl"]


@pytest.mark.parametrize(
    ("how", "flags"), [(signal.SIGINT, FAST), (signal.SIGKILL, ("--workers", "2"))], ids=["model", "workers"]
)
def test_an_interrupted_batch_is_resumed_without_loss(
    how: signal.Signals, flags: tuple[str, ...], clips: Path, tmp_path: Path
) -> None:
    one = write_clip(clips / "a.mp4", 12).read_bytes()
    for index in range(5):
        (clips / f"{index}.mp4").write_bytes(one)
    out = tmp_path / "out"
    status = killed_in_the_middle(clips, out, how, *flags)
    assert status == (130 if how == signal.SIGINT else -signal.SIGKILL)
    if how == signal.SIGINT:
        assert not list(out.rglob("*.part"))
    before = manifest(out)
    assert 1 <= len(before) < 8
    with (out / "manifest.jsonl").open("ab") as file:
        file.write(b'{"name": "torn')
    kept = {name: (out / f"{name}.trace.json").stat().st_mtime_ns for name in before}
    deadline = time.monotonic() + 60
    while run(clips, "--out", out, *flags) != 0:  # a killed batch's workers may need a moment to end
        assert time.monotonic() < deadline
    assert {name: (out / f"{name}.trace.json").stat().st_mtime_ns for name in before} == kept
    assert run(clips, "--out", tmp_path / "whole", *flags) == 0
    assert results(out) == results(tmp_path / "whole")


def test_two_batches_do_not_share_a_folder(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = clips.parent / "out"
    with batch.exclusive(out):
        assert run(clips, "--out", out) == 2
    assert "another batch works in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["gone.mp4"], "there is no file or folder gone.mp4: check its name"),
        (["gone/*.mp4"], "no file matches gone/*.mp4: check the pattern"),
        (["empty"], "the folder empty has no video: give a folder with files such as .mp4 or .webm"),
        (["empty.txt"], "the list empty.txt names no video: give one path on each line"),
        (["bytes.txt"], "bytes.txt is not a list of videos in UTF-8: give one path on each line"),
        (["clips", "--model", "gone"], "there is no folder 'gone': give a folder with config.json and"),
        (["clips", "--out", "clips/a.mp4"], "a.mp4: it is a file or in one; name a folder"),
        (["clips", "--out", "taken"], "manifest.jsonl is not the manifest of a batch"),
        (["clips", "--tiles"], "--tiles needs a model"),
        (
            ["clips", "--tiles", "--mode", "realtime", "--model", "x"],
            "--tiles and --mode realtime contradict",
        ),
        (["clips", "--segment-frames", "8"], "--segment-frames needs a model and --tiles"),
        (["clips", "--address", "x:1"], "--address is that of a Ray cluster: add --engine ray"),
        (["clips", "--mask-geometry", "round"], "mask-geometry is one of"),
        (
            ["clips", "--device", "cuda", "--model", str(MODEL)],
            "needs ONNX Runtime",
        ),
    ],
)
def test_wrong_arguments_end_in_a_sentence(
    words: list[str], sentence: str, clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = clips.parent
    (here / "empty").mkdir()
    (here / "empty.txt").write_text("# nothing\n")
    (here / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    (here / "taken").mkdir()
    (here / "taken" / "manifest.jsonl").write_text('{"mine": 1}\n')
    assert run(*words, *([] if "--out" in words else ["--out", "out"])) == 2
    assert sentence in capsys.readouterr().err
    assert (here / "taken" / "manifest.jsonl").read_text() == '{"mine": 1}\n'


def test_sources_are_found(clips: Path) -> None:
    here = clips.parent
    (clips / ".hidden.mp4").write_bytes(b"")
    (here / "more").mkdir()
    (here / "more" / "list.txt").write_text("../clips/a.mp4\nclips/deep\n")
    (clips / "same.mp4").symlink_to(clips / "a.mp4")

    def names(*words: str) -> list[str]:
        found = assign_names(find_sources(words, here / "clips" / "deep"), {}, lambda *_: False)
        return [source.name for source in found]

    assert names("clips") == ["a.mp4", "b.mp4"]  # same.mp4 is a.mp4; the outputs' folder is left out
    assert names("clips/*.mp4", "clips/a.mp4") == ["a.mp4", "b.mp4"]
    assert names("more/list.txt") == ["a.mp4", "c.mp4"]
    assert names("clips/notes.md") == ["notes.md"]


def test_remote_sources(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    address = f"file://{clips.as_posix()}"
    assert run(f"{address}/*.mp4", f"{address}/deep", "--out", out) == 0
    assert run(clips / "a.mp4", clips / "b.mp4", clips / "deep", "--out", tmp_path / "local") == 0
    assert results(out) == results(tmp_path / "local")
    assert run(address, "--out", out) == 0
    with pytest.raises(ValueError, match=r"there is no video at file://.*: check the address"):
        find_sources([f"{address}/*.webm"])


class EndlessFiles(AbstractFileSystem):  # type: ignore[misc]
    """A server whose files never end."""

    protocol = "endless"

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        return {"name": path, "size": None, "type": "file"}

    def open(self, *_: Any, **__: Any) -> Any:
        return Path("/dev/zero").open("rb")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a file without an end")
def test_a_remote_video_without_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    register_implementation("endless", EndlessFiles, clobber=True)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=MIN_FREE_BYTES))
        assert run("endless://host/a.mp4", "--out", tmp_path / "out") == 1
    assert "does not fit the folder for temporary files" in capsys.readouterr().err
    monkeypatch.setattr(remote, "MAX_REMOTE_BYTES", 9_000_000)
    assert run("endless://host/a.mp4", "--out", tmp_path / "out") == 1
    assert "has more than 0 GB: download it" in capsys.readouterr().err
    assert not list(tmp_path.glob("autogaze-web-*")), "nothing of it is left"


def test_entries_are_read_as_they_are_written() -> None:
    line = entry_line(Entry("a", "a", "s", "done", seconds=0.5)).replace("0.5", "0.12345")
    entries = parse_manifest(head_line() + line)
    assert parse_manifest(head_line() + entry_line(entries["a"])) == entries


def test_a_name_belongs_to_one_video() -> None:
    def entry(name: str, address: str) -> Entry:
        return Entry(name, address, "s", "done")

    def assigned(*sources: tuple[str, str], same: bool = False, **owners: str) -> list[str]:
        entries = {f"{name}.mp4": entry(f"{name}.mp4", address) for name, address in owners.items()}
        found = [Source(*each) for each in sources]
        return [each.name for each in assign_names(found, entries, lambda *_: same)]

    assert assigned(("x/a.mp4", "a.mp4"), ("y/A.MP4", "A.MP4"))[0] == "a.mp4"
    assert assigned(("x/a.mp4", "a.mp4"), ("y/A.MP4", "A.MP4"))[1].startswith("A-")
    assert assigned(("y/a.mp4", "a.mp4"), ("x/a.mp4", "a.mp4"), a="x/a.mp4")[1] == "a.mp4"
    assert assigned(("y/a.mp4", "a.mp4"), a="x/a.mp4") != ["a.mp4"]
    assert assigned(("y/a.mp4", "a.mp4"), same=True, a="x/a.mp4") == ["a.mp4"]


def test_reasons_to_run() -> None:
    def reason(entry: Entry | None, outputs: tuple[str, ...] = ("trace",), same: bool = True) -> str | None:
        return reason_to_run(entry, "s", outputs, lambda _: same, lambda *_: True)

    state = FileState(1, "v", "d")
    entry = Entry("a", "a", "s", "done", state, {"trace": state})
    assert reason(entry) is None
    assert reason(None) == "new"
    assert reason(entry, ("trace", "masks")) == "an output is missing or changed"
    assert reason(entry, same=False) == "the video changed"
    assert reason(Entry("a", "a", "t", "done")) == "other settings"
    assert reason(Entry("a", "a", "s", "failed")) == "failed before"


def test_a_manifest_has_nothing_written_outside_of_its_folder(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "shared" / "out"
    (out / ".autogaze-web-1.part").mkdir(parents=True)  # of an export that was killed
    video = os.path.realpath(clips / "a.mp4")
    (out / "manifest.jsonl").write_text(head_line() + entry_line(Entry("../a.mp4", video, "s", "done")))
    assert run(video, "--out", out) == 0
    assert list(manifest(out)) == ["a.mp4"]
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_segments_cover_every_frame_once() -> None:
    for frames in range(1, 40):
        parts = segments(frames, 7)
        assert parts[0][0] == 0
        assert parts[-1][1] is None
        assert all(end == start for (_, end), (start, _) in pairwise(parts))


def test_fingerprints_tell_settings_apart() -> None:
    def of(**given: Any) -> str:
        return fingerprint(BatchSettings(**given), "")

    assert of() == of(threads=3) == of(given={"palette": "cvd"})
    assert len({of(), of(frames=3), of(every=2), of(stream=1), of(given={"keyframe-duration": "3"})}) == 5


def test_progress_has_a_rate_and_the_time_that_is_left() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal, file = Terminal(), io.StringIO()
    for out in (terminal, file):
        line = BatchLine({"a": 1, "b": 3}, out)
        line.frame(3)
        line.message("failed: a: why")
        line.ended("a")
        line.close()
    assert "1/2" in terminal.getvalue()
    assert "/min" in terminal.getvalue()
    assert " left" in terminal.getvalue()
    assert file.getvalue() == "failed: a: why\n"


def test_a_video_that_kills_its_worker_fails_alone(clips: Path, tmp_path: Path) -> None:
    """The engine starts another worker; the job is tried twice."""
    code = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from autogaze_web.batch import video_job\n"
        "from autogaze_web.cli.main import main\n"
        "run = video_job.VideoWorker.run\n"
        "def deadly(self, job, on_frame=None):\n"
        "    if job.source.name == 'a.mp4':\n"
        "        with open('tries', 'a') as file: file.write('x')\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return run(self, job, on_frame)\n"
        "video_job.VideoWorker.run = deadly\n"
        "if __name__ == '__main__':\n"
        f"    raise SystemExit(main(['batch', {str(clips)!r}, '--out', 'out', '--workers', '2']))\n"
    )
    (tmp_path / "deadly.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "deadly.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout.endswith("2 done, 1 failed\n")
    assert "its worker ended twice (signal 9)" in done.stderr
    assert (tmp_path / "tries").read_text() == "xx"


def test_workers_that_find_no_model_end_the_batch(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = clips.parent / "model"
    broken.mkdir()
    (broken / "config.json").write_text("{}")
    for workers in ("1", "2"):
        assert run(clips, "--out", "out", "--model", broken, "--workers", workers) == 2
        assert "config.json" in capsys.readouterr().err


def test_the_library_runs_a_batch(clips: Path, tmp_path: Path) -> None:
    settings = BatchSettings(frames=1)
    (tmp_path / ".autogaze-web-1.part").write_text("half of")
    with batch.exclusive(tmp_path):
        todo = batch.prepare(tmp_path, settings, find_sources([str(clips)]))
        assert not list(tmp_path.rglob("*.part")), "of an earlier batch"
        summary = batch.run(todo, SerialEngine(settings), settings)
        (tmp_path / ".autogaze-web-2.part").write_text("half of")
    assert [entry.frames for entry in summary.done] == [1, 1, 1]
    assert not list(tmp_path.rglob("*.part"))
