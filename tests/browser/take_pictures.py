"""Takes the pictures of the README: `make pictures`. The built-in model works on the sample clip."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from chromium import flags, require
from in_page import in_page
from live_page import open_feature, wait_live
from model_page import wait_model
from playwright.sync_api import Browser, sync_playwright
from served import served

import build_site

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
WEB = ROOT / "web"
ICON_SIZES = (192, 512)
# By then the numbers are medians of many frames.
VISION_FRAMES = 20

QUERY = (
    "?source=sample&mask-source=autogaze&file-pace=every-frame&mask-timing=own&mask-visualization=outlines"
)

# Name, width, height, colours.
VIEWS: tuple[tuple[str, int, int, Literal["dark", "light"]], ...] = (
    ("page", 1280, 860, "dark"),
    ("page-light", 1280, 860, "light"),
    ("phone", 390, 844, "dark"),
)


def main() -> None:
    """Writes docs/pictures/*.png."""
    chromium = require()
    build_site.build()
    PICTURES.mkdir(parents=True, exist_ok=True)
    # With threads at once, as after a first visit.
    with served(isolated=True) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags())
        for name, width, height, scheme in VIEWS:
            is_phone = width < height
            page = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                has_touch=is_phone,
                is_mobile=is_phone,
            )
            page.goto(f"{url}{QUERY}")
            wait_live(page)
            wait_model(page, "Web")
            page.evaluate("() => globalThis.autogaze.player.open('sample')")
            in_page(page, "live_frames.pauseInMotion")
            page.screenshot(path=PICTURES / f"{name}.png")
            print(f"docs/pictures/{name}.png")
            page.close()
        take_vision(browser, url)
        take_icons(browser)
        browser.close()


def take_vision(browser: Browser, url: str) -> None:
    """The view of what a vision model sees, by itself."""
    page = browser.new_page(viewport={"width": 1280, "height": 1600}, color_scheme="dark")
    page.goto(f"{url}{QUERY}")
    wait_live(page)
    wait_model(page, "Web")
    in_page(page, "vision_view.watch")
    open_feature(page, "vision")
    page.click("#vision-run")
    in_page(page, "vision_view.pauseAfter", VISION_FRAMES)
    page.locator("#feature-vision").screenshot(path=PICTURES / "vision.png")
    print("docs/pictures/vision.png")
    page.close()


def take_icons(browser: Browser) -> None:
    """Draws web/icon.svg as the icons of an installed page, on a ground that may be cut to any shape."""
    for size in ICON_SIZES:
        page = browser.new_page(viewport={"width": size, "height": size})
        icon = (WEB / "icon.svg").read_text(encoding="utf-8")
        page.set_content(
            f'<body style="margin:0;background:#15171d"><div style="padding:10%">{icon}</div></body>'
        )
        page.screenshot(path=WEB / "offline" / f"icon-{size}.png")
        page.close()


if __name__ == "__main__":
    main()
