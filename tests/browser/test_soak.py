"""Everything that can happen to a stream, and memory meanwhile: the short form of `make soak`."""

from __future__ import annotations

import clips
import pytest
from live_page import open_live
from recorded_page import RecordedPage
from soak import CAMERA, FEWEST_ROUNDS, growth, soak, table, write_models
from soak_faults import HEIGHT, WIDTH
from soak_plane import assert_sizes_are_freed
from soak_samples import Meter
from soak_stage import Stage

pytestmark = pytest.mark.browser


@pytest.mark.timeout(900)
# A software adapter takes seconds to make a model and to run it: there, only what happens to the GPU and the
# model, once, in streams that are short. `make soak BACKEND=webgpu` has all of it.
@pytest.mark.parametrize(
    ("backend", "short"),
    [
        ("wasm", {"fault_rounds": 2}),
        ("webgpu", {"fault_rounds": 1, "of_backend_only": True, "frames": 4}),
    ],
    ids=["wasm", "webgpu"],
)
def test_the_page_survives_and_nothing_grows(launch_plain, site_url, tmp_path, backend, short):
    camera = clips.write_y4m(tmp_path / "camera.y4m", CAMERA)
    browser = launch_plain(webgpu=backend == "webgpu", camera=camera)
    models = write_models(tmp_path / "model", backend)
    samples = soak(browser, site_url, models, backend=backend, **short)
    assert growth(samples[-FEWEST_ROUNDS:]) == {}, table(samples)
    assert (samples[-1].gpu_buffers > 0) == (backend == "webgpu")


def test_sizes_that_replace_each_other_on_the_graphics_card_are_freed(launch_plain, site_url):
    browser = launch_plain(webgpu=True, camera=None)
    recorded = RecordedPage(browser.context.pages[0])
    open_live(recorded.page, site_url, f"?source=synthetic-pan&width={WIDTH}&pixels=gpu")
    Meter(recorded.page, browser.memory_bytes)
    stage = Stage(recorded, CAMERA)
    stage.choose("synthetic-local-motion")
    assert_sizes_are_freed(stage, WIDTH, "gpu")
    stage.assert_well(WIDTH, HEIGHT, model=False)
