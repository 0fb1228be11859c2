"""The view of what a vision model sees: its pictures and numbers, and that it runs only while it is shown."""

from __future__ import annotations

from typing import Any

import pytest
from in_page import in_page
from live_page import eventually, open_feature
from model_page import wait_model
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

QUERY = "?source=sample&width=160&mask-source=autogaze&backend=wasm"
# Stored files that are unchanged are not read to their end again.
UNREAD = "/(built-in|encoder)/.*ERR_ABORTED"


def wait_encoded(page: Page, more: int) -> None:
    least = in_page(page, "vision_view.frames") + more
    eventually(page, lambda: assert_encoded(page, least))


def assert_encoded(page: Page, least: int) -> None:
    assert in_page(page, "vision_view.frames") >= least


def assert_shows_the_newest(page: Page) -> None:
    """The pictures and numbers on the page are those of the newest encoded frame."""
    facts: dict[str, Any] = in_page(page, "vision_view.facts")
    pictures = in_page(page, "vision_view.pictures")
    texts = {name: page.inner_text(f"#vision-{name}") for name in ("hint", "sentence", "net", "verdict")}
    assert facts["full"]
    assert len(pictures) == 4
    for picture in pictures:
        assert picture["shown"] == picture["told"] != "", picture["id"]
    share, net = f"{facts['tokens']} of 265", facts["net"]
    assert texts["hint"].strip() == share
    assert f"rebuilt this frame from {share} patches" in texts["sentence"]
    rows = [line.split("\t") for line in texts["net"].splitlines()]
    assert rows[0] == ["Patches", str(facts["tokens"]), "265"]
    assert milliseconds(rows[1][1]) == pytest.approx(net["gazeMs"], rel=0.06, abs=0.06)
    assert milliseconds(rows[2][1]) == pytest.approx(net["gazedMs"], rel=0.06, abs=0.06)
    assert milliseconds(rows[2][2]) == pytest.approx(net["fullMs"], rel=0.06, abs=0.06)
    assert milliseconds(rows[3][1]) == pytest.approx(net["gazeMs"] + net["gazedMs"], rel=0.06, abs=0.06)
    if abs(net["savedMs"]) < 0.05:
        assert "as much as it saves" in texts["verdict"]
        return
    pays = "Here the gaze saves" if net["savedMs"] > 0 else "costs more than it saves"
    assert pays in texts["verdict"]


def milliseconds(text: str) -> float:
    number, unit = text.replace(",", "").split()
    return float(number) * {"ms": 1, "s": 1000}[unit]


def test_it_shows_what_is_seen_kept_and_saved_while_it_is_open(live, streaming_page):
    streaming_page.expect_problem(UNREAD)
    page = live(QUERY)
    wait_model(page, "WebAssembly")
    in_page(page, "vision_view.watch")
    open_feature(page, "vision")
    page.click("#vision-run")
    wait_encoded(page, 4)
    expect(page.locator("#vision-projections")).to_be_hidden()
    page.click(".vision-more > summary")
    page.click("#run")
    eventually(page, lambda: assert_shows_the_newest(page))
    expect(page.locator("#vision-projections tr")).to_have_count(3)
    assert has_encoder(page)
    page.click("#run")

    # Without the comparison all patches are encoded no longer.
    page.uncheck("#vision-full")
    eventually(page, lambda: assert_without_all(page))
    expect(page.locator("#vision-full-rebuilt")).to_be_hidden()

    # A closed view costs nothing; opened again, it goes on.
    page.click("#feature-vision > summary")
    eventually(page, lambda: assert_no_encoder(page))
    open_feature(page, "vision")
    wait_encoded(page, 2)
    page.click("#vision-run")
    expect(page.locator("#vision-shown")).to_be_hidden()
    eventually(page, lambda: assert_no_encoder(page))


def assert_without_all(page: Page) -> None:
    assert not in_page(page, "vision_view.facts")["full"]


def assert_no_encoder(page: Page) -> None:
    assert not has_encoder(page)


def has_encoder(page: Page) -> bool:
    return any(worker.url.endswith("/encoder_worker.mjs") for worker in page.workers)


def test_in_tiles_it_says_why_it_sees_nothing(live, streaming_page):
    streaming_page.expect_problem(UNREAD)
    page = live(QUERY + "&mode=tiled")
    wait_model(page, "WebAssembly")
    open_feature(page, "vision")
    page.click("#vision-run")
    expect(page.locator("#vision-status")).to_contain_text("set Mode to Realtime")
    page.click("#vision-run")
    expect(page.locator("#vision-status")).to_contain_text("Loads about 6 MB")
