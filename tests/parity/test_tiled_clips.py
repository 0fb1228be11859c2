"""AutoGaze on large frames in tiles: what each tile says by itself, put together."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
from recording import RecordingVideo

from autogaze_web import AutoGaze, AutoGazeImageProcessor
from autogaze_web.cli import progress
from autogaze_web.cli.main import main
from autogaze_web.files.mp4_writer import write_mp4
from autogaze_web.files.render import PngFiles
from autogaze_web.files.trace_store import Trace, load_traces, save_traces
from autogaze_web.files.video import read_frames
from autogaze_web.live.pipeline import Collector, run
from autogaze_web.masks.fixations import Fixations
from autogaze_web.native.sources import autogaze_source
from autogaze_web.tiles.stitching import stitch
from autogaze_web.tiles.tiling import Tiling

SIDE = 64  # of the tiny model's input
FRAMES = oracle.frames_224()[:2, :150, :200]


@pytest.fixture(scope="module")
def model(folder: Callable[[str], Path]) -> AutoGaze:
    return AutoGaze.from_pretrained(folder("tiny"))


@pytest.fixture(scope="module")
def clip(folder: Callable[[str], Path]) -> Any:
    return AutoGazeImageProcessor.from_pretrained(folder("tiny")).without_resizing()(FRAMES)


def assert_same(ours: Fixations, theirs: Fixations) -> None:
    for name in ("start", "end", "parts", "grid", "confidence"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


@pytest.mark.parametrize("mode", ["anyres", "full-resolution"])
def test_a_single_tile_is_the_realtime_mode(model: AutoGaze, clip: Any, mode: Any) -> None:
    clip = np.ascontiguousarray(clip[..., :SIDE, :SIDE])
    (result,) = model.generate_tiled(clip, Tiling(mode, SIDE, SIDE, SIDE, SIDE), 0.75, 0.7)
    stream = model.stream(0.75, 0.7)
    for frame, found in zip(clip, result.frames, strict=True):
        cells = stream.step(frame).cells()
        order = np.argsort(-cells.confidence, kind="stable")
        np.testing.assert_array_equal(
            found.rectangles(90, 160), Fixations.of(cells).select(order).rectangles(90, 160)
        )
        np.testing.assert_array_equal(found.confidence, cells.confidence[order])


def test_every_tile_is_a_video_of_its_own(model: AutoGaze, clip: Any) -> None:
    tiling = Tiling.full_resolution(150, 200, SIDE, 50)
    *_, result = model.generate_tiled(clip, tiling, 0.75, 0.7, max_tokens=4)
    padded = np.zeros((2, 3, *tiling.canvas), np.float32)
    padded[..., :150, :200] = clip
    alone = []
    for tile in range(len(tiling)):
        y, x = tiling.origin(tile)
        stream = model.stream(0.75, 0.7, max_tokens=4)
        alone.append([stream.step(frame).cells() for frame in padded[..., y : y + SIDE, x : x + SIDE]])
    for t in range(2):
        assert_same(result.frames[t], stitch(tiling, [cells[t] for cells in alone]))


def test_batches_show_what_is_known_and_change_nothing(model: AutoGaze, clip: Any) -> None:
    tiling = Tiling.anyres(150, 200, SIDE)
    (whole,) = model.generate_tiled(clip, tiling, 0.75, 0.7)
    states = list(model.generate_tiled(clip, tiling, 0.75, 0.7, batch_size=5))
    assert [(state.done, state.total) for state in states] == [(5, 12), (10, 12), (12, 12)]
    assert [len(state.frames) for state in states] == [2, 2, 2]
    counts = [len(state.frames[1]) for state in states]
    assert 0 < counts[0] < counts[1] < counts[2]
    for ours, theirs in zip(states[-1].frames, whole.frames, strict=True):
        assert_same(ours, theirs)


def test_the_rest_can_be_called_off(model: AutoGaze, clip: Any, recorded: list[RecordingVideo]) -> None:
    for state in model.generate_tiled(clip, Tiling.anyres(150, 200, SIDE), 0.75, batch_size=2):
        if state.done == 4:
            break
    assert len(recorded) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clip": np.zeros((1, 3, 9, 9), np.float64)}, "must be float32"),
        ({"clip": np.zeros((1, 3, 9, 8), np.float32)}, "frames of 9x9"),
        ({"clip": np.full((1, 3, 9, 9), 255, np.float32)}, "normalise the frames"),
        ({"batch_size": 0}, "a batch has at least 1 tile"),
        ({"max_tokens": 0}, "max_tokens must be at least 1"),
        ({"gazing_ratio": 2.0}, "between 0 and 1"),
    ],
)
def test_bad_input_gets_one_sentence(model: AutoGaze, change: dict[str, Any], message: str) -> None:
    arguments = {"clip": np.zeros((1, 3, 9, 9), np.float32), "gazing_ratio": 0.5, **change}
    with pytest.raises(ValueError, match=message):
        model.generate_tiled(tiling=Tiling.anyres(9, 9, SIDE), **arguments)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    write_mp4(path, oracle.frames_224()[:3, :150, :200], 25)
    return path


@pytest.mark.parametrize("mode", ["anyres", "full-res"])
def test_on_the_command_line(
    mode: str, model: AutoGaze, video: Path, folder: Callable[[str], Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(progress, "_INTERVAL", 0.0)  # draw every state, however fast the machine is
    out = tmp_path / "trace.json"
    command = ["trace", str(video), "--model", str(folder("tiny")), "--mode", mode, "--max-tokens", "4"]
    assert main([*command, "--tile-batch-size", "5", "--tile-stride", "50", "--json", str(out)]) == 0
    drawn = sys.stderr.getvalue()  # type: ignore[attr-defined]
    states = [(int(done), int(total)) for done, total in re.findall(r"\rtiles \[[#.]+\] (\d+)/(\d+) ", drawn)]
    trace = json.loads(out.read_text())
    source = trace["mask_source"]
    assert source["mode"] == ("tiled" if mode == "anyres" else "full-resolution")
    assert (source["tile"], source["window"]) == (SIDE, 2)

    tiling = Tiling.anyres(150, 200, SIDE) if mode == "anyres" else Tiling.full_resolution(150, 200, SIDE, 50)
    processor = AutoGazeImageProcessor.from_pretrained(folder("tiny")).without_resizing()
    frames = processor(np.stack(list(read_frames(video))))
    per_frame = states[: len(states) // len(frames)]
    assert states == len(frames) * per_frame
    assert per_frame[-1] == (len(tiling), len(tiling))
    assert all(0 < after[0] - before[0] <= 5 for before, after in pairwise([(0, 0), *per_frame]))
    for index, entry in enumerate(trace["frames"]):
        # Each frame with the one before it.
        pair = frames[max(index - 1, 0) : index + 1]
        *_, result = model.generate_tiled(pair, tiling, 0.75, 0.7, max_tokens=4)
        found = result.frames[-1]
        assert entry["scale"] == found.grid.tolist()
        assert entry["edges"] == np.concatenate([found.start, found.end, found.parts], axis=1).tolist()
        assert entry["tokens"] == list(range(len(found)))
    assert 0 < trace["frames"][1]["mask_ratio"] <= 1


def test_a_pipeline_of_a_video_with_a_model_and_a_trace(
    video: Path, folder: Callable[[str], Path], tmp_path: Path
) -> None:
    collected = Collector()
    source = autogaze_source(str(folder("tiny")), max_tokens=4)
    run(read_frames(video), source, [collected, PngFiles(tmp_path / "frames")])
    save_traces(tmp_path / "clip.safetensors", [Trace.of([frame.cells for frame in collected.frames])])

    (trace,) = load_traces(tmp_path / "clip.safetensors")
    stream = AutoGaze.from_pretrained(folder("tiny")).stream(0.75, 0.7, max_tokens=4)
    processor = AutoGazeImageProcessor.from_pretrained(folder("tiny"))
    for frame, stored in zip(read_frames(video), trace.frames, strict=True):
        assert_same(stored, Fixations.of(stream.step(processor(frame[None])[0]).cells()))
    assert len(list((tmp_path / "frames").iterdir())) == len(trace.frames) == 3


def test_an_unknown_mode_is_said(video: Path, folder: Callable[[str], Path], capsys: Any) -> None:
    command = ["trace", str(video), "--model", str(folder("tiny")), "--json", "-"]
    assert main([*command, "--mode", "huge"]) == 2
    assert "mode is one of realtime, tiled, full-resolution, got 'huge'" in capsys.readouterr().err
    assert main([*command, "--mode", "full-res", "--tile-stride", "0"]) == 2
    assert "tile-stride is a whole number from 1" in capsys.readouterr().err
