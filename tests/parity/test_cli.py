from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import oracle
import pytest
from PIL import Image

from autogaze_web import AutoGaze, AutoGazeImageProcessor
from autogaze_web.cli.main import main
from autogaze_web.files.mp4_writer import write_mp4
from autogaze_web.files.video import read_frames
from autogaze_web.graph.build import runtime_nodes
from autogaze_web.live.view import LiveSettings, LiveView


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_mp4(path, oracle.frames_224()[:6], 25)
    return path


def test_trace_is_what_the_model_says(clip: Path, folder: Callable[[str], Path], tmp_path: Path) -> None:
    out = tmp_path / "trace.json"
    model = folder("tiny")
    assert main(["trace", str(clip), "--model", str(model), "--max-tokens", "7", "--json", str(out)]) == 0
    trace = json.loads(out.read_text())
    assert (trace["format"], trace["version"]) == ("autogaze-trace", 1)
    assert trace["video"] == {"name": "clip.mp4", "width": 224, "height": 224, "frames_per_second": 25.0}
    assert trace["mask_source"]["grids"] == [1, 2, 4]
    assert len(trace["frames"]) == 6

    stream = AutoGaze.from_pretrained(model).stream(0.75, 0.7, max_tokens=7)
    processor = AutoGazeImageProcessor.from_pretrained(model)
    for entry, frame in zip(trace["frames"], read_frames(clip), strict=True):
        gaze = stream.step(processor(frame[None])[0])
        kept = ~gaze.if_padded_gazing[0]
        assert entry["tokens"] == gaze.gazing_pos[0][kept].tolist()
        assert len(entry["tokens"]) + entry["padded"] <= 7
        cells = gaze.cells()
        assert entry["scale"] == cells.grid.tolist()
        assert entry["cell"] == np.stack([cells.row, cells.col], axis=1).tolist()
        np.testing.assert_allclose(entry["confidence"], cells.confidence, atol=1e-6)


@pytest.mark.parametrize(("loss", "padded"), [("off", False), ("1e9", True)])
def test_task_loss(
    loss: str, padded: bool, clip: Path, folder: Callable[[str], Path], tmp_path: Path
) -> None:
    out = tmp_path / "trace.json"
    options = ["--model", str(folder("tiny")), f"--task-loss={loss}", "--frames", "2", "--json", str(out)]
    assert main(["trace", str(clip), *options]) == 0
    frames = json.loads(out.read_text())["frames"]
    assert [bool(frame["padded"]) for frame in frames] == [padded] * 2
    assert all(len(frame["tokens"]) == (1 if padded else 15) for frame in frames)


def test_trace_to_the_terminal(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", str(clip), "--frames", "2", "--json", "-"]) == 0
    assert len(json.loads(capsys.readouterr().out)["frames"]) == 2


def test_trace_as_a_table(
    clip: Path, folder: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", str(clip), "--model", str(folder("tiny")), "--frames", "3"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["frame", "tokens", "1x1", "2x2", "4x4", "update", "PSNR"]
    assert len(rows) == 3
    for row in rows:
        _, tokens, *counts = (int(word) for word in row.split()[:5])
        assert tokens == sum(counts) > 0
    assert rows[0].split()[-2:] == ["100.0%", "999.9"]


@pytest.mark.parametrize("suffix", ["gif", "mp4", "png"])
def test_render(suffix: str, clip: Path, folder: Callable[[str], Path], tmp_path: Path) -> None:
    out = tmp_path / f"out.{suffix}"
    options = ["--model", str(folder("tiny")), "--panel-height", "64", "--out", str(out)]
    assert main(["render", str(clip), *options]) == 0
    size = 3 * 64 + 2 * 4
    if suffix == "mp4":
        frames = list(read_frames(out))
        assert len(frames) == 6
        assert frames[0].shape == (64, size, 3)
    else:
        with Image.open(out) as image:
            assert image.size == ((size, 64) if suffix == "gif" else (size, 6 * 64 + 5 * 4))
            assert getattr(image, "n_frames", 1) == (6 if suffix == "gif" else 1)


def test_options_of_the_page_are_flags(clip: Path, tmp_path: Path) -> None:
    plain, shown = tmp_path / "plain.png", tmp_path / "shown.png"
    flags = ["--patch-grid", "7", "--threshold", "0.05", "--mask-mode", "overlay", "--palette", "cvd"]
    for out, more in ((plain, []), (shown, flags)):
        assert main(["render", str(clip), "--panel-height", "224", "--out", str(out), *more]) == 0
    settings = LiveSettings.of(dict(zip((flag[2:] for flag in flags[::2]), flags[1::2], strict=True)))
    view = LiveView(settings)
    for frame in read_frames(clip):
        view.step(frame)
    with Image.open(shown) as image:
        mask = np.asarray(image)[-224:, 228:452]
    np.testing.assert_array_equal(mask, view.mask[..., :3])
    assert plain.read_bytes() != shown.read_bytes()


def test_export(folder: Callable[[str], Path], tmp_path: Path) -> None:
    out = tmp_path / "graphs"
    assert main(["export", "--config", str(folder("tiny") / "config.json"), "--out", str(out)]) == 0
    manifest = json.loads((out / "graphs.json").read_text())
    assert [graph["file"] for graph in manifest["graphs"]] == [
        *("frame-2.onnx", "frame-3.onnx", "frame-5.onnx", "steps-1.onnx"),
        *("frame-2-gpu.onnx", "frame-3-gpu.onnx", "frame-5-gpu.onnx", "steps-1-gpu.onnx"),
    ]
    assert manifest["architecture"]["decoder"]["num_multi_token_pred"] == 3
    for graph in manifest["graphs"]:
        model = onnx.load(out / graph["file"], load_external_data=False)
        for kind, values in (("inputs", model.graph.input), ("outputs", model.graph.output)):
            shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}
            assert shapes == graph[kind]
            assert all(size > 0 for shape in shapes.values() for size in shape)
        assert runtime_nodes(model) > 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trace", "none.mp4", "--json", "-"], "there is no file none.mp4"),
        (["trace", "CLIP", "--model", "nowhere", "--json", "-"], "is no folder"),
        (["trace", "CLIP", "--model", "EMPTY", "--json", "-"], "config.json"),
        (["trace", "CLIP", "--threshold", "-1", "--json", "-"], "threshold"),
        (["trace", "CLIP", "--task-loss", "low"], "task-loss-requirement is a number of at least 0"),
        (
            ["render", "CLIP", "--out", "x.gif", "--mask-mode", "nice"],
            "mask-visualization is one of",
        ),
        (["trace", "CLIP", "--store", "x.txt"], "--store x.txt must end in .safetensors or .json"),
        (["trace", "CLIP", "--metrics-csv", "no/folder/x.csv"], "no/folder/x.csv"),
        (["render", "CLIP", "--out", "x.jpg"], "must end in"),
        (["render", "CLIP", "--frames", "1", "--out", "no/folder/x.gif"], "cannot write"),
        (["export", "--config", "none.json", "--out", "x"], "cannot read none.json"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str],
    message: str,
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "EMPTY").mkdir()
    assert main([str(clip) if word == "CLIP" else word for word in arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert message in lines[0]


@pytest.mark.parametrize(
    "arguments", [["trace", "x", "--frames", "0"], ["trace", "x", "--width", "9"], [], ["dance"]]
)
def test_usage_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*arguments, "--json", "-"] if arguments[:1] == ["trace"] else arguments)
    assert stopped.value.code == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["trace", "render", "export"])
def test_help_shows_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert f"autogaze-web {command}" in capsys.readouterr().out


def decoded_example() -> Any:
    path = oracle.FULL / "example_input.mp4"
    if not path.exists():
        pytest.skip(oracle.HOW_TO)
    return path


def test_the_example_video_is_decoded_and_resized_like_upstream() -> None:
    from synthetic_formula import digest

    from autogaze_web.frames.resize import resize_bilinear_u8

    expected = oracle.read("weight_free", "example_input")
    frames = list(read_frames(decoded_example(), 16))
    hashes = [digest(frame) for frame in frames]
    assert hashes == expected["decoded_rgb24"]["sha256_each_frame_hwc"]
    resized = [digest(resize_bilinear_u8(frame, 224, 224)) for frame in frames]
    assert resized == expected["resized_rgb"]["sha256_each_frame_hwc"]
