"""NVIDIA's recordings in the browser: Pyodide, the bridge and ONNX Runtime Web choose the same tokens.

And what needs no model in the same worker: the pixel kernels compute what NumPy does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
import synthetic_formula as formula
from built_in_clips import CASES, CLIPS, REQUESTS
from gaze_harness import GazeWorker

from autogaze_web import AutoGaze, AutoGazeImageProcessor
from autogaze_web.frames.rgba import as_frame
from autogaze_web.graph.export import export
from autogaze_web.model.config import AutoGazeConfig
from autogaze_web.tiles.tiling import Tiling

pytestmark = pytest.mark.browser

BUILT_IN = Path(__file__).parents[2] / "site" / "model"

_GENERATE = """
import io, json
import numpy as np
from autogaze_web.model.clips import ClipGeneration, StreamGeneration
from autogaze_web.model.controls import StreamControls
from autogaze_web.model.graph_choice import graphs_of
from autogaze_web.page.bridge import drive

REQUEST = json.loads(%r)

def plain(gaze):
    return {
        "gazing_pos": gaze.gazing_pos.tolist(),
        "if_padded_gazing": gaze.if_padded_gazing.astype(int).tolist(),
        "num_gazing_each_frame": gaze.num_gazing_each_frame.tolist(),
    }

async def main(model, graphs, bridge, data):
    video = np.load(io.BytesIO(bytes(data)))
    if REQUEST.pop("stream"):
        stream = StreamGeneration(model.config, graphs_of(graphs), StreamControls(window=None, **REQUEST))
        return json.dumps([plain(await drive(stream.runs(frame), bridge)) for frame in video[0]])
    clip = ClipGeneration(model.config, graphs_of(graphs), video, **REQUEST)
    return json.dumps([plain(await drive(clip.runs(), bridge))])
"""

# Compares all that the kernels compute with what NumPy does, on frames and with changes of many sizes.
_KERNELS = """
import json
import numpy as np
from autogaze_web.frames import pixel_kernels
from autogaze_web.frames.changes import block_grid, changed_blocks
from autogaze_web.frames.rgba import allocate, as_words
from autogaze_web.live.settings import LiveSettings
from autogaze_web.live.view import LiveView
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.patch_diff import patch_difference
from autogaze_web.page.simd_kernels import SimdKernels
from autogaze_web.panels.mask_panel import PANEL_MODES
from autogaze_web.panels.metrics import SquaredErrorMap

def noise(count, seed):  # the page's NumPy has no random numbers
    values = (np.arange(count, dtype=np.uint64) + np.uint64(seed * 7919 + 1)) * np.uint64(0x9E3779B97F4A7C15)
    values ^= values >> np.uint64(29)
    return (values * np.uint64(0xBF58476D1CE4E5B9) >> np.uint64(56)).astype(np.uint8)

def frames(height, width, seed):
    before, after = allocate(height, width), allocate(height, width)
    before[:] = noise(before.size, seed).reshape(before.shape)
    after[:] = before
    y, x = seed * 37 % height, seed * 101 % width
    after[y:, x:] = noise(after[y:, x:].size, seed + 1).reshape(after[y:, x:].shape)
    return before, after

def answers(before, after, grid):
    height, width = after.shape[:2]
    changed = changed_blocks(as_words(before), as_words(after))
    errors = SquaredErrorMap(height, width)
    everywhere = np.ones(block_grid(as_words(after).shape), bool)
    sums = [errors.update(before, after, everywhere), errors.update(after, before, changed)]
    errors.clear(changed)
    sums += [errors.update(before, after, ~changed), errors.errors.tolist()]
    scores = [patch_difference(before, after, grid, blocks).tolist() for blocks in (None, everywhere)]
    return [changed.tolist(), sums, scores]

def panels(height, width, seed, count, options):
    view, shown = LiveView(LiveSettings.of(options)), []
    grids = np.array([1, 2, 4, 7, 14])[noise(count, seed) % 5]
    cells = Cells.of(grids, noise(count, seed + 1) % grids, noise(count, seed + 2) % grids)
    for picture in (*frames(height, width, seed), *frames(height, width, seed + 3)):
        report = view.step(picture, cells)
        shown += [report.psnr, report.mask_box, view.mask.tobytes(), view.output.tobytes()]
    return shown

def equal(function, *arguments):
    pixel_kernels.install(None)
    expected = function(*arguments)
    pixel_kernels.install(simd)
    return function(*arguments) == expected

simd = pixel_kernels.installed()
assert isinstance(simd, SimdKernels)
sizes = [(1, 1), (1, 40), (40, 1), (16, 32), (17, 33), (15, 31), (90, 161), (91, 162), (600, 7), (360, 641)]
cases = [(*size, seed, grid) for size in sizes for seed, grid in ((0, 14), (1, 1), (5, 16))]
numbers = [case for case in cases if not equal(answers, *frames(*case[:3]), case[3])]
looks = [{"mask-visualization": mode} for mode in PANEL_MODES] + [{"visualization-mode": "full-blend"}]
cases = [(*size, 3, count, look) for size in sizes[2:] for count in (5, 120) for look in looks]
json.dumps(numbers + [case for case in cases if not equal(panels, *case)])
"""


def test_the_pixel_kernels_compute_what_numpy_does(tiny):
    assert json.loads(tiny.python(_KERNELS)) == []


def checkpoint(model: str, tmp_path: Path) -> dict[str, bytes]:
    folder = formula.write_folder(oracle.recipe(model), tmp_path)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def tiny_graphs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("graphs")
    # Upstream's context grows for ever: room for all of the longest case, 20 frames with 16 rows each and 165
    # tokens in all. A context that is too small would be an error.
    for _ in export(AutoGazeConfig.from_dict(oracle.recipe("tiny")["config"]), folder, (2, 7), capacity=520):
        pass
    return folder


@pytest.fixture(scope="module", params=["webgpu", "wasm"])
def tiny(request, launch, site_url, tiny_graphs, tmp_path_factory):
    page = launch(webgpu=request.param == "webgpu", camera=None, allow_camera=True).new_page()
    worker = GazeWorker(page, site_url)
    loaded = worker.load(
        checkpoint("tiny", tmp_path_factory.mktemp("tiny")),
        graphsUrl=worker.serve("graphs", tiny_graphs),
        backend=request.param,
        more=True,
    )
    assert loaded["backend"].lower().startswith({"webgpu": "webgpu on", "wasm": "webassembly"}[request.param])
    yield worker
    worker.close_model()
    page.close()


def check(worker: GazeWorker, case: dict[str, Any]) -> dict[str, int]:
    asked = case["request"]
    request = {
        "stream": case["kind"] == "stream",
        "gazing_ratio": asked["gazing_ratio"],
        "task_loss_requirement": asked["task_loss_requirement"],
    }
    if case["kind"] == "tiles":
        request |= {key: asked[key] for key in ("target_scales", "target_patch_size")}
    gazes, counters = worker.run(_GENERATE % json.dumps(request), oracle.video_of(case))
    expected = case["expected"]
    for name in ("gazing_pos", "if_padded_gazing"):
        np.testing.assert_array_equal(np.concatenate([gaze[name] for gaze in gazes], axis=1), expected[name])
    lengths = [length for gaze in gazes for length in gaze["num_gazing_each_frame"]]
    assert lengths == expected["num_gazing_each_frame"]
    return counters


@pytest.mark.parametrize(
    ("model", "name"), oracle.case_params("generate", "steps", "batch", "tiles", "stream", models=("tiny",))
)
def test_tiny(tiny: GazeWorker, model: str, name: str, request: pytest.FixtureRequest) -> None:
    counters = check(tiny, oracle.read(model, name))
    on_gpu = request.node.callspec.params["tiny"] == "webgpu"
    assert counters["runs"] > 0
    assert counters["readBacks"] == (counters["runs"] if on_gpu else 0)


_TILES = """
import io, json
import numpy as np
from autogaze_web.page.gaze_streams import GazeStreams
from autogaze_web.tiles.inference_mode import InferenceMode

async def main(model, graphs, bridge, data):
    frames = np.load(io.BytesIO(bytes(data)))
    answer = []
    for size in (64, 4):
        stream = GazeStreams(model, graphs, bridge, 4).open(InferenceMode("tiled", batch_size=size, frames=2))
        for frame in frames:
            states = [gaze async for gaze in stream.submit(frame, 0.7)]
            cells = states[-1].choice.cells
            answer.append([len(states), cells.start.tolist(), cells.grid.tolist()])
    return json.dumps(answer)
"""


def test_tiles_in_batches(tiny: GazeWorker, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Six tiles, in one batch and in two of three, are those of the native package one by one."""
    frames = [as_frame(frame) for frame in oracle.frames_224()[:3, :100, :150]]
    answer, counters = tiny.run(_TILES, np.stack(frames))
    model = AutoGaze.from_pretrained(formula.write_folder(oracle.recipe("tiny"), tmp_path))
    processed = AutoGazeImageProcessor.from_pretrained(tmp_path).without_resizing()(np.stack(frames)[..., :3])
    tiling, expected = Tiling.anyres(100, 150, 64), []
    for last in range(3):
        pair = processed[max(last - 1, 0) : last + 1]
        *_, result = model.generate_tiled(pair, tiling, model.config.gazing_ratio, 0.7, max_tokens=4)
        expected.append([result.frames[-1].start.tolist(), result.frames[-1].grid.tolist()])
    assert [gaze[1:] for gaze in answer] == expected * 2
    on_gpu = request.node.callspec.params["tiny"] == "webgpu"
    assert [gaze[0] for gaze in answer] == [1 if on_gpu else 2] * 3 + [2] * 3
    assert counters["runs"] > 0


@pytest.mark.parametrize(("model", "name"), [("full", "generate_4")])
def test_the_released_architecture_on_the_graphs_of_the_site(page, site_url, tmp_path, model, name):
    if not (oracle.folder_of(model) / "cases" / model).is_dir():
        pytest.skip(oracle.HOW_TO)
    worker = GazeWorker(page, site_url)
    loaded = worker.load(checkpoint(model, tmp_path), backend="wasm")
    assert loaded["graphs"] == [
        f"{graph}.onnx" for graph in ("frame-2", "frame-3", *(f"steps-{s}" for s in (1, 2, 4, 8)))
    ]
    counters = check(worker, oracle.read(model, name))
    # The frames take 12, 18, 6 and 4 steps: 3+1+2+4+8, 3+8+1+1+2+4, 3+8 and 3+4 are computed.
    assert counters["runs"] == 5 + 6 + 2 + 2


def test_the_built_in_model_on_the_graphs_of_the_site(page, site_url):
    worker = GazeWorker(page, site_url)
    files = {path.name: path.read_bytes() for path in BUILT_IN.iterdir()}
    worker.load(files, backend="wasm", graphsUrl=f"{site_url}built-in/")
    record = json.loads((oracle.DATA / "built_in.json").read_text("utf-8"))
    processor = AutoGazeImageProcessor.from_pretrained(BUILT_IN)
    for name in ("moving square, very strict", "pan, a tenth of the tokens"):
        clip, asked = CLIPS[CASES[name][0]](), REQUESTS[CASES[name][1]]
        request = {
            "stream": False,
            "gazing_ratio": asked.gazing_ratio,
            "task_loss_requirement": asked.task_loss_requirement,
        }
        (gaze,), _ = worker.run(_GENERATE % json.dumps(request), processor(clip)[None])
        slots = record["cases"][name]["slots"]
        assert gaze["num_gazing_each_frame"] == [len(frame) for frame in slots]
        ids = [265 * t + (token if token >= 0 else 265) for t, frame in enumerate(slots) for token in frame]
        assert gaze["gazing_pos"] == [ids]
        assert gaze["if_padded_gazing"] == [[int(token < 0) for frame in slots for token in frame]]
