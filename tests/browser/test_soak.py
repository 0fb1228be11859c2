"""Everything that can happen to a stream, and memory meanwhile: the short form of `make soak`."""

from __future__ import annotations

import clips
import pytest
from soak import CAMERA, growth, soak, table, write_models

pytestmark = pytest.mark.browser


@pytest.mark.timeout(600)
# The software adapter takes seconds to make a model, of which the faults need three.
@pytest.mark.parametrize(("backend", "fault_rounds"), [("wasm", 2), ("webgpu", 1)])
def test_the_page_survives_and_nothing_grows(launch_plain, site_url, tmp_path, backend, fault_rounds):
    camera = clips.write_y4m(tmp_path / "camera.y4m", CAMERA)
    browser = launch_plain(webgpu=backend == "webgpu", camera=camera)
    models = write_models(tmp_path / "model")
    samples = soak(browser, site_url, models, backend=backend, fault_rounds=fault_rounds)
    assert growth(samples) == {}, table(samples)
    assert (samples[-1].gpu_buffers > 0) == (backend == "webgpu")
