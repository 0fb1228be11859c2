"""What the page tells of its frames: their course, the scales and the stages."""

from __future__ import annotations

import re
from statistics import fmean

import numpy as np
import pytest
from live_page import open_live, play

pytestmark = pytest.mark.browser

KEPT = 240
STAGES = ["capture", "changes", "mask", "plan", "accumulate", "panel", "metrics", "draw"]


def open_insight(page, url, query):
    open_live(page, url, query)
    page.click("#feature-insight > summary")
    page.wait_for_selector(".history path[d^=M]", state="attached")


def bars(page, identifier):
    """Name, text and share of each bar of a list."""
    return page.evaluate(
        """(id) => [...document.querySelectorAll(`#${id} dt`)].map((name) => [
          name.textContent,
          name.nextElementSibling.querySelector(".numbers").textContent.trim(),
          name.nextElementSibling.querySelector("meter").value,
        ])""",
        identifier,
    )


def line(page, index):
    """The points of a chart's line, (N, 2)."""
    path = page.locator(".history path").nth(index).get_attribute("d")
    return np.array([point.split() for point in re.split("[ML]", path)[1:]], float)


def label(page, index):
    return page.locator(".history svg").nth(index).get_attribute("aria-label")


def test_the_numbers_of_the_last_frames(page, site_url):
    open_insight(page, site_url, "?source=synthetic-pan&inference-width=64")
    page.select_option("#source", "synthetic-local-motion")
    page.wait_for_function("() => document.querySelector('#insight-stages dt')")
    reports = play(page, "synthetic-local-motion", KEPT + 20, 160, 90)
    page.wait_for_timeout(400)
    reports = reports[-KEPT:]

    assert label(page, 0).startswith(f"Updated, last {KEPT} frames: now ")
    ratios = line(page, 0)
    assert ratios.shape == (KEPT, 2)
    np.testing.assert_allclose(ratios[:, 1], [40 * (1 - r["update_ratio"]) for r in reports], atol=0.06)
    psnr = [r["psnr"] for r in reports if r["psnr"] != "Infinity"]
    assert f"{min(psnr):05.1f} dB to {max(psnr):05.1f} dB" in label(page, 1)
    assert len(line(page, 1)) == len(psnr)
    assert f"now {reports[-1]['cells']:4}" in label(page, 2)

    ((grid, mean, share),) = bars(page, "insight-scales")
    assert (grid, share) == ("14\u00d714", 1)
    assert float(mean) == pytest.approx(fmean(r["cells"] for r in reports), abs=0.051)
    assert page.inner_text("#insight-budget").split() == [str(reports[-1]["cells"]), "of", "196", "cells"]

    stages = bars(page, "insight-stages")
    assert [name for name, _, _ in stages] == STAGES
    for name, text, _ in stages[1:-1]:
        assert float(text) == pytest.approx(fmean(r["stage_ms"][name] for r in reports), abs=0.051)
    assert max(share for _, _, share in stages) == 1
    assert "no model" in page.inner_text("#insight-backend")


def test_another_source_starts_the_numbers_over_and_nothing_moves(page, site_url):
    open_insight(page, site_url, "?source=synthetic-pan&inference-width=64")
    page.wait_for_function("() => document.querySelectorAll('#insight-stages dt').length === 8")
    box = "() => JSON.stringify(document.getElementById('feature-insight').getBoundingClientRect())"
    before = page.evaluate(box)
    page.wait_for_timeout(700)
    assert page.evaluate(box) == before
    page.select_option("#source", "synthetic-pulse")
    page.wait_for_function(
        "() => /last \\d\\d? frames/.test(document.querySelector('.history svg').getAttribute('aria-label'))"
    )
