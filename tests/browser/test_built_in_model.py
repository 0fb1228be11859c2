"""The site's own model: nothing to fetch from elsewhere, real gaze, and NVIDIA's one click away."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from live_page import choose_files, record
from model_page import wait_model
from perf_report import problems

from autogaze_web import AutoGaze, AutoGazeImageProcessor

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "tests" / "data" / "example_input.webm"
MODEL = ROOT / "site" / "model"


def test_autogaze_works_with_nothing_to_download(open_page, site_url):
    recorded = open_page()
    page = recorded.page
    elsewhere = []
    page.route(
        lambda url: (urlsplit(url).hostname or "").endswith("huggingface.co"),
        lambda route: (elsewhere.append(route.request.url), route.fulfill(status=404, body="no"))[1],
    )
    page.goto(
        f"{site_url}?source=file&width=224&mask-source=autogaze&mask-timing=own&backend=wasm"
        "&file-pace=every-frame&perf-summary-frames=8&perf-summary-warmup-frames=0"
    )
    choose_files(page, EXAMPLE)
    wait_model(page, "WebAssembly")
    frames = record(page, 8)

    summary = page.wait_for_function("() => globalThis.__autogazePerfSummary").json_value()
    assert problems(summary) == []
    assert 0 < summary["avg_model_run_ms"] < summary["avg_model_ms"] < summary["avg_total_ms"]

    model = AutoGaze.from_pretrained(MODEL)
    processor = AutoGazeImageProcessor.from_pretrained(MODEL)
    stream = model.stream(1.0, 0.7, max_tokens=16)  # the limit replaces the budget of the model
    for frame in frames:
        gaze = stream.step(processor(frame.input[None, ..., :3])[0])
        assert frame.report["tokens"] == int((~gaze.if_padded_gazing).sum()) > 0
        assert frame.report["steps"] == gaze.decoder_steps_each_frame[0]
    # Few cells, and most of what had changed since the first frame is put right; below about 25 squared
    # levels the model is content.
    assert np.mean([frame.report["maskRatio"] for frame in frames[1:]]) < 0.3
    mended, left_alone = (
        np.mean((shown[..., :3].astype(float) - frames[-1].input[..., :3]) ** 2)
        for shown in (frames[-1].output, frames[0].input)
    )
    assert mended < max(0.5 * left_alone, 60)

    assert elsewhere == []
    line = page.locator("#model-choice")
    assert "not NVIDIA" in line.inner_text()
    # A file that is kept already is asked for, and its download ended once it proves unchanged.
    recorded.expect_problem("huggingface.co|404|ERR_ABORTED")
    line.get_by_role("button", name="Download NVIDIA").click()
    page.locator("#notice").wait_for(state="visible")
    assert any("nvidia/AutoGaze" in url for url in elsewhere)
    assert "the previous one stays in use" in line.inner_text()
    asked = len(elsewhere)
    line.get_by_role("button", name="Retry").click()
    page.locator("#notice").wait_for(state="visible")
    line.get_by_role("button", name="Retry").wait_for(state="visible")
    assert len(elsewhere) > asked
    line.get_by_role("button", name="Use the built-in one").click()
    page.locator("#notice").wait_for(state="hidden")
    page.locator("#model-loading").wait_for(state="hidden")
    wait_model(page, "WebAssembly")
    assert "not NVIDIA" in line.inner_text()
