"""The encoder beside the panels: its features are the native ones, and no panel waits for it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import oracle
import pytest
import synthetic_formula as formula
from in_page import in_page
from model_page import wait_model
from playwright.sync_api import Page, Route

from autogaze_web import GazingInfo, SiglipImageProcessor, SiglipVisionModel
from autogaze_web.encoder.config import SiglipConfig
from autogaze_web.graph.encoder_export import export_encoder

pytestmark = pytest.mark.browser

SCALES = "32+64+112+224"
QUERY = "?source=synthetic-pan&width=128&mask-source=autogaze&mask-timing=own&backend=wasm"


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory):
    """A small random encoder with AutoGaze's patches, and its graph, as the site has one."""
    folder = formula.write_folder(oracle.recipe("siglip_tiny"), tmp_path_factory.mktemp("encoder"))
    config = json.loads((folder / "config.json").read_text())
    config["vision_config"]["scales"] = SCALES
    (folder / "config.json").write_text(json.dumps(config))
    list(export_encoder(SiglipConfig.from_file(folder / "config.json"), folder))
    return folder


def serve_encoder(page: Page, folder: Path) -> None:
    """Answers ./encoder/ with a folder's files."""

    def answer(route: Route) -> None:
        path = folder / Path(urlsplit(route.request.url).path).name
        if path.is_file():
            route.fulfill(body=path.read_bytes(), content_type="application/octet-stream")
        else:
            route.fulfill(status=404, body="no")

    page.route(lambda url: Path(urlsplit(url).path).parent.name == "encoder", answer)


def floats(text: str, width: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.float32).reshape(-1, width)


def encode(page: Page, count: int) -> tuple[list[dict[str, Any]], np.ndarray]:
    """What the page encoded of the first frames of a stream, and their pixels (count, 72, 128, 3)."""
    result = in_page(page, "encoder_frames.encode", "synthetic-pan", count, 128, 72)
    pixels = [np.frombuffer(base64.b64decode(frame["input"]), np.uint8) for frame in result["frames"]]
    for encoded, frame in zip(result["encoded"], result["frames"], strict=True):
        tokens = np.frombuffer(base64.b64decode(encoded["tokens"]), np.int32)
        assert encoded["index"] == frame["report"]["index"]
        assert tokens.size == frame["report"]["tokens"]
    return result["encoded"], np.stack(pixels).reshape(count, 72, 128, 4)[..., :3]


def assert_native(encoded: list[dict[str, Any]], pixels: np.ndarray, folder: Path) -> None:
    model = SiglipVisionModel.from_pretrained(folder)
    video = SiglipImageProcessor.from_pretrained(folder)(pixels)
    gazed, full = (model.stream(window=8, encode_padding=False) for _ in range(2))
    for frame, image in zip(encoded, video, strict=True):
        tokens = np.frombuffer(base64.b64decode(frame["tokens"]), np.int32).astype(np.int64)
        gaze = GazingInfo(tokens[None], np.zeros((1, tokens.size), bool), np.array([tokens.size]))
        expected = gazed.step(image, gaze).last_hidden_state[0]
        np.testing.assert_allclose(floats(frame["features"], frame["hidden"]), expected, atol=1e-4)
        if frame["fullFeatures"] is not None:
            expected = full.step(image).last_hidden_state[0]
            np.testing.assert_allclose(floats(frame["fullFeatures"], frame["hidden"]), expected, atol=1e-4)


def test_features_are_the_native_ones(live, encoder_folder):
    page = live(QUERY)
    serve_encoder(page, encoder_folder)
    wait_model(page, "WebAssembly")
    ready = in_page(page, "encoder_frames.start", {"full": True})
    assert ready["description"]["patches"] == 265
    assert ready["backend"].startswith("WebAssembly")
    encoded, pixels = encode(page, 10)
    assert_native(encoded, pixels, encoder_folder)
    assert all(frame["fullFeatures"] and frame["encodeMs"] > 0 for frame in encoded)
    in_page(page, "encoder_frames.stop")
