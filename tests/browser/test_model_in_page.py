"""AutoGaze as the page's mask source, on a small checkpoint that the test serves."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from in_page import in_page
from live_page import LOAD_TIMEOUT_MS, assert_native, choose_files, open_live, record, wait_live
from model_page import (
    ADDRESSES,
    FILES,
    MODEL_TIMEOUT_MS,
    assert_tiles_are_native,
    serve,
    wait_model,
    write_shards,
)
from playwright.sync_api import expect

from autogaze_web import AutoGaze, AutoGazeImageProcessor
from autogaze_web.frames.rgba import as_frame
from autogaze_web.live.settings import LiveSettings
from autogaze_web.live.view import LiveView
from autogaze_web.native.example_check import check_example
from autogaze_web.tiles.tiling import Tiling

pytestmark = pytest.mark.browser

EXAMPLE = Path(__file__).parent.parent / "data" / "example_input.webm"


@pytest.mark.parametrize(("backend", "name"), [("wasm", "WebAssembly"), ("webgpu", "WebGPU on google")])
def test_a_stream_has_the_tokens_of_the_native_package(open_page, site_url, checkpoint, backend, name):
    page = open_page(webgpu=backend == "webgpu").page
    serve(page, checkpoint)
    page.goto(
        f"{site_url}?source=file&width=128&mask-source=autogaze&mask-timing=own&backend={backend}{ADDRESSES}"
    )
    choose_files(page, EXAMPLE)
    wait_live(page)
    page.click("#run")  # Paused: the model is compiled sooner, and recording opens the file again.
    wait_model(page, name)
    frames = record(page, 5)

    model = AutoGaze.from_pretrained(checkpoint)
    processor = AutoGazeImageProcessor.from_pretrained(checkpoint)
    stream = model.stream(1.0, 0.7, max_tokens=16)  # the limit replaces the budget of the model
    view = LiveView(LiveSettings.of({}))
    for frame in frames:
        gaze = stream.step(processor(frame.input[None, ..., :3])[0])
        report = view.step(as_frame(frame.input), gaze.cells())
        assert frame.report["tokens"] == int((~gaze.if_padded_gazing).sum()) > 0
        assert frame.report["steps"] == gaze.decoder_steps_each_frame[0]
        assert frame.report["maskRatio"] == report.mask_ratio
        np.testing.assert_array_equal(frame.mask, view.mask)
        np.testing.assert_array_equal(frame.output, view.output)

    # On a GPU a run is one wait, and nothing is allocated. On a CPU the context grows first.
    for index, (before, after) in enumerate(pairwise(frames)):
        spent = {
            name: total - before.report["runner"][name] for name, total in after.report["runner"].items()
        }
        assert spent["readBacks"] == (spent["runs"] if backend == "webgpu" else 0)
        # Two or three steps are one run, each further run has one step or more.
        assert 1 <= spent["runs"] <= max(1, after.report["steps"] - 1)
        if backend == "webgpu" or index > 0:
            assert spent["allocations"] == 0

    # The same model looks at tiles: two of them, since it is slow without a GPU.
    if backend == "webgpu":
        changes = {
            "mode": "full-res",
            "inference-width": 96,
            "inference-height": 64,
            "max-gaze-tokens-each-frame": 16,  # as before: another limit would load the model again
            "top-k": 10,
            "tile-batch-size": 5,
        }
        page.select_option("#source", "synthetic-pan")
        page.evaluate("(changes) => globalThis.autogaze.settings.set(changes)", changes)
        page.wait_for_function(
            "() => document.getElementById('tiles-count').textContent.trim() === '2 of 2'",
            timeout=MODEL_TIMEOUT_MS,
        )
        assert_tiles_are_native(record(page, 2), Tiling.full_resolution(64, 96, 64, 64), checkpoint, 16)


def test_a_software_adapter_is_not_chosen_by_itself(open_page, site_url, checkpoint):
    page = open_page(webgpu=True).page
    serve(page, checkpoint)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    open_live(page, site_url, f"?source=synthetic-pan&width=128&mask-source=autogaze{ADDRESSES}")
    wait_model(page, "WebAssembly, 1 thread")
    fetched = {url.rsplit("/", 1)[1] for url in requests if "/onnxruntime/" in url}
    assert fetched == {"ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"}


# On WebGPU the soak does the same, round by round.
def test_choosing_and_leaving_the_model(live, checkpoint):
    page = live(f"?source=synthetic-pan&width=128&backend=wasm{ADDRESSES}")
    serve(page, checkpoint)
    for is_last in (False, True):
        assert "changes above 0.15" in page.inner_text("#quality-value")
        page.select_option("#mask-source", "autogaze")
        wait_model(page, "Web")
        assert page.is_hidden("#model-loading")
        assert page.inner_text("#quality-value").startswith("up to 16 of ")
        assert page.get_attribute("#quality", "aria-valuetext").endswith(", fewer once the loss is 0.70")
        if is_last:
            page.fill("#quality", "3")
            page.wait_for_function("() => /^3 tokens/.test(document.getElementById('facts').textContent)")
            assert page.inner_text("#quality-value").startswith("3 of ")
            assert page.input_value("#quality") == "3"
            page.wait_for_selector("#curve.live")
            label = page.get_attribute("#curve svg", "aria-label")
            assert label.startswith("Quality over the tokens of this frame: ")
        page.select_option("#mask-source", "patch-diff")
        page.wait_for_function("() => !document.getElementById('facts').textContent.includes('AutoGaze')")
    assert_native(record(page, 3))


def test_what_is_kept_is_shown_and_can_be_deleted(page, site_url, checkpoint):
    serve(page, checkpoint)
    query = "?source=synthetic-pan&width=128&mask-source=autogaze&backend=wasm"
    open_live(page, site_url, query + ADDRESSES)
    wait_model(page, "WebAssembly")
    page.wait_for_selector("#storage:not([hidden])")
    assert page.inner_text("#storage-text") == "Model files stored on this machine: 0.3 MB."
    page.click("#storage-delete")
    page.wait_for_selector("#storage", state="hidden")
    assert in_page(page, "stored_files.names") == []
    # Without the model, which would be kept again.
    open_live(page, site_url, "?source=synthetic-pan&width=128")
    assert page.is_hidden("#storage")


def test_files_dropped_on_the_page(live, checkpoint):
    page = live("?source=synthetic-pan&width=128&backend=wasm&graphs-url=./model/")
    serve(page, checkpoint)
    names = ("model.safetensors", "config.json", "preprocessor_config.json")
    choose_files(page, *[checkpoint / name for name in names])
    wait_model(page, "WebAssembly")
    assert page.is_hidden("#notice")
    # The same tokens as `autogaze-web check`, in a worker of its own.
    page.click("#model-check-run")
    counts = check_example(
        AutoGaze.from_pretrained(checkpoint), AutoGazeImageProcessor.from_pretrained(checkpoint)
    )
    said = f"No: this model chooses {counts.slots} slots, {counts.real} of them real; "
    expect(page.locator("#model-check-text")).to_contain_text(said, timeout=MODEL_TIMEOUT_MS)
    expect(page.locator("#model-check-text")).to_contain_text("prints 348 slots, 213 of them real; ")
    # Without the last one it works too, and says so.
    choose_files(page, *[checkpoint / name for name in names[:2]])
    expect(page.locator("#notice-text")).to_have_text(
        "The model has no preprocessor_config.json, so frames are prepared as for NVIDIA's release."
    )
    assert page.is_hidden("#model-loading")
    assert page.input_value("#mask-source") == "autogaze"


def test_weights_in_shards(live, streaming_page, checkpoint, tmp_path):
    """Whether the address of their folder is given or the files are dropped."""
    streaming_page.expect_problem("404|ERR_ABORTED")  # The folder is asked for the whole file first.
    page = live(
        "?source=synthetic-pan&width=128&backend=wasm&graphs-url=./model/"
        "&config-url=./model/config.json&weights-url=./model/"
    )
    folder = write_shards(checkpoint, tmp_path / "shards")
    serve(page, folder)
    page.select_option("#mask-source", "autogaze")
    wait_model(page, "WebAssembly")
    page.select_option("#mask-source", "patch-diff")
    names = ("config.json", "preprocessor_config.json", "model.safetensors.index.json")
    files = [*(folder / name for name in names), *sorted(folder.glob("model-*"))]
    choose_files(page, *files)
    wait_model(page, "WebAssembly")
    assert page.is_hidden("#notice")

    shutil.copy(files[-2], files[-1])
    choose_files(page, *files)
    expect(page.locator("#notice-text")).to_contain_text("both hold the tensor")
    choose_files(page, *files[:-1])
    expect(page.locator("#notice-text")).to_have_text(
        "model-00002-of-00002.safetensors of the model is missing: choose all its files together."
    )


def damaged(checkpoint, folder, name, content):
    shutil.copytree(checkpoint, folder)
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    return folder


def test_what_is_wrong_with_a_model_is_said_and_patch_diff_goes_on(recorded, site_url, checkpoint, tmp_path):
    # A page of its own: one that has loaded the model before would use its stored files.
    recorded.expect_problem("404|ERR_ABORTED")
    page = recorded.page
    open_live(page, site_url, f"?source=synthetic-pan&width=128&backend=wasm{ADDRESSES}")
    for index, (name, content, sentence) in enumerate(
        (
            ("config.json", None, "There is no config.json at"),
            ("model.safetensors", b"<!doctype html><title>Sign in</title>", "is a web page"),
            ("config.json", b'{"model_type": "llama"}', "model_type"),
            ("graphs.json", None, "There are no graphs at"),
        )
    ):
        page.unroute_all()
        serve(page, damaged(checkpoint, tmp_path / str(index), name, content))
        page.select_option("#mask-source", "autogaze")
        page.wait_for_selector("#notice:not([hidden])")
        assert sentence in page.inner_text("#notice-text")
        assert page.input_value("#mask-source") == "patch-diff"
        assert page.is_hidden("#model-loading")
        assert_native(record(page, 3))
        page.click("#notice-close")


def test_another_architecture_than_the_sites_graphs(live, checkpoint):
    page = live(f"?source=synthetic-pan&width=128&backend=wasm{FILES}")
    serve(page, checkpoint)
    page.select_option("#mask-source", "autogaze")
    page.wait_for_selector("#notice:not([hidden])", timeout=LOAD_TIMEOUT_MS)
    text = page.inner_text("#notice-text")
    assert "input_img_size: 64 and 224" in text
    assert "autogaze-web export" in text


def test_cancelling_a_load(live, streaming_page, checkpoint):
    streaming_page.expect_problem("ERR_ABORTED")
    page = live(f"?source=synthetic-pan&width=128&backend=wasm{ADDRESSES}")
    serve(page, checkpoint)
    held = []
    page.route(lambda url: urlsplit(url).path == "/model/model.safetensors", lambda route: held.append(route))
    page.select_option("#mask-source", "autogaze")
    page.wait_for_selector("#model-loading:not([hidden])")
    page.click("#model-cancel")
    assert page.is_hidden("#model-loading")
    assert page.input_value("#mask-source") == "patch-diff"
    assert_native(record(page, 3))
    for route in held:
        route.abort()
