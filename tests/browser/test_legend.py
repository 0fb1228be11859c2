"""The cells of the mask: their colours and how to hide them, what the page says of one, and their replay."""

from __future__ import annotations

import re

import numpy as np
import pytest
from in_page import in_page
from live_page import assert_native, pause, record, shown
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

QUERY = "?source=synthetic-pan&width=160&mask-display=overlay&patch-diff-threshold=0"
SWATCH = """() => {
  const { borderTopColor, backgroundColor } = getComputedStyle(document.querySelector(".swatch"));
  return [borderTopColor, backgroundColor];
}"""

KEY_BOX = """() => {
  const { borderTopColor, borderTopWidth } = getComputedStyle(document.querySelector(".key-box"));
  return [borderTopColor, borderTopWidth];
}"""


def wait_lit(page, lit):
    in_page(page, "page_elements.waitLit", lit)


def test_a_hidden_grid_is_in_no_panel_and_comes_back(live):
    page = live(QUERY)
    box = page.get_by_label("14\u00d714 violet")
    wait_lit(page, True)
    assert page.evaluate(SWATCH) == ["rgb(230, 110, 255)", "rgb(97, 46, 107)"]
    assert box.is_checked()

    box.focus()
    page.keyboard.press("Space")
    wait_lit(page, False)
    assert page.inner_text("#legend-hint") == "1 hidden from the mask"
    assert page.input_value("#setting-hidden-scales") == "14"
    frames = record(page, 3)
    for frame in frames:
        assert frame.report["maskRatio"] == 0
    # Counted all the same, and the output stays as it was.
    assert frames[-1].report["cellsByScale"] == {"14": frames[-1].report["cells"]}
    assert frames[-1].report["cells"] > 0
    np.testing.assert_array_equal(frames[-1].output, frames[0].output)
    options = {"mask-visualization": "overlay", "patch-diff-threshold": 0, "hidden-scales": "14"}
    assert_native(frames, options)

    page.keyboard.press("Space")
    wait_lit(page, True)
    assert page.inner_text("#legend-hint") == "the colours of the mask"


def test_the_palette_is_that_of_the_mask(live):
    page = live(QUERY + "&patch-diff-grid=4&hidden-scales=7")
    page.get_by_label("4\u00d74 green").wait_for()
    page.select_option("#legend-palette", "colour-blind-safe")
    page.get_by_label("4\u00d74 yellow").wait_for()
    assert page.evaluate(SWATCH) == ["rgb(255, 230, 70)", "rgb(107, 97, 29)"]
    # The key below the pictures tells scales by their lines, too, where the mask has such lines.
    key = page.locator("#mask-key li")
    assert key.all_inner_texts() == ["4\u00d74"]
    assert page.evaluate(KEY_BOX) == ["rgb(255, 230, 70)", "1px"]
    in_page(page, "page_elements.waitFirstMaskPixel", [255, 230, 70])
    colours = {tuple(pixel) for pixel in shown(page, "mask")[..., :3].reshape(-1, 3).tolist()}
    assert colours <= {(255, 230, 70), (107, 97, 29), (0, 0, 0)}
    page.evaluate("() => globalThis.autogaze.settings.set({ 'mask-visualization': 'outlines' })")
    assert page.evaluate(KEY_BOX) == ["rgb(255, 230, 70)", "3px"]
    # A grid that this source does not have stays hidden for those that do.
    page.get_by_label("4\u00d74 yellow").uncheck()
    assert page.input_value("#setting-hidden-scales") == "4+7"
    expect(key).to_be_hidden()


def test_a_cell_is_explained_and_the_gaze_of_a_frame_replayed(live):
    page = live(QUERY + "&patch-diff-grid=4")
    wait_lit(page, True)
    output = pause(page)["output"]
    page.hover("#mask", position={"x": 5, "y": 5})
    expect(page.locator("#cell-tip")).to_have_text(
        re.compile(r"Cell \d+ of 16scale 4\u00d74 · most changed first · 6\.4 % of the frame")
    )
    page.keyboard.press("Escape")
    expect(page.locator("#cell-tip")).to_be_hidden()

    page.click("#replay-open")
    page.wait_for_selector("#replay[open]")
    page.focus("#replay-position")
    page.keyboard.press("Home")
    expect(page.locator("#replay-step")).to_have_text("Before the first cell")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#replay-step")).to_contain_text("Cell 1 of 16")
    assert (shown(page, "replay-output") == output).all(axis=-1).mean() == pytest.approx(23 * 40 / (90 * 160))
    page.keyboard.press("End")
    expect(page.locator("#replay-step")).to_have_text("All 16 cells · together 100 % of the frame")
    np.testing.assert_array_equal(shown(page, "replay-output"), output)
    page.keyboard.press("Escape")
    expect(page.locator("#replay")).to_be_hidden()
