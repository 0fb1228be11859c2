"""The whole way in small: a corpus of pictures, a training, a checkpoint that the package runs."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the tests of training need torch: pip install --group dev")

from PIL import Image  # noqa: E402
from tiny_model import tiny_values  # noqa: E402

from autogaze_train.__main__ import earlier_weights, main  # noqa: E402
from autogaze_train.corpus import CorpusError, packages, read_pictures  # noqa: E402
from autogaze_train.evaluation import Named  # noqa: E402
from autogaze_train.export import save_checkpoint  # noqa: E402
from autogaze_train.network import Network  # noqa: E402
from autogaze_train.starting_weights import set_starting_weights  # noqa: E402
from autogaze_web.model.config import AutoGazeConfig  # noqa: E402
from autogaze_web.model.processor import AutoGazeImageProcessor  # noqa: E402
from autogaze_web.native.autogaze import AutoGaze  # noqa: E402


def make_pictures(folder: Path, count: int) -> None:
    stream = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for index in range(count):
        coarse = stream.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((320, 240)).save(folder / f"{index}.jpg")


def test_a_small_training_learns_and_writes_a_checkpoint_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in ("training", "validation"):
        make_pictures(tmp_path / "corpus" / part / "pictures", 4)
    clip = tmp_path / "corpus" / "training" / "clips" / "one"
    make_pictures(clip, 10)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(tiny_values()), "utf-8")
    command = (
        f"autogaze_train train --corpus {tmp_path / 'corpus'} --out {tmp_path / 'out'} --config {config}"
    )
    command += " --steps 30 --clips 8 --frames 4 --crops 8 --device cpu"
    monkeypatch.setattr(sys, "argv", command.split())
    torch.set_num_threads(1)
    main()
    printed = capsys.readouterr().out
    losses = [float(value) for value in re.findall(r"noticed ([\d.]+)", printed)]
    assert len(losses) == 3
    assert losses[-1] < 0.8 * losses[0]
    results = json.loads(printed[printed.index("\n{") :])
    assert {"all, 3 tokens", "pan, 21 tokens"} <= results.keys()

    assert (tmp_path / "out" / "model.safetensors").stat().st_size < 200_000
    model = AutoGaze.from_pretrained(tmp_path / "out")
    processor = AutoGazeImageProcessor(size=(64, 64))
    frames = np.random.default_rng(1).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    gaze = model.generate(processor(frames)[None], gazing_ratio=0.5)
    assert gaze.num_gazing_each_frame.tolist() == [10, 10, 10]


def test_a_requirement_is_chosen_on_validation_clips_and_written_into_the_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_pictures(tmp_path / "corpus" / "validation" / "pictures", 4)
    network = Network(AutoGazeConfig.from_dict(tiny_values()))
    set_starting_weights(network, 1)
    model = tmp_path / "model"
    save_checkpoint(model, tiny_values(), network.state_dict())
    command = f"autogaze_train choose-requirement --corpus {tmp_path / 'corpus'} --model {model}"
    command += f" --out {tmp_path / 'out'} --clips 1 --frames 3 --size 64 --at-most 9 --at-least"
    torch.set_num_threads(1)
    monkeypatch.setattr(sys, "argv", [*command.split(), "300"])
    with pytest.raises(SystemExit, match="no requirement keeps the output at 300"):
        main()
    assert AutoGazeConfig.from_file(model / "config.json").task_loss_requirement == 0.7
    monkeypatch.setattr(sys, "argv", [*command.split(), "1"])
    main()
    assert AutoGazeConfig.from_file(model / "config.json").task_loss_requirement == 1.1
    record = json.loads((tmp_path / "out" / "requirement.json").read_text("utf-8"))
    assert record["chosen"] == 1.1
    assert len(record["requirements"]) == 8
    assert "| 1.1 |" in capsys.readouterr().out


def test_a_diagnosis_says_how_much_of_the_possible_gain_each_range_of_slots_reaches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    network = Network(AutoGazeConfig.from_dict(tiny_values()))
    set_starting_weights(network, 1)
    save_checkpoint(tmp_path / "model", tiny_values(), network.state_dict())
    video = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 4), dtype=np.uint8)
    monkeypatch.setattr("autogaze_train.__main__.rendered", lambda *_: [Named("pan", [list(video)])])
    larger = np.random.default_rng(1).integers(0, 256, (3, 90, 160, 4), dtype=np.uint8)
    monkeypatch.setattr("autogaze_train.__main__.real", lambda name, *_: Named(name, [list(larger)]))
    command = f"autogaze_train diagnose --corpus {tmp_path} --model {tmp_path / 'model'} --device cpu"
    monkeypatch.setattr(sys, "argv", [*command.split(), "--video", "clip.webm"])
    torch.set_num_threads(1)
    main()
    both = json.loads(capsys.readouterr().out)
    assert list(both) == ["real: example_input", "pan"]
    assert both["real: example_input"].keys() == both["pan"].keys()
    found = both["pan"]
    assert found.keys() == {"all", "slots 0-10", "slots 10-21"}
    for row in found.values():
        assert 0 < row["gain"] <= 1
        assert row["finer"] + row["coarser"] <= 1.001
    assert found["all"]["psnr"] == found["all"]["search"], "21 tokens cover everything in any order"


def test_training_continues_from_a_checkpoint_folder_or_weights(tmp_path: Path) -> None:
    network = Network(AutoGazeConfig.from_dict(tiny_values()))
    set_starting_weights(network, 1)
    save_checkpoint(tmp_path / "model", tiny_values(), network.state_dict())
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    for path, tolerance in ((tmp_path / "model", 1e-2), (tmp_path / "weights.pt", 0)):
        for name, weight in earlier_weights(path, torch.device("cpu")).items():
            assert torch.allclose(weight, network.state_dict()[name], rtol=0, atol=tolerance), name


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no pictures for training"):
        read_pictures(tmp_path, "training", 1, 32, "cpu")


def test_every_package_is_pinned_and_its_parts_share_no_file() -> None:
    for package in packages():
        assert package.manager in ("apt", "pip")
        assert re.fullmatch(r"[0-9a-f]{64}", package.sha256)
        assert package.licence
        for group in (package.pictures, package.clips):
            assert group.keys() <= {"training", "validation", "held-out"}
            names = [name for part in group.values() for name in part]
            assert len(names) == len(set(names))
