"""What the page tells of its frames: their course, the scales and the stages."""

from __future__ import annotations

import re
from statistics import fmean

import numpy as np
import pytest
from in_page import in_page
from live_page import eventually, open_feature, open_live, play
from perf_report import problems

pytestmark = pytest.mark.browser

KEPT = 240
STAGES = ["capture", "changes", "mask", "plan", "accumulate", "panel", "metrics", "draw"]


def open_insight(page):
    open_feature(page, "insight")
    page.wait_for_selector(".history path[d^=M]", state="attached")


def line(page, index):
    """The points of a chart's line, (N, 2)."""
    path = page.locator(".history path").nth(index).get_attribute("d")
    return np.array([point.split() for point in re.split("[ML]", path)[1:]], float)


def label(page, index):
    return page.locator(".history svg").nth(index).get_attribute("aria-label").replace("\u00a0", " ")


def test_the_numbers_of_the_last_frames(live):
    page = live("?source=synthetic-pan&inference-width=64")
    open_insight(page)
    page.select_option("#source", "synthetic-local-motion")
    page.wait_for_function("() => document.querySelector('#insight-stages dt')")
    reports = play(page, "synthetic-local-motion", KEPT + 20, 160, 90)
    reports = reports[-KEPT:]

    def all_are_drawn():
        ratios = line(page, 0)
        assert ratios.shape == (KEPT, 2)
        np.testing.assert_allclose(ratios[:, 1], [40 * (1 - r["updateRatio"]) for r in reports], atol=0.06)

    eventually(page, all_are_drawn)
    assert label(page, 0).startswith(f"Updated, last {KEPT} frames: now ")
    psnr = [r["psnr"] for r in reports if r["psnr"] != "Infinity"]
    assert f"{min(psnr):.1f} dB to {max(psnr):.1f} dB" in label(page, 1)
    assert len(line(page, 1)) == len(psnr)
    assert f"now {reports[-1]['cells']}" in label(page, 2)

    ((grid, mean, share),) = in_page(page, "page_elements.bars", "insight-scales")
    assert (grid, share) == ("14\u00d714", 1)
    assert float(mean) == pytest.approx(fmean(r["cells"] for r in reports), abs=0.051)
    assert page.inner_text("#insight-budget").split() == [str(reports[-1]["cells"]), "of", "196", "cells"]

    stages = in_page(page, "page_elements.bars", "insight-stages")
    assert [name for name, _, _ in stages] == STAGES
    for name, text, _ in stages[1:-1]:
        assert float(text) == pytest.approx(fmean(r["stageMs"][name] for r in reports), abs=0.051)
    assert max(share for _, _, share in stages) == 1
    assert "patch-diff runs in Python" in page.inner_text("#insight-backend")


def test_another_source_starts_the_numbers_over_and_nothing_moves(live):
    page = live("?source=synthetic-pan&inference-width=64")
    open_insight(page)
    page.wait_for_function("() => document.querySelectorAll('#insight-stages dt').length === 8")
    box = "() => JSON.stringify(document.getElementById('feature-insight').getBoundingClientRect())"
    before = page.evaluate(box)
    page.wait_for_timeout(700)
    assert page.evaluate(box) == before
    page.select_option("#source", "synthetic-pulse")
    page.wait_for_function(
        "() => /last \\d\\d? frames/.test(document.querySelector('.history svg').getAttribute('aria-label'))"
    )


def test_a_measurement_for_programs(recorded, site_url):
    page = recorded.page
    options = "source=synthetic-pan&width=64&perf-frames=10&perf-summary-warmup-frames=2&log-timing=true"
    open_live(page, site_url, f"?{options}")
    summary = page.wait_for_function("() => globalThis.__autogazePerfSummary").json_value()
    assert problems(summary) == []
    assert (summary["processed_frames"], summary["skipped_warmup_frames"]) == (10, 2)
    assert (summary["latest_index"], summary["latest_width"], summary["latest_height"]) == (11, 64, 36)
    assert (summary["psnr_samples"], summary["backend"], summary["avg_tokens"]) == (10, "none", None)
    assert summary["options"]["perf-summary-frames"] == 10
    assert summary["avg_output_fps"] == pytest.approx(1000 / summary["avg_total_ms"])
    assert 0 < sum(summary[f"avg_{stage}_ms"] for stage in STAGES) <= summary["avg_total_ms"]
    page.wait_for_function("() => globalThis.__autogazeFrameStats.count > 20")
    logged = [line for line in recorded.console if re.match(r"info: frame \d+: [\d.]+ ms \(capture ", line)]
    stats, latest = page.evaluate("[globalThis.__autogazeFrameStats, globalThis.__autogazePerf]")
    assert (stats["lastWidth"], stats["lastHeight"]) == (64, 36)
    assert stats["firstFrameMs"] < stats["lastFrameMs"]
    assert latest["latest_index"] >= 20
    assert page.evaluate("globalThis.__autogazePerfSummary.latest_index") == 11, "it is summed up once"
    seconds = (stats["lastFrameMs"] - stats["firstFrameMs"]) / 1000
    assert 1 <= len(logged) <= 1 + seconds / 5, "not with every frame"

    recorded.expect_problem("No available adapters")
    page.goto(f"{site_url}?source=synthetic-pan&require-gpu")
    page.wait_for_selector("#notice:not([hidden])")
    assert "but this browser has no WebGPU adapter" in page.inner_text("#notice-text")
    page.wait_for_timeout(300)
    assert page.locator("#panels.live").count() == 0
