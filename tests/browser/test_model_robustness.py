"""What can happen to a model while it works, and checkpoints that are unlike the released one."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from in_page import in_page
from live_page import (
    SCRIPTS,
    assert_native,
    choose_files,
    drawing_worker,
    open_live,
    record,
    wait_frames,
    wait_shape,
)
from model_page import (
    ADDRESSES,
    MODEL_TIMEOUT_MS,
    replay,
    serve,
    wait_model,
    with_weights,
)
from plain_chromium import hidden
from recorded_page import RecordedPage

pytestmark = pytest.mark.browser

QUERY = "?source=synthetic-pan&width=128&backend=wasm" + ADDRESSES
GONE = "() => !document.getElementById('facts').textContent.includes('AutoGaze')"


def notice(page):
    page.wait_for_selector("#notice:not([hidden])", timeout=MODEL_TIMEOUT_MS)
    return page.inner_text("#notice-text")


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16], ids=["f16", "bf16"])
def test_half_precision(live, streaming_page, checkpoint, tmp_path, dtype):
    halved = with_weights(checkpoint, tmp_path, lambda _, array: array.astype(dtype))
    serve(streaming_page.page, halved)
    page = live(QUERY + "&mask-source=autogaze&mask-timing=own")
    wait_model(page, "WebAssembly")
    replay(record(page, 4), halved)


def test_weights_that_are_not_finite(live, checkpoint, tmp_path):
    page = live(QUERY)
    serve(page, with_weights(checkpoint, tmp_path, lambda _, array: array * np.float32(np.nan)))
    page.select_option("#mask-source", "autogaze")
    assert "the weights hold NaN or infinity in gazing_model." in notice(page)
    assert page.input_value("#mask-source") == "patch-diff"
    assert_native(record(page, 3))


@pytest.mark.parametrize("timing", ["own", "newest"])
def test_weights_with_which_the_model_computes_nan(live, checkpoint, tmp_path, timing):
    def overflow(name, array):
        return array * np.float32(1e20) if "v_proj" in name or "o_proj" in name else array

    page = live(f"{QUERY}&mask-timing={timing}")
    serve(page, with_weights(checkpoint, tmp_path, overflow))
    page.select_option("#mask-source", "autogaze")
    assert notice(page) == (
        "AutoGaze stopped: the model computed NaN or infinity: "
        "the weights or the frame's values are out of range."
    )
    assert page.input_value("#mask-source") == "patch-diff"
    assert "changes above 0.15" in page.inner_text("#quality-value")
    assert_native(record(page, 3))


def test_a_site_without_a_file_of_the_model_and_a_worker_that_does_not_start(recorded, site_url, checkpoint):
    # One page: every load starts a worker, which loads ONNX Runtime anew.
    recorded.expect_problem("404|wasm|Aborted|ERR_|MIME|gaze_worker|missing.mjs")
    page = recorded.page
    missing = ("**/ort-wasm-simd-threaded.wasm", "**/ort.wasm.min.mjs")
    for index, file in enumerate(missing):
        page.unroute_all()
        serve(page, checkpoint)
        page.route(file, lambda route: route.fulfill(status=404, body="no"))
        if index == 0:
            open_live(page, site_url, QUERY + "&mask-source=autogaze")
        else:
            page.select_option("#mask-source", "autogaze")
        assert notice(page).startswith("ONNX Runtime could not be started")
        assert "\n" not in notice(page)
        assert_native(record(page, 3))
        page.click("#notice-close")

    page.unroute_all()
    serve(page, checkpoint)
    in_page(drawing_worker(page), "worker_hooks.breakModelWorker")
    page.select_option("#mask-source", "autogaze")
    assert notice(page) == "The model's worker could not start or broke down: reload the page."
    assert_native(record(page, 3))


def test_frames_that_change_size_while_the_model_works(page, site_url, checkpoint):
    page.add_init_script(path=SCRIPTS / "turning_camera.mjs")
    serve(page, checkpoint)
    open_live(page, site_url, QUERY.replace("synthetic-pan", "camera") + "&mask-timing=newest")
    in_page(drawing_worker(page), "worker_hooks.slowDown", {"frames": 3})
    page.select_option("#mask-source", "autogaze")
    for height, width in ((72, 128), (228, 128), (72, 128)):
        page.wait_for_function(
            "(text) => [text, 'AutoGaze, '].every((each) => "
            "document.getElementById('facts').textContent.includes(each))",
            arg=f"{width}\u00d7{height} pixels",
            timeout=MODEL_TIMEOUT_MS,
        )
        wait_shape(page, height, width)
        page.evaluate("turn()")


def test_another_model_and_another_source_in_mid_gaze(live, checkpoint, tmp_path):
    other = with_weights(checkpoint, tmp_path, lambda _, array: array[::-1].copy())
    page = live(QUERY + "&mask-timing=newest")
    serve(page, checkpoint)
    in_page(drawing_worker(page), "worker_hooks.slowDown", {"frames": 4})
    page.select_option("#mask-source", "autogaze")
    wait_model(page, "WebAssembly")
    replay(record(page, 20, "synthetic-pulse"), checkpoint)
    names = ("model.safetensors", "config.json", "preprocessor_config.json")
    # In the order of what can be seen: the old one's number goes on growing until the new one begins at 0.
    page.evaluate(
        """() => {
          const { view } = globalThis.autogaze;
          view.on("model-ready", () => { globalThis.swapped = true; });
        }"""
    )
    choose_files(page, *[other / name for name in names])
    page.wait_for_function("() => globalThis.swapped", timeout=MODEL_TIMEOUT_MS)
    replay(record(page, 20, "synthetic-pan"), other)
    page.select_option("#mask-source", "patch-diff")
    page.wait_for_function(GONE)
    in_page(drawing_worker(page), "worker_hooks.slowDown", {})
    assert_native(record(page, 3))


def test_a_tab_that_is_frozen_and_goes_on(launch_plain, site_url, checkpoint):
    recorded = RecordedPage(launch_plain().context.pages[0])
    page = recorded.page
    serve(page, checkpoint)
    open_live(page, site_url, QUERY + "&mask-timing=newest")
    in_page(drawing_worker(page), "worker_hooks.slowDown", {"frames": 2})
    page.select_option("#mask-source", "autogaze")
    wait_model(page, "WebAssembly")
    for _ in range(2):
        with hidden(page, frozen=True):
            page.wait_for_timeout(1000)
            before = page.inner_text("#facts")
        page.wait_for_function("(text) => document.getElementById('facts').textContent !== text", arg=before)
    replay(record(page, 12), checkpoint)
    assert recorded.unexpected() == []


def test_the_gpu_is_lost_and_soon_again_in_mid_gaze(open_page, site_url, gpu_checkpoint):
    recorded = open_page(webgpu=True)
    recorded.expect_problem("[Dd]evice|GPU|[Ll]ost|[Ii]nstance|ERR_|[Bb]uffer")
    page = recorded.page
    serve(page, gpu_checkpoint)
    query = f"?source=synthetic-pan&width=128&mask-timing=newest&backend=webgpu{ADDRESSES}"
    open_live(page, site_url, query)
    (worker,) = page.workers
    in_page(worker, "worker_hooks.watchDevice")
    # Paused while a software adapter compiles, which takes all of the processor.
    page.click("#run")
    page.select_option("#mask-source", "autogaze")
    wait_model(page, "WebGPU")
    page.click("#run")
    wait_frames(page, 2)
    in_page(worker, "worker_hooks.loseDevice", "at once")
    assert notice(page) == "The GPU was lost: the model is being started again."
    page.click("#run")
    page.wait_for_selector("#model-loading", state="hidden", timeout=MODEL_TIMEOUT_MS)
    wait_model(page, "WebGPU")
    page.click("#run")
    page.evaluate("() => globalThis.autogaze.settings.set({ 'mask-timing': 'own' })")
    wait_frames(page, 2)
    # However long the software adapter took, the second loss is within a minute of the first.
    in_page(worker, "worker_hooks.rewindToLoss")
    in_page(worker, "worker_hooks.loseDevice", "in a run")
    assert "The GPU was lost twice within a minute" in notice(page)
    wait_model(page, "WebAssembly")
    assert page.input_value("#mask-source") == "autogaze"
    replay(record(page, 3), gpu_checkpoint)
