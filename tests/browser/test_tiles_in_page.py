"""Large frames in tiles in the page: each batch is shown, the result is the native package's."""

from __future__ import annotations

import numpy as np
import pytest
from in_page import in_page
from live_page import LOAD_TIMEOUT_MS, drawing_worker, eventually, open_feature, record, shown
from model_page import ADDRESSES, assert_tiles_are_native, serve, wait_model

from autogaze_web import options
from autogaze_web.tiles.tiling import Tiling

pytestmark = pytest.mark.browser

# The small model's tiles have 64 pixels per side.
SIZE = "&width=160&height=100"
QUERY = f"?source=synthetic-pan&mask-source=autogaze&backend=wasm&max-tokens=4&top-k=1{SIZE}{ADDRESSES}"


@pytest.mark.parametrize("mode", ["anyres", "full-res&tile-stride=48"])
def test_every_tile_is_the_native_packages(live, streaming_page, checkpoint, mode):
    serve(streaming_page.page, checkpoint)
    page = live(f"{QUERY}&mask-timing=own&tile-batch-size=5&mode={mode}")
    wait_model(page, "WebAssembly")
    tiling = Tiling.anyres(100, 160, 64)
    if mode != "anyres":
        tiling = Tiling.full_resolution(100, 160, 64, 48)
    assert_tiles_are_native(record(page, 3), tiling, checkpoint, 4)
    wait_tiles(page, f"{len(tiling)} of {len(tiling)}")


def wait_tiles(page, text):
    page.wait_for_function(
        "(text) => document.getElementById('tiles-count').textContent.trim() === text",
        arg=text,
        timeout=LOAD_TIMEOUT_MS,
    )


def test_what_is_known_is_shown_and_the_rest_can_be_called_off(live, checkpoint):
    query = QUERY.replace("mask-source=autogaze", "mask-source=patch-diff")
    page = live(f"{query}&mode=tiled&tile-batch-size=2&frames-per-clip=1&mask-display=overlay")
    serve(page, checkpoint)
    assert page.is_hidden("#tiles")
    worker = drawing_worker(page)
    in_page(worker, "worker_hooks.holdRuns")
    page.select_option("#mask-source", "autogaze")
    page.wait_for_selector("#tiles:not([hidden])", timeout=LOAD_TIMEOUT_MS)

    # Two of three tiles of the upper row, then the last one and the first of the lower row.
    def lit():
        mask = shown(page, "mask")[..., :3].any(axis=-1)
        return [bool(part.any()) for row in np.split(mask, 2) for part in np.array_split(row, 3, axis=1)]

    def wait_lit(expected):
        def check():
            assert lit() == expected

        eventually(page, check)

    in_page(worker, "worker_hooks.letGo", 2)
    wait_tiles(page, "2 of 6")
    wait_lit([True, True, False, False, False, False])
    in_page(worker, "worker_hooks.letGo", 2)
    wait_tiles(page, "4 of 6")
    wait_lit([True, True, True, True, False, False])

    page.click("#tiles-cancel")
    in_page(worker, "worker_hooks.letAllGo")
    page.wait_for_selector("#tiles", state="hidden")
    page.wait_for_function(
        "() => /mask \\d+ frames? |ms \\(AutoGaze/.test(document.getElementById('facts').textContent)"
    )
    assert page.input_value("#setting-mode") == "realtime"
    report = record(page, 4)[-1].report
    assert report.get("tiles", 0) == 0


def test_every_panel_with_every_mask_source_mode_and_geometry(live, checkpoint):
    page = live(QUERY.replace("mask-source=autogaze", "mask-source=patch-diff") + "&tile-batch-size=1")
    serve(page, checkpoint)
    page.select_option("#mask-source", "autogaze")
    wait_model(page, "WebAssembly")
    choices = {name: values_of(name) for name in ("mode", "mask-visualization", "mask-geometry")}
    assert in_page(page, "options_walk.walk", choices) == []
    page.select_option("#mask-source", "patch-diff")
    assert in_page(page, "options_walk.walk", choices) == []


def values_of(name):
    return [choice.value for choice in options.options()[name].choices]


def test_the_defaults_follow_the_mode(live):
    page = live("?source=synthetic-pan")
    open_feature(page, "settings")
    page.click("#settings-advanced > summary")
    names = ("frames-per-clip", "max-gaze-tokens-each-frame", "top-k", "inference-width")
    values = lambda: [page.input_value(f"#setting-{name}") for name in names]  # noqa: E731
    assert values() == ["16", "16", "10", "auto"]
    page.select_option("#mask-source", "patch-diff")
    page.evaluate("() => { document.getElementById('setting-mode').disabled = false; }")
    page.select_option("#setting-mode", "tiled")
    assert values() == ["2", "24", "2", "1280"]
    page.wait_for_function("() => document.getElementById('input').width === 1280")
