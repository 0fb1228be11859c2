"""The encoder beside the panels: its features are the native ones, and no panel waits for it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_page import in_page
from live_page import drawing_worker, eventually, play
from model_page import wait_model
from playwright.sync_api import Page

from autogaze_web import FrameDecoder, GazingInfo, SiglipImageProcessor, SiglipVisionModel
from autogaze_web.encoder import FeatureMemory

pytestmark = pytest.mark.browser

# Playwright reports a body that is given up, as that of a file that is stored already, as a failed request.
GIVEN_UP = r"failed request: .*ERR_ABORTED"
ENCODER = Path(__file__).parents[2] / "site" / "encoder"
QUERY = "?source=synthetic-pan&width=128&mask-source=autogaze&mask-timing=own&backend=wasm"


def floats(text: str, width: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.float32).reshape(-1, width)


def encode(page: Page, count: int) -> tuple[list[dict[str, Any]], np.ndarray]:
    """What the page encoded of the first frames of a stream, and their pixels (count, 72, 128, 3)."""
    result = in_page(page, "encoder_frames.encode", "synthetic-pan", count, 128, 72)
    pixels = [np.frombuffer(base64.b64decode(frame["input"]), np.uint8) for frame in result["frames"]]
    for encoded, frame in zip(result["encoded"], result["frames"], strict=True):
        tokens = np.frombuffer(base64.b64decode(encoded["tokens"]), np.int32)
        assert encoded["index"] == frame["report"]["index"]
        assert encoded["keyframe"] == (encoded["index"] == 0)
        assert tokens.size == (265 if encoded["keyframe"] else frame["report"]["tokens"])
    return result["encoded"], np.stack(pixels).reshape(count, 72, 128, 4)[..., :3]


def assert_native(encoded: list[dict[str, Any]], pixels: np.ndarray) -> None:
    model, decoder = SiglipVisionModel.from_pretrained(ENCODER), FrameDecoder.from_pretrained(ENCODER)
    window = decoder.config.window
    video = SiglipImageProcessor.from_pretrained(ENCODER)(pixels)
    streams = {"": model.stream(window, encode_padding=False), "full": model.stream(window)}
    memories = {name: FeatureMemory.of(decoder.config) for name in streams}
    every = np.arange(model.config.patch_scales.patches)
    for frame, image in zip(encoded, video, strict=True):
        gazed = np.frombuffer(base64.b64decode(frame["tokens"]), np.int32).astype(np.int64)
        for prefix, tokens in (("", gazed), ("full", every)):
            if prefix and frame["fullFeatures"] is None:
                continue
            gaze = GazingInfo(tokens[None], np.zeros((1, tokens.size), bool), np.array([tokens.size]))
            expected = streams[prefix].step(image, gaze).last_hidden_state[0]
            features = floats(frame["fullFeatures" if prefix else "features"], frame["hidden"])
            np.testing.assert_allclose(features, expected, atol=5e-4)
            memories[prefix].add(expected, tokens)
            rows = memories[prefix].rows()
            rebuilt = decoder(rows.features, rows.patch_ids, rows.ages)
            picture = np.frombuffer(base64.b64decode(frame["fullRebuilt" if prefix else "rebuilt"]), np.uint8)
            picture = picture.reshape(frame["side"], frame["side"], 4)
            expected_picture = np.clip((rebuilt.transpose(1, 2, 0) + 1) * 127.5, 0, 255)
            np.testing.assert_allclose(picture[..., :3], expected_picture, atol=1)
            assert (picture[..., 3] == 255).all()


def test_features_and_pictures_are_the_native_ones(live, streaming_page):
    page = live(QUERY)
    streaming_page.expect_problem(GIVEN_UP)
    wait_model(page, "WebAssembly")
    ready = in_page(page, "encoder_frames.start", {"full": True})
    assert (ready["description"]["patches"], ready["description"]["side"]) == (265, 224)
    assert ready["backend"].startswith("WebAssembly")
    encoded, pixels = encode(page, 10)
    assert all(frame["fullFeatures"] and frame["encodeMs"] > 0 < frame["decodeMs"] for frame in encoded)
    assert_native(encoded, pixels)
    in_page(page, "encoder_frames.startAgain", {"full": False})
    encoded, pixels = encode(page, 3)
    assert all(frame["fullFeatures"] is None for frame in encoded)
    assert_native(encoded, pixels)
    in_page(page, "encoder_frames.stop")


def test_no_panel_waits_for_the_encoder(live, streaming_page):
    page = live(QUERY)
    streaming_page.expect_problem(GIVEN_UP)
    wait_model(page, "WebAssembly")
    in_page(page, "encoder_frames.start", {"full": False})
    worker = drawing_worker(page)
    encode(page, 1)  # the player is closed, and no frame is being encoded
    in_page(worker, "worker_hooks.holdRuns", "encoder", "frame_decoder")
    in_page(page, "encoder_frames.watch")
    reports = play(page, "synthetic-pan", 12, 128, 72)
    assert [report["maskAgeFrames"] for report in reports] == [0] * 12, "each with its own cells"
    assert in_page(page, "encoder_frames.watched") == []
    in_page(worker, "worker_hooks.letAllGo")

    def the_newest_is_next() -> None:
        assert in_page(page, "encoder_frames.watched") == [0, 11]

    eventually(page, the_newest_is_next)
    counters = in_page(worker, "worker_hooks.encoderCounters")
    assert counters["skipped"] == 10
    in_page(page, "encoder_frames.stop")
    assert len(play(page, "synthetic-pan", 2, 128, 72)) == 2
    assert in_page(worker, "worker_hooks.encoderCounters") is None


def test_an_encoder_that_cannot_be_loaded_is_said_and_the_panels_go_on(live, streaming_page):
    page = live(QUERY)
    wait_model(page, "WebAssembly")
    streaming_page.expect_problem(f"404|{GIVEN_UP}")
    page.route("**/encoder/encoder.onnx", lambda route: route.fulfill(status=404, body="no"))
    said = in_page(page, "encoder_frames.startInVain", {"full": False})
    assert said.startswith("The graph encoder.onnx is missing (404)")
    page.route("**/encoder/config.json", lambda route: route.fulfill(body='{"model_type": "clip"}'))
    said = in_page(page, "encoder_frames.startInVain", {"full": False})
    assert "expected siglip or siglip_vision_model" in said
    assert "\n" not in said
    assert [report["maskAgeFrames"] for report in play(page, "synthetic-pan", 3, 128, 72)] == [0] * 3
    page.unroute_all(behavior="ignoreErrors")
    in_page(page, "encoder_frames.start", {"full": False})
    in_page(page, "encoder_frames.stop")
