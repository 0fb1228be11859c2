"""Memory while streaming, the short form of `make soak`."""

from __future__ import annotations

import pytest
from soak import growth, soak, table

pytestmark = pytest.mark.browser


@pytest.mark.timeout(400)
# The software adapter takes seconds to make a model: three rounds have to do.
@pytest.mark.parametrize(("backend", "seconds", "rounds"), [("wasm", 10, 6), ("webgpu", 0, 3)])
def test_nothing_grows_while_sources_and_models_come_and_go(
    open_page, site_url, checkpoint, backend, seconds, rounds
):
    page = open_page(webgpu=backend == "webgpu").page
    samples = soak(page, site_url, checkpoint, seconds, backend=backend, rounds=rounds)
    assert growth(samples) == {}, table(samples)
    assert (samples[-1].gpu_buffers > 0) == (backend == "webgpu")
