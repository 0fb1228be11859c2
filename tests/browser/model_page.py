"""The page with a small model of the test's: its files, served at ./model/, and waiting for it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import oracle
import synthetic_formula as formula
from live_page import Recorded
from numpy.typing import NDArray
from playwright.sync_api import Page, Route
from safetensors.numpy import save_file

from autogaze_web import AutoGaze, AutoGazeImageProcessor
from autogaze_web.frames.rgba import as_frame
from autogaze_web.graph.export import export
from autogaze_web.live.settings import LiveSettings
from autogaze_web.live.view import LiveView
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.fixations import Fixations
from autogaze_web.model.config import AutoGazeConfig
from autogaze_web.tiles.tiling import Tiling

Array = NDArray[Any]

# On a busy machine a software adapter takes more than a minute to compile a model's shaders.
MODEL_TIMEOUT_MS = 240_000
# Of graphs that a software adapter is to compile quickly.
QUICK_FRAME_STEPS = (3,)

FILES = "&config-url=./model/config.json&weights-url=./model/model.safetensors"
ADDRESSES = f"{FILES}&graphs-url=./model/"
"""Options that load it, to be appended to others."""


def write_checkpoint(folder: Path, frame_steps: Sequence[int] | None = None) -> Path:
    """The small checkpoint with its graphs, as a folder; `frame_steps` as for `export`."""
    formula.write_folder(oracle.recipe("tiny"), folder)
    for _ in export(AutoGazeConfig.from_file(folder / "config.json"), folder, frame_steps):
        pass
    return folder


def with_weights(checkpoint: Path, folder: Path, change: Callable[[str, Array], Array]) -> Path:
    """The small checkpoint with other tensors: `change` of the name and the float32 array of each."""
    folder.mkdir(exist_ok=True)
    for path in checkpoint.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    tensors = formula.checkpoint_tensors(oracle.recipe("tiny"))
    save_file({name: change(name, array) for name, array in tensors.items()}, folder / "model.safetensors")
    return folder


def write_shards(checkpoint: Path, folder: Path) -> Path:
    """The small checkpoint with its weights in an index and two shards."""
    tensors = formula.checkpoint_tensors(oracle.recipe("tiny"))
    weight_map = {name: f"model-{i % 2 + 1:05}-of-00002.safetensors" for i, name in enumerate(tensors)}
    shutil.copytree(checkpoint, folder)
    (folder / "model.safetensors").unlink()
    for file in set(weight_map.values()):
        save_file({name: tensors[name] for name in tensors if weight_map[name] == file}, folder / file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    return folder


def serve(page: Page, folder: Path) -> None:
    """Answers ./model/, below any path, with a folder's files; the bridge has a folder of that name too."""

    def wanted(url: str) -> bool:
        path = urlsplit(url).path
        return "/model/" in path and not re.search("/(wasm_bridge|web)/", path)

    def answer(route: Route) -> None:
        path = folder / urlsplit(route.request.url).path.rpartition("/model/")[2]
        if path.is_file():
            route.fulfill(body=path.read_bytes(), content_type="application/octet-stream")
        else:
            route.fulfill(status=404, body="no")

    page.route(wanted, answer)


def wait_model(page: Page, backend: str, timeout: float = MODEL_TIMEOUT_MS) -> None:
    """Waits until a model on this backend chooses the cells of what is shown; `timeout` in milliseconds."""
    page.wait_for_function(
        "(name) => document.getElementById('facts').textContent.includes(`AutoGaze, ${name}`)",
        arg=backend,
        timeout=timeout,
    )


def replay(frames: list[Recorded], checkpoint: Path) -> None:
    """The native package, gazing at those frames of the page's input that the page's model gazed at.

    The frames are a stream's first ones; their masks, outputs and numbers of cells are compared.
    """
    model = AutoGaze.from_pretrained(checkpoint)
    processor = AutoGazeImageProcessor.from_pretrained(checkpoint)
    # In the page the limit replaces the budget of the model.
    stream = model.stream(1.0, 0.7, max_tokens=16)
    view = LiveView(LiveSettings.of({}))
    cells: Cells | Fixations = Cells.none()
    gazed = -1
    for index, frame in enumerate(frames):
        report = frame.report
        if report["gazes"]:
            looked_at = index - report["maskAgeFrames"]
            if looked_at != gazed:
                gaze = stream.step(processor(frames[looked_at].input[None, ..., :3])[0])
                cells, gazed = gaze.cells(), looked_at
        expected = view.step(as_frame(frame.input), cells)
        assert report["cells"] == expected.cells
        np.testing.assert_array_equal(frame.mask, view.mask)
        np.testing.assert_array_equal(frame.output, view.output)


def assert_tiles_are_native(
    frames: Sequence[Recorded], tiling: Tiling, checkpoint: Path, max_tokens: int
) -> None:
    """Frames of the page, with so many tokens a tile, are what the native package makes of the same input."""
    model = AutoGaze.from_pretrained(checkpoint)
    processor = AutoGazeImageProcessor.from_pretrained(checkpoint).without_resizing()
    processed = processor(np.stack([frame.input[..., :3] for frame in frames]))
    view = LiveView(LiveSettings.of({}))
    for index, frame in enumerate(frames):
        assert (frame.report["gazeProgress"], frame.report["tiles"]) == (1, len(tiling))
        # Each frame with the one before it.
        clip = processed[max(index - 1, 0) : index + 1]
        *_, result = model.generate_tiled(clip, tiling, model.config.gazing_ratio, 0.7, max_tokens=max_tokens)
        report = view.step(as_frame(frame.input), result.frames[-1])
        assert frame.report["maskRatio"] == report.mask_ratio > 0
        assert frame.report["tokens"] == report.cells
        np.testing.assert_array_equal(frame.mask, view.mask)
        np.testing.assert_array_equal(frame.output, view.output)
