from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
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
from autogaze_web.live.settings import LiveSettings
from autogaze_web.live.view import LiveView


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
    assert rows[0].split()[-2:] == ["100.0%", "inf"]


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


def test_export_of_an_encoder_writes_its_graph_and_that_of_the_decoder_beside_it(tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "site" / "encoder"
    assert main(["export", "--config", str(source / "config.json"), "--out", str(tmp_path / "both")]) == 0
    assert {path.name for path in (tmp_path / "both").iterdir()} == {
        "encoder.onnx",
        "frame_decoder.onnx",
        "encoder_graphs.json",
    }
    manifest = json.loads((tmp_path / "both" / "encoder_graphs.json").read_text())
    assert manifest["frame_decoder"]["inputs"] == {
        "features": ["rows", 192],
        "patch_ids": ["rows"],
        "ages": ["rows"],
    }
    (tmp_path / "config.json").write_text((source / "config.json").read_text())
    assert main(["export", "--config", str(tmp_path / "config.json"), "--out", str(tmp_path / "one")]) == 0
    assert "frame_decoder" not in json.loads((tmp_path / "one" / "encoder_graphs.json").read_text())


def test_export(folder: Callable[[str], Path], tmp_path: Path) -> None:
    out = tmp_path / "graphs"
    assert main(["export", "--config", str(folder("tiny") / "config.json"), "--out", str(out)]) == 0
    manifest = json.loads((out / "graphs.json").read_text())
    assert [graph["file"] for graph in manifest["graphs"]] == [
        *("frame-2.onnx", "frame-3.onnx"),
        *(f"steps-{steps}.onnx" for steps in (1, 2, 4, 8)),
        *("tiles-2.onnx", "tiles-3.onnx"),
        *("frame-2-gpu.onnx", "frame-3-gpu.onnx"),
        *("frame-2-gpu-768.onnx", "frame-3-gpu-768.onnx"),
        *(f"steps-{steps}-gpu.onnx" for steps in (1, 2, 4, 8)),
        *(f"tiles-{steps}-gpu.onnx" for steps in (2, 3, 5)),
    ]
    assert manifest["architecture"]["decoder"]["num_multi_token_pred"] == 3
    for graph in manifest["graphs"]:
        model = onnx.load(out / graph["file"], load_external_data=False)
        for kind, values in (("inputs", model.graph.input), ("outputs", model.graph.output)):
            shapes = {
                v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in values
            }
            assert shapes == graph[kind]
            symbolic = {"batch", "context"} if graph["kind"] == "tiles" else set()
            if graph["target"] == "cpu":
                symbolic.add("context")
            assert all(size in symbolic or size > 0 for shape in shapes.values() for size in shape)
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


def test_a_trace_has_the_times(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "trace.json"
    assert main(["trace", str(clip), "--json", str(out)]) == 0
    frames = json.loads(out.read_text())["frames"]
    assert [frame["time"] for frame in frames] == [0, 0.04, 0.08, 0.12, 0.16, 0.2]


@pytest.fixture
def damaged(clip: Path, tmp_path: Path) -> Path:
    """The clip without its last bytes, with its index in front."""
    import av

    path = tmp_path / "damaged.mp4"
    with av.open(str(clip)) as source, av.open(str(path), "w", options={"movflags": "faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    path.write_bytes(path.read_bytes()[:-500])
    return path


@pytest.mark.parametrize("name", ["out.json", "out.mp4", "out.gif", "out.png"])
def test_what_can_be_decoded_of_a_damaged_file_is_written(
    name: str, damaged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / name
    command = ["trace", "--json"] if name == "out.json" else ["render", "--panel-height", "32", "--out"]
    assert main([command[0], str(damaged), *command[1:], str(out)]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: {damaged} is damaged after 2 frames")
    if name == "out.json":
        assert len(json.loads(out.read_text())["frames"]) == 2
    else:
        assert out.stat().st_size > 0


def test_an_output_is_never_an_input(
    clip: Path, folder: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "clip.mp4"
    copy.write_bytes(clip.read_bytes())
    (tmp_path / "link.mp4").symlink_to(copy)
    config = folder("tiny") / "config.json"
    before = config.read_bytes()
    for arguments in (
        ["render", str(copy), "--out", f"{tmp_path}/../{tmp_path.name}/clip.mp4"],
        ["render", str(tmp_path / "link.mp4"), "--out", str(copy)],
        ["render", str(copy), "--out", str(tmp_path / "Clip.MP4")],
        ["trace", str(copy), "--model", str(config.parent), "--json", str(config)],
        ["trace", str(copy), "--json", str(tmp_path / "a.json"), "--store", str(tmp_path / "a.json")],
    ):
        assert main(arguments) == 2
        assert "is the same file as" in capsys.readouterr().err
    assert copy.read_bytes() == clip.read_bytes()
    assert config.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2


def test_names_with_dashes_and_colons(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("-clip.mp4", "12:30.mp4"):
        Path(name).write_bytes(clip.read_bytes())
        assert main(["trace", name, "--frames", "1", "--json", f"-{name}.json"]) == 0
        assert json.loads(Path(f"-{name}.json").read_text())["video"]["name"] == name
        assert main(["render", name, "--frames", "1", "--out", f"-o{name}"]) == 0
        assert len(list(read_frames(f"-o{name}"))) == 1


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A video of a minute."""
    path = tmp_path_factory.mktemp("long") / "clip.mp4"
    noise = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)
    write_mp4(path, (noise[index % 4] for index in range(1500)), 25)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("number", "status", "suffix"),
    [(signal.SIGINT, 130, "mp4"), (signal.SIGTERM, 143, "gif"), (signal.SIGINT, 130, "png")],
)
def test_an_interrupted_run_leaves_no_half_file(
    number: signal.Signals, status: int, suffix: str, long_clip: bytes, tmp_path: Path
) -> None:
    (tmp_path / "clip.mp4").write_bytes(long_clip)
    out = tmp_path / f"out.{suffix}"
    out.write_bytes(b"earlier")
    # Long and in the background, so that it cannot be done before the signal comes.
    command = ["nice", "-n", "19", sys.executable, "-m", "autogaze_web"]
    command += ["render", "clip.mp4", "--out", out.name]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not list(tmp_path.glob(".*.part")):
            time.sleep(0.01)
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    assert process.returncode == status
    assert error == "interrupted\n"
    assert out.read_bytes() == b"earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["clip.mp4", out.name])


def test_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (12, 96, 96, 3), np.uint8)
    write_mp4(tmp_path / "clip.mp4", noise, 25)
    for name in ("out.mp4", "out.gif", "out.png"):
        out = tmp_path / name
        out.write_bytes(b"earlier")
        code = (
            "import resource, sys; from autogaze_web.cli.main import main;"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); sys.exit(main(sys.argv[1:]))"
        )
        command = [sys.executable, "-c", code, "render", "clip.mp4", "--out", name]
        # A measurement of coverage could not write its own file either.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert done.stderr == f"error: cannot write {name}: File too large\n"
        assert out.read_bytes() == b"earlier"
    assert len(list(tmp_path.iterdir())) == 4


def test_an_error_of_the_system_without_a_file_names_none(
    clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("autogaze_web.cli.main.sigterm_interrupts", fail)
    assert main(["trace", str(clip)]) == 2
    assert capsys.readouterr().err == "error: No space left on device\n"


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
