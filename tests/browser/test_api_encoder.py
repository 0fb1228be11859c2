"""The encoder of the JavaScript API: of a checkpoint with both towers the vision tower alone is fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
import synthetic_formula as formula
from api_page import ApiPage, pan_frames, text_of
from model_page import serve as serve_beside
from model_server import ModelServer, Served
from recorded_page import RecordedPage
from safetensors.numpy import save_file

from autogaze_web import GazingInfo, SiglipImageProcessor, SiglipVisionModel
from autogaze_web.encoder.config import SiglipConfig
from autogaze_web.graph.export_encoder import export_encoder

pytestmark = pytest.mark.browser

HEIGHT, WIDTH, SCALES = 61, 97, "32+64"
TOKENS = [[0, 3, 19], [], [7, 2]]


@pytest.fixture(scope="module")
def towers(tmp_path_factory) -> Path:
    """A checkpoint whose text tower has 3 MB before and 1 MB behind the vision tower, and its graph."""
    folder = formula.write_folder(oracle.recipe("siglip_tiny"), tmp_path_factory.mktemp("siglip"))
    tensors = formula.checkpoint_tensors(oracle.recipe("siglip_tiny"))
    large = {"text_model.large": (3_000_000,), "zz_other": (1_000_000,)}
    others = {name: np.zeros(size[0] // 4, np.float32) for name, size in large.items()}
    save_file({**tensors, **others}, folder / "model.safetensors")
    config = SiglipConfig.from_file(folder / "config.json", scales=SCALES)
    list(export_encoder(config, None, folder / "graphs"))
    return folder


def serve(server: ModelServer, recorded: RecordedPage, folder: Path) -> None:
    """The files on a server of another origin; the graphs beside the page."""
    for path in folder.glob("*.*"):
        server.files[f"/siglip/{path.name}"] = Served(path.read_bytes())
    serve_beside(recorded.page, folder / "graphs")
    # Playwright reports a body that is given up, as that of an unchanged file, as a failed request.
    recorded.expect_problem(r"^failed request: ")


_LOAD = """
const reports = [];
const folder = server + "siglip/";
const options = { folder, graphs: "./model/", scales: "32+64", backend: "wasm",
  onProgress: (step, done, total) => step === "Loading the encoder" && reports.push([done, total]) };
"""

_STREAM = (
    _LOAD
    + """
const encoder = await loadEncoder(options);
const rgba = bytesOf(text), size = 4 * width * height;
const stream = encoder.stream({ window: 2 });
const frames = [];
for (const [index, each] of tokens.entries()) {
  const data = rgba.subarray(index * size, (index + 1) * size);
  const { features, pooled, hidden, rebuilt } = await stream.next({ data, width, height }, each);
  frames.push({ features: [...features], pooled: [...pooled], hidden, rebuilt });
}
stream.close();
const alone = await encoder.encode({ data: rgba.subarray(0, size), width, height });
const wrong = await failure(encoder.encode({ data: rgba.subarray(0, size), width, height }, [20]));
const { backend, description } = encoder;
encoder.close();
return { frames, alone: [...alone.features], wrong, backend, description, reports };
"""
)


def test_only_the_vision_tower_is_fetched_and_it_stays(
    api: ApiPage, recorded: RecordedPage, server: ModelServer, towers: Path
) -> None:
    serve(server, recorded, towers)
    frames = pan_frames(3, HEIGHT, WIDTH)
    given: dict[str, Any] = {
        "server": server.url,
        "text": text_of(frames),
        "width": WIDTH,
        "height": HEIGHT,
        "tokens": TOKENS,
    }
    told = api.run(_STREAM, **given)

    model = SiglipVisionModel.from_pretrained(towers, scales=SCALES)
    video = SiglipImageProcessor.from_pretrained(towers)(frames[..., :3])
    stream = model.stream(2, encode_padding=False)
    for got, image, tokens in zip(told["frames"], video, TOKENS, strict=True):
        ids = np.array([tokens], np.int64).reshape(1, -1)
        gaze = GazingInfo(ids, np.zeros(ids.shape, bool), np.array([ids.size]))
        expected = stream.step(image, gaze)
        features = np.array(got["features"]).reshape(-1, got["hidden"])
        np.testing.assert_allclose(features, expected.last_hidden_state[0], atol=1e-4)
        np.testing.assert_allclose(got["pooled"], expected.pooler_output[0], atol=1e-4)
        assert got["rebuilt"] is None
    alone = model(video[:1][None]).last_hidden_state[0]
    np.testing.assert_allclose(np.array(told["alone"]).reshape(alone.shape), alone, atol=1e-4)
    assert told["wrong"] == "tokens are the ids of patches, 0 to 19, or null for all, got [20]"
    assert told["description"]["patches"] == 20

    tensors = formula.checkpoint_tensors(oracle.recipe("siglip_tiny"))
    tower = sum(array.nbytes for name, array in tensors.items() if name.startswith("vision_model."))
    weights = server.ended("/siglip/model.safetensors")
    assert tower < sum(asked.sent for asked in weights) <= tower + 131_072
    assert told["reports"][0] == [0, told["reports"][-1][0]], "the size is told before anything has come"

    server.stop()
    again = api.run(_STREAM, **given)
    assert again["frames"] == told["frames"]


def test_failures_are_one_sentence(
    api: ApiPage, recorded: RecordedPage, server: ModelServer, towers: Path, tmp_path: Path
) -> None:
    serve(server, recorded, towers)
    recorded.expect_problem("404")
    tensors = formula.checkpoint_tensors(oracle.recipe("siglip_tiny"))
    del tensors["vision_model.post_layernorm.bias"]
    save_file(tensors, tmp_path / "model.safetensors")
    incomplete = Served((tmp_path / "model.safetensors").read_bytes(), etag='"2"')
    for path, served, change, message in (
        (
            "model.safetensors",
            incomplete,
            "",
            "vision tower in config.json: missing vision_model.post_layernorm.bias",
        ),
        (
            "config.json",
            Served(b'{"model_type": "clip"}', etag='"3"'),
            "",
            "expected siglip or siglip_vision_model",
        ),
        (
            "other",
            None,
            'options.scales = "32+64+224";',
            "(scales: this one has [32, 64, 224], the graph [32, 64])",
        ),
        ("config.json", None, 'options.folder += "nowhere/";', "There is no config.json at"),
    ):
        before = server.files.get(f"/siglip/{path}")
        if served is not None:
            server.files[f"/siglip/{path}"] = served
        said = api.run(_LOAD + change + "return failure(loadEncoder(options));", server=server.url)
        assert message in said
        assert "\n" not in said
        if before is not None:
            server.files[f"/siglip/{path}"] = before
