"""The page for everyone: nothing serious for axe-core in any state, keys for controls, nothing that jumps."""

from __future__ import annotations

import json

import pytest
from in_page import in_page
from live_page import SCRIPTS, eventually, open_feature, open_live, reopen, wait_frames
from model_page import wait_model
from playwright.sync_api import Page, expect

import build_site

pytestmark = pytest.mark.browser

AXE = build_site.NODE_MODULES / "axe-core" / "axe.min.js"


def set_features(page: Page, shown: bool) -> None:
    page.eval_on_selector_all(
        "details", "(all, shown) => { for (const each of all) each.open = shown; }", shown
    )


def serious(page: Page) -> list[str]:
    if not page.evaluate("() => 'axe' in globalThis"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = in_page(page, "page_elements.seriousProblems")
    return found


SCREENS = [("dark", 1280, 800), ("light", 390, 844), ("dark", 844, 390)]


def show_as(page: Page, scheme: str, width: int, height: int) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": height})


def assert_nothing_serious(page: Page) -> None:
    """At every size and in both schemes, in the state in which the page is."""
    for screen in SCREENS:
        show_as(page, *screen)
        assert serious(page) == [], screen


def test_axe_finds_nothing_serious_in_any_state(open_page, site_url):
    page = open_page(bypass_csp=True, reduced_motion="reduce").page
    page.goto(site_url + "?source=synthetic-pan&width=128")
    assert serious(page) == []  # while it loads
    page.wait_for_selector("#panels.live")
    assert_nothing_serious(page)
    set_features(page, True)
    page.click("#hook-run")
    page.select_option("#hook-module", "masks/cells.py")
    page.wait_for_selector("#hook-source:not([hidden])")
    page.click("#samples > summary")
    assert_nothing_serious(page)  # every feature open, and the gallery
    page.click("#share-open")
    assert_nothing_serious(page)
    page.click("#share-close")
    page.select_option("#view", "input-output")
    assert_nothing_serious(page)  # one picture over the other
    page.select_option("#view", "panels")
    page.click("#shortcuts-open")
    assert_nothing_serious(page)
    page.click("#shortcuts-close")
    page.click("#replay-open")
    page.wait_for_selector("#replay[open]")
    assert_nothing_serious(page)
    page.click("#replay-close")
    page.set_input_files("#file", {"name": "notes.mp4", "mimeType": "", "buffer": b"no video"})
    page.wait_for_selector("#notice:not([hidden])")
    assert_nothing_serious(page)  # with an error
    # Nothing is wider than the page, also at twice the size of everything, and the panels are level.
    for narrow in {(320, 640), (1024, 768), *((max(320, w // 2), max(320, h // 2)) for _, w, h in SCREENS)}:
        page.set_viewport_size({"width": narrow[0], "height": narrow[1]})
        assert in_page(page, "page_elements.overflowing") == [], narrow
        assert in_page(page, "page_elements.unevenPanels") == [], narrow
    page.click("#notice-close")
    for screen in SCREENS:
        set_features(page, False)
        show_as(page, *screen)
        for feature in ("insight", "python"):
            open_feature(page, feature)
        eventually(page, lambda: assert_pictures_are_in_view(page))

    reopen(page, "?source=sample&width=160&mask-source=autogaze&backend=wasm")
    wait_model(page, "WebAssembly")
    page.wait_for_function("() => /\\d tokens/.test(document.getElementById('facts').textContent)")
    page.click("#compare")
    page.wait_for_selector("#compared.live")
    page.click("#hook-run")
    page.wait_for_function("() => /running, /.test(document.getElementById('hook-hint').textContent)")
    page.wait_for_selector("#insight-stages meter")
    open_feature(page, "vision")
    page.click("#vision-run")
    expect(page.locator("#vision-sentence")).to_contain_text("rebuilt this frame from")
    for screen in (*SCREENS, ("light", 320, 640)):  # with two models at work
        show_as(page, *screen)
        assert serious(page) == [], screen
        assert in_page(page, "page_elements.overflowing") == [], screen


# Phones upright and on their side, and a window of 1280 pixels at twice the size.
FIRST_SCREENS = [(390, 844), (360, 740), (320, 640), (844, 390), (740, 360), (667, 375), (640, 400)]


def test_the_first_screen_of_a_phone_says_what_the_page_shows(live):
    page = live("?source=sample&width=160")
    wait_frames(page, 3)
    for width, height in FIRST_SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("scrollTo(0, 0)")
        size = f"{width}x{height}"
        assert in_page(page, "page_elements.missingFromFirstScreen") == [], size
        assert in_page(page, "page_elements.choicesOnOtherLines") == [], size
        assert in_page(page, "page_elements.cutTexts", "#quality-name, #quality-brief, .start-choice") == []
        assert in_page(page, "page_elements.pictureOrder") == ["input", "mask", "output"], size
        assert page.inner_text("#quality-brief") == "85 %", size
        run = page.locator("#run").bounding_box()
        assert run is not None
        assert run["y"] + run["height"] <= height, size
        assert min(run["width"], run["height"]) >= 44, size
    page.set_viewport_size({"width": 1280, "height": 800})


# Tiles at their finest, after half an hour.
LONGEST_NUMBERS = {
    "headline-now": "5,760 of 42,400 tokens · 86 % skipped",
    "headline-total": "9,999,999 instead of 99,999,999 tokens so far",
}


def test_the_headline_keeps_to_its_two_lines(live):
    page = live("?source=synthetic-pan&width=160")
    wait_frames(page, 3)
    set_features(page, False)
    for drawer in ("closed", "open"):
        if drawer == "open":
            page.eval_on_selector("#feature-insight", "feature => { feature.open = true; }")
        for width in (320, 390, 480, 481, 640, 800, 801, 900, 1023, 1024, 1100, 1280, 1440, 1500, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            assert in_page(page, "page_elements.longLines", LONGEST_NUMBERS) == [], (width, drawer)
        for width, height in FIRST_SCREENS:
            page.set_viewport_size({"width": width, "height": height})
            assert in_page(page, "page_elements.longLines", LONGEST_NUMBERS) == [], (width, height, drawer)
    set_features(page, False)
    page.set_viewport_size({"width": 1280, "height": 800})


def test_keys_do_what_clicks_do(live):
    page = live("?source=synthetic-pan&width=128")
    page.keyboard.press("Space")
    page.wait_for_function("() => document.getElementById('run').textContent !== 'Pause'")
    page.keyboard.press("Space")
    page.wait_for_function("() => document.getElementById('run').textContent === 'Pause'")
    before = int(page.input_value("#quality"))
    page.keyboard.press("[")
    assert int(page.input_value("#quality")) == before - 5
    output = page.input_value("#output-mode")
    page.keyboard.press("v")
    assert page.input_value("#output-mode") != output
    assert_views_work_by_keys(page)
    page.keyboard.press("1")
    feature = page.locator("details.feature").first
    assert feature.get_attribute("open") is not None
    eventually(page, lambda: assert_pictures_are_in_view(page))
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    assert feature.get_attribute("open") is None
    expect(feature.locator("> summary")).to_be_focused()
    page.keyboard.press("Enter")
    page.click("#drawer-close")
    assert feature.get_attribute("open") is None

    page.keyboard.press("?")
    page.wait_for_selector("#shortcuts[open]")
    assert "Start or pause" in page.inner_text("#shortcuts-list")
    page.uncheck("#shortcuts-on")
    page.keyboard.press("Escape")
    page.wait_for_selector("#shortcuts", state="hidden")
    page.keyboard.press("v")
    assert page.input_value("#output-mode") != output
    page.click("#shortcuts-open")
    page.check("#shortcuts-on")
    page.click("#shortcuts-close")

    page.click("#feature-python summary")
    page.focus("#hook-code")
    page.keyboard.type("# v [ ] 1 ?")
    assert "# v [ ] 1 ?" in page.input_value("#hook-code")
    assert page.is_hidden("#shortcuts")


def assert_pictures_are_in_view(page: Page) -> None:
    """Nothing covers the middle of a picture, least of all the drawer."""
    assert in_page(page, "page_elements.coveredPictures") == []


def assert_views_work_by_keys(page: Page) -> None:
    """The handle between two pictures moves, and all panels show the same part at any zoom."""
    page.select_option("#view", "input-mask")
    page.focus("#split")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert in_page(page, "page_elements.shownPanels") == {"input": "none", "mask": "inset(0px 0px 0px 1%)"}
    page.select_option("#view", "panels")
    page.focus("#zoom-in")
    for key in ("Enter", "Enter", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    assert page.inner_text("#zoom-reset") == "225 %"
    (transform,) = set(in_page(page, "page_elements.transforms"))
    assert transform.startswith("2.25 -")
    page.click("#zoom-reset")
    assert set(in_page(page, "page_elements.transforms")) == {"1 0 0"}


def test_nothing_jumps_while_numbers_change(live):
    page = live("?source=synthetic-local-motion&width=320")
    page.wait_for_timeout(500)
    moved = in_page(page, "page_elements.layoutShifts", 60)
    assert moved == [], json.dumps(moved)


@pytest.mark.parametrize(
    "query",
    [
        "?source=synthetic-pan&patch-diff-threshold=0.3",
        "?source=sample",
        "",
    ],
)
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_nothing_jumps_while_the_page_loads(open_page, site_url, query, width, height):
    is_phone = width < height
    page = open_page(viewport={"width": width, "height": height}, has_touch=is_phone, is_mobile=is_phone).page
    page.add_init_script(path=SCRIPTS / "recorded_shifts.mjs")
    open_live(page, site_url, query)
    if not query:  # it starts with AutoGaze
        wait_model(page, "WebAssembly")
    wait_frames(page, 10)
    shifts = page.evaluate("shifts")
    assert sum(value for value, *_ in shifts) <= 0.02, json.dumps(shifts)
    assert "picture" not in {name for _, *moved in shifts for name, *_ in moved}, json.dumps(shifts)
    assert page.is_visible("#shortcuts-open") != is_phone  # a finger has no use for keys


def test_the_slider_and_the_strip_of_a_file_have_one_axis(live):
    page = live("?source=sample&width=160")
    wait_frames(page, 3)
    page.keyboard.press(".")  # pauses
    for share in (0, 0.5, 1):
        in_page(page, "page_elements.seekTo", share)
        eventually(page, lambda: assert_level(page))


def assert_level(page):
    thumb, line = in_page(page, "page_elements.positions")
    assert abs(thumb - line) <= 2
