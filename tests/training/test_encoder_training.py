"""The built-in encoder's training in small, and its network beside what the package runs."""

from __future__ import annotations

import copy
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the tests of training need torch: pip install --group dev")

from PIL import Image  # noqa: E402
from tiny_model import tiny_values  # noqa: E402

import autogaze_train  # noqa: E402
from autogaze_train.__main__ import main  # noqa: E402
from autogaze_train.encoder_export import configs_of, load_encoder_weights, save_encoder  # noqa: E402
from autogaze_train.encoder_rows import ClipRows, all_patches, as_pixels, rows_of  # noqa: E402
from autogaze_train.encoder_start import set_starting_weights as set_encoder_weights  # noqa: E402
from autogaze_train.encoder_training import MaskedAutoencoder  # noqa: E402
from autogaze_train.export import load_network, save_checkpoint  # noqa: E402
from autogaze_train.geometry import Geometry  # noqa: E402
from autogaze_train.network import Network  # noqa: E402
from autogaze_train.starting_weights import set_starting_weights  # noqa: E402
from autogaze_train.token_orders import CHEAP_ORDERS, by_change, coarse_to_fine, gazed  # noqa: E402
from autogaze_web import FrameDecoder, SiglipImageProcessor, SiglipVisionModel  # noqa: E402
from autogaze_web.encoder import FeatureMemory  # noqa: E402
from autogaze_web.model.config import AutoGazeConfig  # noqa: E402

PATCHES = 21


def tiny_encoder() -> dict[str, Any]:
    """64x64 pixels, 1 + 4 + 16 patches."""
    path = Path(autogaze_train.__file__).with_name("encoder_config.json")
    values: dict[str, Any] = copy.deepcopy(json.loads(path.read_text("utf-8")))
    shape = {"hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 2, "num_hidden_layers": 2}
    common = {"image_size": 64, "scales": "16+32+64"}
    values["encoder"] |= shape | common
    values["decoder"] |= shape | common | {"encoder_hidden_size": 32, "window": 3}
    return values


def clips_of(count: int, frames: int) -> torch.Tensor:
    coarse = torch.rand(count, frames, 3, 6, 6, generator=torch.Generator().manual_seed(0)) * 255
    fine = torch.nn.functional.interpolate(coarse.flatten(0, 1), (64, 64), mode="bicubic").clamp(0, 255)
    return fine.to(torch.uint8).unflatten(0, (count, frames))


@pytest.fixture(scope="module")
def gaze_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = Network(AutoGazeConfig.from_dict(tiny_values()))
    set_starting_weights(network, 1)
    folder = tmp_path_factory.mktemp("gaze")
    save_checkpoint(folder, tiny_values(), network.state_dict())
    return folder


def test_a_small_training_learns_and_writes_an_encoder_that_runs(
    tmp_path: Path, gaze_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = np.random.default_rng(0)
    for folder in (
        tmp_path / "corpus" / "training" / "pictures",
        tmp_path / "corpus" / "training" / "clips" / "one",
    ):
        folder.mkdir(parents=True)
        for index in range(8):
            coarse = stream.integers(0, 256, (12, 16, 3), dtype=np.uint8)
            Image.fromarray(coarse).resize((160, 120)).save(folder / f"{index}.jpg")
    config = tmp_path / "encoder_config.json"
    config.write_text(json.dumps(tiny_encoder()), "utf-8")
    command = f"autogaze_train train-encoder --corpus {tmp_path / 'corpus'} --model {gaze_folder}"
    command += f" --config {config} --rows 400 --frames 4 --crops 8 --device cpu --out"
    torch.set_num_threads(1)
    frame = clips_of(1, 1)[0].permute(0, 2, 3, 1).numpy()
    error = {}
    for steps in (1, 40):
        out = tmp_path / str(steps)
        monkeypatch.setattr(sys, "argv", [*command.split(), str(out), "--steps", str(steps)])
        main()
        encoder, decoder = SiglipVisionModel.from_pretrained(out), FrameDecoder.from_pretrained(out)
        pixels = SiglipImageProcessor.from_pretrained(out)(frame)
        features = encoder(pixels[None]).last_hidden_state[0]
        rebuilt = decoder(features, range(PATCHES), [0] * PATCHES)
        error[steps] = float(np.square(rebuilt - pixels[0]).mean())
    assert error[40] < 0.7 * error[1]
    assert re.findall(r"^step (\d+) ", capsys.readouterr().out, re.MULTILINE) == ["1", "1", "10", "30"]


def test_the_network_gives_what_the_package_gives_frame_by_frame(tmp_path: Path) -> None:
    """Four frames of changing tokens: more than the window of three, so ages are limited and keys dropped."""
    values = tiny_encoder()
    configs = configs_of(values)
    model = MaskedAutoencoder(*configs)
    clips = clips_of(1, 4)
    pixels = as_pixels(clips)
    patches = all_patches(pixels, configs[0])
    set_encoder_weights(model.encoder, model.decoder, patches.flatten(0, 2), torch.Generator().manual_seed(3))
    save_encoder(tmp_path, values, model.state_dict())
    model.load_state_dict(load_encoder_weights(tmp_path))

    orders = torch.stack(
        [torch.randperm(PATCHES, generator=torch.Generator().manual_seed(t)) for t in range(4)]
    )
    counts = torch.tensor([[5, 1, 3, 2]])
    rows = ClipRows.of(orders[None], counts)
    targets = torch.arange(4)[None]
    with torch.no_grad():
        rebuilt = model(patches, rows, targets)[0].numpy()

    encoder, decoder = SiglipVisionModel.from_pretrained(tmp_path), FrameDecoder.from_pretrained(tmp_path)
    stream = encoder.stream(window=3)
    memory = FeatureMemory.of(decoder.config)
    for t, count in enumerate(counts[0].tolist()):
        chosen = orders[t, :count].numpy()
        gaze = {
            "gazing_pos": chosen[None],
            "if_padded_gazing": np.zeros((1, count), bool),
            "num_gazing_each_frame": np.array([count]),
        }
        memory.add(stream.step(pixels[0, t].numpy(), gaze).last_hidden_state[0], chosen)
        own = decoder.decode(memory.rows())
        assert np.abs(own - rebuilt[t]).max() < 2e-5 * max(1, np.abs(own).max()), t


def test_the_patches_are_those_of_the_package() -> None:
    from autogaze_web.readout.encoder_input import gazed_patches
    from autogaze_web.readout.gazing_info import GazingInfo

    config = configs_of(tiny_encoder())[0]
    pixels = as_pixels(clips_of(2, 2))
    every = np.arange(2 * PATCHES)[None].repeat(2, 0)
    info = GazingInfo(every, np.zeros(every.shape, np.bool_), np.full(2, PATCHES))
    expected = gazed_patches(pixels.numpy(), info, config.patch_scales)
    own = all_patches(pixels, config)
    assert np.abs(own.flatten(1, 2).numpy() - expected).max() < 2e-6
    orders = torch.arange(PATCHES).flip(0).expand(2, 2, -1)
    rows = ClipRows.of(orders, torch.tensor([[2, 1], [2, 1]]))
    assert rows.frame.tolist() == [0, 0, 1]
    assert torch.equal(rows_of(own, rows), own.flatten(1, 2)[:, [20, 19, 41]])


def test_rows_see_the_window_and_never_padding_or_later_frames() -> None:
    orders = torch.arange(PATCHES).expand(1, 3, -1)
    rows = ClipRows.of(orders.expand(2, -1, -1), torch.tensor([[2, 1, 1], [1, 1, 1]]))
    assert rows.visible(2).int().tolist() == [
        [[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 1, 1]],
        [[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 1, 1]],
    ]


def test_the_newest_feature_of_each_patch_is_read() -> None:
    orders = torch.tensor([[[4, 0, 1], [0, 1, 2], [1, 0, 2]]])
    rows = ClipRows.of(orders, torch.tensor([[2, 1, 1]]))
    newest = rows.newest(torch.tensor([[0, 2]]), 5, window=2)
    assert newest.present[0].int().tolist() == [[1, 0, 0, 0, 1], [1, 1, 0, 0, 1]]
    assert newest.ages[0].tolist() == [[0, 0, 0, 0, 0], [1, 0, 0, 0, 1]]
    features = newest.features(torch.tensor([[[10.0], [11.0], [12.0], [13.0]]]))[0, 1, :, 0]
    assert features[[0, 1, 4]].tolist() == [12, 13, 10]


def test_every_order_names_each_patch_once_and_prefers_what_it_says(gaze_folder: Path) -> None:
    network = load_network(gaze_folder)
    geometry = Geometry.of(network.config)
    clips = clips_of(4, 1).repeat(1, 3, 1, 1, 1)
    # In the last frame one finest patch changes, the sixth: patch 5 + 5.
    clips[:, 2, :, 16:32, 16:32] = 255 - clips[:, 2, :, 16:32, 16:32]
    generator = torch.Generator().manual_seed(0)
    for maker in (*CHEAP_ORDERS, gazed(network)):
        order = maker(clips, geometry, generator)
        assert order.shape == (4, 3, PATCHES)
        assert torch.equal(order.sort(-1).values, torch.arange(PATCHES).expand(4, 3, -1))
    assert set(by_change(clips, geometry, generator)[:, 2, 0].tolist()) == {10}
    assert set(coarse_to_fine(clips, geometry, generator)[:, :, 0].flatten().tolist()) == {0}
