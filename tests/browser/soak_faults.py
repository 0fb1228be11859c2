"""What happens to the page while the soak streams with a model. After each fault the page has to be well."""

from __future__ import annotations

import time
from collections.abc import Callable

from in_page import in_page
from live_page import drawing_worker, take_stream_away
from model_page import MODEL_TIMEOUT_MS, wait_model
from plain_chromium import hidden, resize_window
from soak_stage import Stage

Fault = Callable[[Stage], None]

WIDTH, HEIGHT = 320, 180
WINDOW = (1280, 800)
TESTS_MODEL = {"config_url": "./model/config.json", "weights_url": "./model/model.safetensors"}
BUILT_IN = {"config_url": "./built-in/config.json", "weights_url": "./built-in/model.safetensors"}
# Another one with the graphs of the test's.
OTHER_MODEL = {"config_url": "./model/other/config.json", "weights_url": "./model/other/model.safetensors"}
GPU_PROBLEMS = "[Dd]evice|GPU|[Ll]ost|[Ii]nstance|ERR_|[Bb]uffer"
# A GPU that is lost again sooner is replaced by WebAssembly.
_LOSS_FORGIVEN_SECONDS = 61


def hurried_sources(stage: Stage) -> None:
    """Sources chosen faster than they open: the last one counts."""
    for name in ("camera", "synthetic-pan", "sample", "camera", "synthetic-local-motion"):
        # Without waiting for what it returns.
        stage.page.evaluate("(name) => { globalThis.autogaze.player.open(name); }", name)
    stage.choose("synthetic-pulse")
    stage.frames(3)
    stage.expected("(/sample/|blob:).*ERR_ABORTED")  # Nobody waits for it any more.
    stage.assert_well(WIDTH, HEIGHT, model=True)
    assert stage.page.evaluate("document.getElementById('video').srcObject") is None, "the camera is held"


def resized(stage: Stage) -> None:
    """Frames of other widths and a narrow window, in mid-stream."""
    stage.choose("synthetic-pan")
    for width, height in ((161, 91), (480, 270), (WIDTH, HEIGHT)):
        stage.give(inference_width=width)
        stage.assert_well(width, height, model=True)
    for window in ((500, 900), WINDOW):
        resize_window(stage.page, *window)
        stage.frames(2)
        too_wide = stage.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert too_wide <= 0, f"in a window of {window[0]} pixels {too_wide} have to be scrolled to"
        for panel in ("input", "mask", "output"):
            box = stage.page.locator(f"#{panel}").bounding_box()
            assert box
            assert abs(box["width"] / box["height"] - WIDTH / HEIGHT) < 0.05, f"{panel} is distorted: {box}"
    stage.assert_well(WIDTH, HEIGHT, model=True)


def hidden_tab(stage: Stage) -> None:
    """The tab behind another one, then stopped by the browser; frames go on when it is shown again."""
    stage.choose("synthetic-local-motion")
    with hidden(stage.page):
        stage.frames(1)  # Timers go on, once a second.
    stage.assert_well(WIDTH, HEIGHT, model=True)
    with hidden(stage.page, frozen=True):
        before = stage.count("done")
        stage.page.wait_for_timeout(1500)
        assert stage.count("done") <= before + 1, "the tab was not frozen"
    stage.assert_well(WIDTH, HEIGHT, model=True)
    # What is drawn while nobody looks, and never again, is there when they do.
    with hidden(stage.page):
        stage.page.evaluate("() => { globalThis.autogaze.player.open('synthetic-pulse'); }")
        stage.frames(2)
        stage.page.evaluate("() => globalThis.autogaze.player.pause()")
    stage.assert_newest_shown(WIDTH, HEIGHT)
    stage.page.click("#run")
    stage.assert_well(WIDTH, HEIGHT, model=True)


def camera_unplugged(stage: Stage) -> None:
    """The camera in a tab that is hidden, then unplugged, plugged in, unplugged; then another source."""
    stage.choose("camera")
    stage.assert_well(WIDTH, HEIGHT, model=True)
    with hidden(stage.page):
        stage.page.wait_for_timeout(500)
    stage.assert_well(WIDTH, HEIGHT, model=True)
    for again in (True, False):
        take_stream_away(stage.page)
        stage.told("The camera was unplugged or taken away. Connect it and press Start, or choose another")
        assert stage.page.inner_text("#run") == "Start"
        if again:
            stage.page.click("#run")
            stage.assert_well(WIDTH, HEIGHT, model=True)
    stage.choose("synthetic-pan")
    stage.assert_well(WIDTH, HEIGHT, model=True)


def model_swapped(other: dict[str, str], backend: str) -> Fault:
    """Another checkpoint and the first one again while frames stream: there is never a frame without one."""

    def fault(stage: Stage) -> None:
        stage.choose("synthetic-pan")
        without = stage.count("withoutModel")
        for model in (other, TESTS_MODEL):
            ready, done = stage.count("models"), stage.count("done")
            graphs = "./graphs/" if model is BUILT_IN else "./model/"
            stage.give(**model, graphs_url=graphs)
            in_page(stage.page, "followed_stream.waitModels", ready)
            assert stage.count("done") > done, "no frame was shown while the model was loaded"
            wait_model(stage.page, backend, MODEL_TIMEOUT_MS)
            stage.expected("/(built-in|model)/.*ERR_ABORTED")  # Unchanged: it is not read to its end.
            stage.assert_well(WIDTH, HEIGHT, model=True)
        assert stage.count("withoutModel") == without, "there were frames without the model before"

    fault.__name__ = "model_swapped"
    return fault


def gpu_lost() -> Fault:
    """The GPU goes away in the middle of a run; at most once a minute: a page gives up after more."""
    last = -float("inf")

    def fault(stage: Stage) -> None:
        nonlocal last
        stage.choose("synthetic-pulse")
        worker = drawing_worker(stage.page)
        if time.monotonic() - last < _LOSS_FORGIVEN_SECONDS:
            stage.assert_well(WIDTH, HEIGHT, model=True)
            return
        in_page(worker, "worker_hooks.loseDevice", "in a run")
        stage.told("The GPU was lost: the model is being started again.")
        last = time.monotonic()
        stage.page.wait_for_selector("#model-loading", state="hidden", timeout=MODEL_TIMEOUT_MS)
        wait_model(stage.page, "WebGPU", MODEL_TIMEOUT_MS)
        stage.expected(GPU_PROBLEMS)
        stage.assert_well(WIDTH, HEIGHT, model=True)

    fault.__name__ = "gpu_lost"
    return fault


def faults_for(stage: Stage, backend: str, of_backend_only: bool = False) -> list[Fault]:
    """All that can happen on a backend, `wasm` or `webgpu`; to be called before a model is loaded.

    Args:
        stage: the page.
        backend: `wasm` or `webgpu`.
        of_backend_only: leaves out what happens to sources, the window and, on a GPU, the choice of model.
    """
    faults: list[Fault] = [] if of_backend_only else [hurried_sources, resized, hidden_tab, camera_unplugged]
    if backend == "wasm":
        return [*faults, model_swapped(BUILT_IN, "WebAssembly")]
    in_page(drawing_worker(stage.page), "worker_hooks.watchDevice")
    # The built-in model would take minutes on a software adapter.
    swapped = [] if of_backend_only else [model_swapped(OTHER_MODEL, "WebGPU")]
    return [*faults, *swapped, gpu_lost()]
