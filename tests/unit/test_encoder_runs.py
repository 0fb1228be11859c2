"""The page's encoder against the native one: clips, streams, windows; what crosses and what does not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import oracle
import pytest
import synthetic_formula as formula
from encoder_bridge import NativeBridge, page_encoder

from autogaze_web import GazingInfo, SiglipVisionModel
from autogaze_web.cli.main import main
from autogaze_web.encoder.config import is_encoder
from autogaze_web.graph.export_encoder import export_encoder
from autogaze_web.page.encoder_runs import EncoderStream

SCALES = "32+64"
SITE = Path(__file__).parents[2] / "site"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return formula.write_folder(oracle.recipe("siglip_tiny"), tmp_path_factory.mktemp("siglip"))


@pytest.fixture(scope="module")
def native(folder):
    return SiglipVisionModel.from_pretrained(folder, scales=SCALES)


def frames(count):
    return np.random.default_rng(1).standard_normal((1, count, 3, 64, 64)).astype(np.float32)


def gaze(*tokens):
    """One frame's tokens, -1 for padding."""
    ids = np.array([tokens], np.int64).reshape(1, -1)
    return GazingInfo(np.maximum(ids, 0), ids < 0, np.array([ids.size]))


GAZES = [gaze(0, 3, 7), gaze(), gaze(5), gaze(-1, 2, -1), gaze(19, 1), gaze(4)]


@pytest.mark.parametrize(("window", "padding"), [(None, True), (None, False), (3, False), (1, True)])
def test_a_stream_is_the_native_one(folder, native, window, padding):
    encoder = page_encoder(folder, scales=SCALES)
    bridge = NativeBridge.of(folder, encoder)
    ours = EncoderStream(encoder.config, bridge, "gazed", window, padding)
    theirs = native.stream(window, encode_padding=padding)
    video = frames(len(GAZES))

    async def run():
        for t, info in enumerate(GAZES):
            result, ms = await ours.encode(video[:, t : t + 1], info)
            expected = theirs.step(video[:, t : t + 1], info)
            assert ms > 1.5
            np.testing.assert_array_equal(result.last_hidden_state, expected.last_hidden_state[0])
            np.testing.assert_array_equal(result.pooler_output, expected.pooler_output[0])
            assert ours.cached_rows == theirs.cached_rows

    asyncio.run(run())
    assert [header["restart"] for header in bridge.headers] == [True] + [False] * (len(GAZES) - 1)
    crossed = {name for header in bridge.headers for name, *_ in header["feeds"]}
    assert not any(name.startswith(("past_key", "past_value_")) for name in crossed), "they stay at the graph"


def test_a_clip_and_another_stream_of_the_name(folder, native):
    encoder = page_encoder(folder, scales=SCALES)
    bridge = NativeBridge.of(folder, encoder)
    video, info = frames(2), GazingInfo(np.array([[1, 2, 23]]), np.zeros((1, 3), bool), np.array([2, 1]))

    async def run():
        for _ in range(2):
            stream = EncoderStream(encoder.config, bridge, "gazed")
            result, _ = await stream.encode(video, info)
            np.testing.assert_array_equal(result.last_hidden_state, native(video, info).last_hidden_state[0])

    asyncio.run(run())


def test_error_for_a_graph_of_another_encoder(folder, tmp_path):
    encoder = page_encoder(folder, scales=SCALES)
    (written,) = export_encoder(encoder.config, None, tmp_path)
    manifest = (tmp_path / "encoder_graphs.json").read_text()
    (graph,) = json.loads(encoder.choose_graphs(manifest))
    assert (graph["file"], graph["kind"]) == (written.path.name, "encoder")
    assert graph["inputs"]["past_key_0"] == [
        encoder.config.num_attention_heads,
        "past_0",
        encoder.config.head_dim,
    ]
    causal = page_encoder(folder, scales=SCALES, attn_type="causal")
    assert causal.choose_graphs(manifest), "who sees whom is no part of the graph"
    other = page_encoder(folder, scales="64")
    with pytest.raises(
        ValueError, match=r"another encoder .*\(scales: this one has \[64\], the graph \[32, 64\]\)"
    ):
        other.choose_graphs(manifest)


def test_the_command_line_exports_an_encoder_at_other_scales(folder, tmp_path):
    out = tmp_path / "graphs"
    command = ["export", "--config", str(folder / "config.json"), "--scales", SCALES, "--out", str(out)]
    assert main(command) == 0
    encoder = page_encoder(folder, scales=SCALES)
    assert encoder.choose_graphs((out / "encoder_graphs.json").read_text())


def test_the_command_line_exports_the_built_in_encoder_at_other_scales_without_its_decoder(tmp_path, capsys):
    out = tmp_path / "graphs"
    command = ["export", "--config", str(SITE / "encoder" / "config.json"), "--scales", "32+64", "--out"]
    assert main([*command, str(out)]) == 0
    note = "note: the graph of decoder.json was left out: it is for the scales 32+64+112+224\n"
    assert capsys.readouterr().err == note
    manifest = json.loads((out / "encoder_graphs.json").read_text())
    assert (manifest["encoder"]["architecture"]["scales"], "frame_decoder" in manifest) == ([32, 64], False)


@pytest.mark.parametrize(
    ("model", "flags", "message"),
    [
        ("model", ("--scales", "32+64"), "--scales is for the config.json of a SigLIP encoder"),
        ("encoder", ("--frame-steps", "5"), "--frame-steps is for AutoGaze's config.json"),
    ],
)
def test_error_for_a_flag_of_the_other_model(tmp_path, capsys, model, flags, message):
    config, out = str(SITE / model / "config.json"), tmp_path / "graphs"
    assert main(["export", "--config", config, *flags, "--out", str(out)]) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"model_type": "siglip"}, True),
        ({"model_type": "siglip_vision_model"}, True),
        ({"vision_config": {}}, True),
        ({"model_type": "autogaze", "vision_config": {}}, False),
        ({}, False),
        ([], False),
    ],
)
def test_which_configs_are_an_encoder(tmp_path, values, expected):
    (tmp_path / "config.json").write_text(json.dumps(values))
    assert is_encoder(tmp_path / "config.json") == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "of version 2, expected 1"),
        ({"encoder": 3}, "encoder of encoder_graphs.json must be an object with an architecture, got 3"),
        ({"architecture": []}, "must be an object with an architecture"),
        ({"file": "../x"}, "must name a file of its own folder"),
        ({"inputs": {"x": 3}}, "must have the shapes"),
        ({"inputs": {"past_key_0": [10**9, "past_0", 10**9]}}, "each of at most 1,000,000,000 values"),
        ({"inputs": {"patches": ["rows", "width"]}}, "must have the shapes"),
        ({"outputs": {"last_hidden_state": ["rows", 1e9]}}, "must have the shapes"),
        ({"weights": [3]}, "must list the names of its weights"),
        ({"weights": ["x"]}, "needs the weight 'x', which the checkpoint lacks"),
    ],
)
def test_error_for_a_wrong_manifest(folder, tmp_path, change, message):
    encoder = page_encoder(folder, scales=SCALES)
    list(export_encoder(encoder.config, None, tmp_path))
    manifest = json.loads((tmp_path / "encoder_graphs.json").read_text())
    if next(iter(change)) in manifest:
        manifest.update(change)
    else:
        manifest["encoder"].update(change)
    with pytest.raises(ValueError, match=message):
        encoder.choose_graphs(json.dumps(manifest))
    with pytest.raises(ValueError, match="of version none"):
        encoder.choose_graphs("[]")
