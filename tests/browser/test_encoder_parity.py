"""NVIDIA's recordings of the gazed encoder in the browser: its graphs on WebAssembly and on WebGPU."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
import siglip_cases as cases
import synthetic_formula as formula
from gaze_harness import GazeWorker

from autogaze_web.encoder.config import SiglipConfig
from autogaze_web.graph.export_encoder import export_encoder
from autogaze_web.native.siglip import EncoderOutput

pytestmark = pytest.mark.browser

_ENCODE = """
import base64, io, json
from dataclasses import replace
import numpy as np
from autogaze_web.page.encoder_runs import EncoderStream
from autogaze_web.readout.gazing_info import GazingInfo

REQUESTS = json.loads(%r)

async def encode(config, bridge, video, gaze, index, frame_by_frame):
    stream = EncoderStream(config, bridge, "video")
    if not frame_by_frame:
        result, _ = await stream.encode(video, gaze, index)
        return result.last_hidden_state, [result.pooler_output]
    features, pooled, start = [], [], 0
    for frame, count in enumerate(gaze.num_gazing_each_frame):
        slots = slice(start, start + count)
        position = gaze.gazing_pos[:, slots] - frame * config.patch_scales.patches
        part = GazingInfo(position, gaze.if_padded_gazing[:, slots], np.array([count]))
        result, _ = await stream.encode(video[:, frame : frame + 1], part, index)
        features.append(result.last_hidden_state)
        pooled.append(result.pooler_output)
        start += count
    return np.concatenate(features), pooled

async def main(encoder, bridge, data):
    arrays = np.load(io.BytesIO(bytes(data)))
    text = lambda array: base64.b64encode(np.ascontiguousarray(array, np.float32)).decode()
    answers = []
    for number, request in enumerate(REQUESTS):
        config = replace(encoder.config, **request["config"])
        video, *gaze = (arrays[f"{part}_{number}"] for part in ("video", "pos", "pad", "num"))
        videos = [
            await encode(config, bridge, video, GazingInfo(*gaze), index, request["stream"])
            for index in range(len(video))
        ]
        answers.append([text(np.stack(parts)) for parts in zip(*videos)])
    return json.dumps(answers)
"""


def groups() -> dict[tuple[str, str | None], list[str]]:
    """The small cases by what shares a graph: recipe and scales."""
    found: dict[tuple[str, str | None], list[str]] = {}
    for name in cases.names():
        if isinstance(name, str) and not name.startswith("base2"):
            case = cases.read(name)
            found.setdefault((case["recipe"], case["request"].get("scales")), []).append(name)
    return found


@pytest.fixture(scope="module", params=["webgpu", "wasm"])
def worker(request, launch, site_url):
    page = launch(webgpu=request.param == "webgpu", camera=None, allow_camera=True).new_page()
    yield GazeWorker(page, site_url), request.param
    page.close()


def encoded(worker: GazeWorker, names: list[str]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Features (B, n, hidden) and pooled vectors (B, steps, hidden) of each case."""
    arrays: dict[str, Any] = {}
    requests = []
    for number, name in enumerate(names):
        case, gaze = cases.read(name), cases.gaze_of(cases.read(name))
        arrays[f"video_{number}"] = cases.video_of(case)
        arrays[f"pos_{number}"], arrays[f"pad_{number}"] = gaze.gazing_pos, gaze.if_padded_gazing
        arrays[f"num_{number}"] = gaze.num_gazing_each_frame
        asked = ("attn_type", "frame_independent_encoding")
        config = {key: case["request"][key] for key in asked if key in case["request"]}
        requests.append({"config": config, "stream": case["siglip_kind"] == "stream"})
    answers, counters = worker.encode(_ENCODE % json.dumps(requests), arrays)
    assert counters["runs"] >= len(names)
    results = []
    for number, (features, pooled) in enumerate(answers):
        batch, slots = arrays[f"pos_{number}"].shape
        values = np.frombuffer(base64.b64decode(features), np.float32).reshape(batch, slots, -1)
        vectors = np.frombuffer(base64.b64decode(pooled), np.float32)
        results.append((values, vectors.reshape(batch, -1, values.shape[-1])))
    return results


@pytest.mark.parametrize("group", groups().items(), ids=lambda group: f"{group[0][0]}-{group[0][1]}")
def test_recordings(worker, group, tmp_path: Path) -> None:
    (recipe, scales), names = group
    harness, backend = worker
    folder, graphs = formula.write_folder(oracle.recipe(recipe), tmp_path / "model"), tmp_path / "graphs"
    list(export_encoder(SiglipConfig.from_file(folder / "config.json", scales=scales), None, graphs))
    loaded = harness.load_encoder(folder, graphs, scales=scales, backend=backend)
    assert loaded["backend"].startswith({"webgpu": "WebGPU on", "wasm": "WebAssembly"}[backend])
    for name, (features, pooled) in zip(names, encoded(harness, names), strict=True):
        case = cases.read(name)
        output = EncoderOutput(features, pooled[:, -1], None, np.zeros(len(features), np.int64))
        assert cases.share_of_tolerance(case, output) <= 1, name
