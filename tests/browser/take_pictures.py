"""Takes the pictures of the README: `make pictures`. The built-in model works on the sample clip."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Literal

from chromium import flags, require
from in_page import in_page
from live_page import open_feature, wait_live
from model_page import wait_model
from PIL import Image
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

VIEWS: tuple[tuple[str, Literal["dark", "light"]], ...] = (("page", "dark"), ("page-light", "light"))
WIDTH, HEIGHT = 1280, 860

# The eye sees no difference, in a fifth of a PNG's bytes. Not every site takes a WebP as a card.
WEBP_QUALITY, JPEG_QUALITY = 90, 88


def main() -> None:
    """Writes page.webp, page-light.webp, vision.webp and preview.jpg into docs/pictures, and the icons."""
    chromium = require()
    build_site.build()
    PICTURES.mkdir(parents=True, exist_ok=True)
    # With threads at once, as after a first visit.
    with served(isolated=True) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags())
        for name, scheme in VIEWS:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)
            page.goto(f"{url}{QUERY}")
            wait_live(page)
            wait_model(page, "Web")
            page.evaluate("() => globalThis.autogaze.player.open('sample')")
            in_page(page, "live_frames.pauseInMotion")
            picture = page.screenshot()
            save(picture, f"{name}.webp")
            if scheme == "dark":
                save(picture, "preview.jpg")
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
    save(page.locator("#feature-vision").screenshot(), "vision.webp")
    page.close()


def save(png: bytes, name: str) -> None:
    """Writes a screenshot into docs/pictures in the format that its name says."""
    with Image.open(BytesIO(png)) as picture:
        if name.endswith(".jpg"):
            picture.convert("RGB").save(PICTURES / name, quality=JPEG_QUALITY, optimize=True)
        else:
            picture.convert("RGB").save(PICTURES / name, quality=WEBP_QUALITY, method=6)
    print(f"docs/pictures/{name}")


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
