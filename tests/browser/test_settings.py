"""The panel of settings, presets, and the link that reproduces the present state."""

from __future__ import annotations

import pytest
from in_page import in_page
from live_page import open_feature, open_live, record, wait_live
from playwright.sync_api import expect

from autogaze_web import options

pytestmark = pytest.mark.browser


def values(page):
    return page.evaluate("() => globalThis.autogaze.settings.values")


def test_every_option_is_in_the_panel(live):
    page = live("?source=synthetic-pan")
    open_feature(page, "settings")
    assert page.locator("#settings-common .setting:visible").count() == 6
    page.click("#settings-advanced > summary")
    rows = in_page(page, "page_elements.settingRows")
    assert rows.keys() == options.options().keys()
    for name, option in options.options().items():
        row = rows[name]
        assert row["label"] == option.label
        assert option.help in row["text"]
        if option.type == "boolean" and not option.choices:
            assert row["checked"] is option.default
        elif name != "source":
            assert row["value"] == str(option.default), name
    weights = page.eval_on_selector_all(
        ".setting .help", "(all) => all.map((one) => getComputedStyle(one).fontWeight)"
    )
    assert set(weights) == {"400"}
    groups = page.eval_on_selector_all(
        "#settings-groups summary", "(all) => all.map((one) => one.textContent)"
    )
    assert groups == list(options.groups().values())
    page.fill("#settings-find", "keyframe")
    assert page.locator(".setting:visible label").all_inner_texts() == ["Keyframe interval"]
    page.fill("#settings-find", "")


def test_settings_change_the_running_stream_and_go_back(live):
    page = live("?source=synthetic-pan")
    open_feature(page, "settings")
    page.click("#settings-advanced > summary")
    page.fill("#setting-patch-diff-grid", "7")
    page.fill("#setting-patch-diff-threshold", "0")
    page.keyboard.press("Tab")
    page.wait_for_function("() => document.getElementById('facts').textContent.includes('49 cells')")
    assert page.inner_text("#quality-value") == "100 %, changes above 0.00"
    assert page.inner_text("#settings-hint") == "2 changed"
    page.click("#setting-patch-diff-grid ~ button")
    assert page.input_value("#setting-patch-diff-grid") == "14"
    page.fill("#setting-patch-diff-grid", "many")
    page.keyboard.press("Tab")
    assert page.locator(".setting:has(#setting-patch-diff-grid) .problem").inner_text() == (
        "Patch-diff grid is a whole number from 1 to 256; it stays 14."
    )
    assert values(page)["patch-diff-grid"] == 14
    # What has no effect says why, until it has one.
    row = page.locator(".setting:has(#setting-camera-width)")
    assert row.locator("input").is_disabled()
    assert "Only with Source: Camera." in row.inner_text()
    page.fill("#setting-inference-height", "90")
    page.keyboard.press("Tab")
    page.wait_for_function("() => document.getElementById('facts').textContent.startsWith('160\\u00d790')")
    assert values(page)["inference-width"] == "auto"
    page.uncheck("#setting-show-psnr")
    assert page.is_hidden("#psnr")
    page.uncheck("#setting-show-task-loss-slider")
    assert page.is_hidden("#quality")
    page.fill("#setting-keyframe-duration", "often")
    page.keyboard.press("Tab")
    page.evaluate("autogaze.player.on('opening', () => { opened += 1; }, globalThis.opened = 0)")
    page.click("#settings-reset")
    assert page.is_visible("#quality")
    assert values(page) == options.parse({"source": "synthetic-pan"})
    assert page.inner_text("#settings-hint") == "all at their defaults"
    # The source was not opened again, and nothing that was refused is shown any more.
    assert page.evaluate("opened") == 0
    assert page.input_value("#setting-keyframe-duration") == str(options.defaults()["keyframe-duration"])
    assert page.locator(".setting .problem:not(:empty)").count() == 0


def test_a_preset_sets_its_options(live):
    page = live("?source=synthetic-pan&preset=quality&keyframe-duration=7")
    assert values(page) == options.parse(
        {"source": "synthetic-pan", "preset": "quality", "keyframe-duration": 7}
    )
    open_feature(page, "settings")
    page.click("#presets button:text('Realtime')")
    assert values(page) == options.parse({"source": "synthetic-pan", "preset": "realtime"})
    wait_live(page)
    assert record(page, 2)[0].report["width"] == 640


def test_the_link_reproduces_the_state_and_only_tells_what_is_no_default(open_page, site_url):
    recorded = open_page(permissions=["clipboard-read", "clipboard-write"])
    # What was being downloaded when the page was left.
    recorded.expect_problem("ERR_ABORTED")
    page = recorded.page
    open_live(
        page, site_url, "?source=synthetic-pan&image-url=./pictures/a.png&VIZ_MODE=blend&preset=quality"
    )
    page.select_option("#output-mode", "interframe")
    page.locator("#quality").fill("70")
    open_feature(page, "settings")
    page.click("#copy-link")
    page.wait_for_function(
        "() => document.getElementById('settings-status').textContent === 'The link was copied.'"
    )
    link = page.evaluate("() => navigator.clipboard.readText()")
    assert link == page.input_value("#link")
    assert "visualization" not in link
    assert "source=synthetic-pan" in link
    before = values(page)
    assert before["patch-diff-threshold"] == pytest.approx(0.3)
    page.goto(link)
    wait_live(page)
    assert values(page) == before

    # The address follows the page, for a reload and for the back button, and the history stays as it is.
    entries = page.evaluate("history.length")
    page.locator("#quality").fill("40")
    page.select_option("#output-mode", "full-blend")
    page.wait_for_function("() => ['=0.6', '=full-blend'].every((part) => location.search.includes(part))")
    assert page.evaluate("history.length") == entries
    before = values(page)
    page.reload()
    wait_live(page)
    assert values(page) == before
    page.goto("about:blank")
    page.go_back()
    wait_live(page)
    assert values(page) == before

    # The key works while the settings are closed, and says so on the screen.
    page.keyboard.press("c")
    expect(page.locator("#toast")).to_have_text("The link was copied.")
    # An address of a picture would have that shown.
    query = "() => { autogaze.settings.set({ source: 'camera' }); return autogaze.settings.query(); }"
    assert "source=camera" in page.evaluate(query)
    # There is none: the source before continues.
    sentence = "No camera was found. Connect one and choose it again"
    expect(page.locator("#notice-text")).to_contain_text(sentence)
    expect(page.locator("#source")).to_have_value("synthetic-pan")
    assert page.evaluate("() => autogaze.player.state") == "running"
