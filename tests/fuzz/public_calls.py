"""Calls of public functions with values of any kind in place of one argument."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from damage import ODD_VALUES

from autogaze_web import (
    AutoGaze,
    AutoGazeConfig,
    AutoGazeImageProcessor,
    Cells,
    Choice,
    Gaze,
    GazingInfo,
    LiveSettings,
    LiveView,
    PatchDiff,
    SiglipImageProcessor,
    Tiling,
    footprint,
)
from autogaze_web.files.trace_store import Trace, traces_from_bytes, traces_to_bytes
from autogaze_web.files.video import open_clip
from autogaze_web.model.controls import StreamControls, resolve_controls
from autogaze_web.readout.gazing_info import attention_allowed
from autogaze_web.readout.token_grids import ImageGrid, VideoGrid

MODEL = Path(__file__).parents[2] / "site" / "model"
CONFIG = AutoGazeConfig.from_file(MODEL / "config.json")

CELLS = Cells.of(14, [1, 2], [3, 4])
IMAGE = np.zeros((8, 9, 3), np.uint8)
RGBA = np.zeros((8, 10, 4), np.uint8)
CLIP = IMAGE[None]
GAZE = {
    "gazing_pos": np.array([[0, 1]]),
    "if_padded_gazing": np.array([[False, True]]),
    "num_gazing_each_frame": np.array([2]),
}

ODD_OBJECTS: list[Any] = [
    *ODD_VALUES,
    *(b"", b"\xff", 1j, 10**400, (), range(3), object(), len, Path("/nonexistent"), Path("/"), "/none\0x"),
    *(
        np.zeros(0),
        np.zeros((0, 3)),
        np.zeros((2, 3), bool),
        np.full((1, 1), np.nan),
        np.array("x"),
        np.array(5),
    ),
    *(np.array([None, 2], object), np.zeros((1, 0, 0, 3), np.uint8), np.float32(np.inf), np.complex64(1)),
    *(IMAGE, CLIP, IMAGE.astype(np.float32), CELLS, GAZE),
]


class Call(NamedTuple):
    """A function with arguments that it accepts."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]


def _view() -> LiveView:
    view = LiveView()
    view.step(IMAGE)
    return view


@cache
def _model() -> AutoGaze:
    return AutoGaze.from_pretrained(MODEL, threads=1)


@cache
def _gaze() -> Gaze:
    return _model().generate(np.zeros((1, 2, 3, 224, 224), np.float32), gazing_ratio=0.05)


CALLS: dict[str, Call] = {
    "Cells.of": Call(Cells.of, (14, [1, 2], [3, 4], 1.0)),
    "Choice.of": Call(Choice.of, (CELLS, 0, 0)),
    "PatchDiff": Call(PatchDiff, (14, 0.15)),
    "PatchDiff()": Call(PatchDiff(), (RGBA, RGBA)),
    "footprint": Call(lambda *given: footprint(*given).plan.ratio, (CELLS, 20, 30, "native", 1.0)),
    "Tiling": Call(lambda *given: len(Tiling(*given)), ("full-resolution", 300, 400, 224, 112)),
    "Tiling.batches": Call(lambda size: list(Tiling.anyres(300, 400).batches(size)), (2,)),
    "LiveSettings": Call(LiveSettings, tuple(vars(LiveSettings()).values())),
    "LiveSettings.of": Call(LiveSettings.of, ({},)),
    "LiveView": Call(LiveView, (None,)),
    "LiveView.configure": Call(lambda *given: LiveView().configure(*given), (LiveSettings(),)),
    "LiveView.next_frame": Call(lambda *given: LiveView().next_frame(*given), (8, 9)),
    "LiveView.step": Call(lambda *given: _view().step(*given), (IMAGE, CELLS)),
    "LiveView.process": Call(lambda *given: _view().process(*given), (CELLS,)),
    "LiveView.redraw": Call(lambda *given: _view().redraw(*given), (CELLS,)),
    "AutoGazeConfig.from_dict": Call(AutoGazeConfig.from_dict, ({},)),
    "AutoGazeConfig.from_json": Call(AutoGazeConfig.from_json, ("{}",)),
    "AutoGazeConfig.from_file": Call(AutoGazeConfig.from_file, (MODEL / "config.json",)),
    "AutoGazeImageProcessor": Call(
        lambda *given: AutoGazeImageProcessor(*given)(CLIP),
        (8, None, 0.1, True, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    ),
    "AutoGazeImageProcessor.from_dict": Call(AutoGazeImageProcessor.from_dict, ({},)),
    "AutoGazeImageProcessor.from_json": Call(AutoGazeImageProcessor.from_json, ("{}",)),
    "AutoGazeImageProcessor.from_pretrained": Call(
        lambda source, size, mean: AutoGazeImageProcessor.from_pretrained(source, size=size, image_mean=mean),
        (MODEL, 9, [0.5, 0.5, 0.5]),
    ),
    "AutoGazeImageProcessor()": Call(AutoGazeImageProcessor(8), (CLIP,)),
    "AutoGazeImageProcessor(images)": Call(
        lambda images, tensors: AutoGazeImageProcessor(8)(images=images, return_tensors=tensors),
        (IMAGE, "np"),
    ),
    "AutoGazeImageProcessor.target_size": Call(AutoGazeImageProcessor().target_size, (8, 9)),
    "SiglipImageProcessor": Call(
        lambda *given: SiglipImageProcessor(*given)(CLIP), (None, (8, 8), 0.1, False, None, None, 3)
    ),
    "ImageGrid": Call(ImageGrid, (2, 3)),
    "VideoGrid": Call(VideoGrid, (2, 2, 3)),
    "attention_allowed": Call(attention_allowed, (GazingInfo.of(GAZE), "causal", False)),
    "open_clip": Call(open_clip, ("/none",)),
    "traces_from_bytes": Call(traces_from_bytes, (traces_to_bytes([Trace.of([CELLS])], ".json"), ".json")),
    "Trace.of": Call(Trace.of, ([CELLS],)),
    "GazingInfo": Call(GazingInfo, tuple(GAZE.values())),
    "GazingInfo.of": Call(GazingInfo.of, (GAZE,)),
    "GazingInfo.of arrays": Call(
        lambda *given: GazingInfo.of(dict(zip(GAZE, given, strict=True))), tuple(GAZE.values())
    ),
    "GazingInfo.of_cells": Call(GazingInfo.of_cells, ([[CELLS]], [14])),
    "GazingInfo.of_cells frames": Call(lambda frame: GazingInfo.of_cells([[frame]], [14]), (CELLS,)),
    "StreamControls": Call(StreamControls, (0.1, 0.7, 4, 8, 0.5)),
    "resolve_controls": Call(lambda *given: resolve_controls(CONFIG, *given, 1, 2), (0.1, 0.7)),
    "AutoGaze.from_pretrained": Call(AutoGaze.from_pretrained, (MODEL, 1)),
    "AutoGaze()": Call(lambda video: _model()({"video": video}), (None,)),
    "AutoGaze.generate_tiled": Call(
        lambda *given: list(_model().generate_tiled(*given, max_tokens=1)),
        (np.zeros((1, 3, 224, 224), np.float32), Tiling.anyres(224, 224)),
    ),
    "Gaze.choice": Call(lambda *given: _gaze().choice(*given), (0, 0)),
    "Gaze.layout.cells": Call(lambda *given: _gaze().layout.cells(*given), ([1, 2],)),
}


def odd_calls(name: str) -> Iterator[Callable[[], Any]]:
    """The calls of one of `CALLS` with each odd object in place of each argument."""
    function, arguments = CALLS[name]
    for position in range(len(arguments)):
        for value in ODD_OBJECTS:
            yield partial(function, *arguments[:position], value, *arguments[position + 1 :])
