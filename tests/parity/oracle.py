"""Where the oracle's recordings are, and what their inputs are as arrays."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synthetic_formula as formula

from autogaze_web.model.processor import AutoGazeImageProcessor
from autogaze_web.native.example_check import example_frames

DATA = Path(__file__).parent / "data"
FULL = Path(os.environ.get("AUTOGAZE_ORACLE", Path(__file__).parents[2] / ".." / "shared" / "oracle"))
HOW_TO = (
    "NOT CHECKED: the recordings of the released architecture are not here. "
    "Set AUTOGAZE_ORACLE to the folder with cases/full and recipes/full.json."
)

Case = dict[str, Any]


def folder_of(model: str) -> Path:
    small = ("tiny", "weight_free", "siglip", "siglip_tiny", "siglip_patch14")
    return DATA if model in small else FULL


@lru_cache
def read(model: str, name: str) -> Case:
    return json.loads((folder_of(model) / "cases" / model / f"{name}.json").read_text())


@lru_cache
def recipe(model: str) -> dict[str, Any]:
    return json.loads((folder_of(model) / "recipes" / f"{model}.json").read_text())


def case_params(*kinds: str, models: tuple[str, ...] = ("tiny", "full")) -> list[Any]:
    """Parameters (model, name) of all cases of these kinds; one that skips loudly for a missing model."""
    params = []
    for model in models:
        files = sorted((folder_of(model) / "cases" / model).glob("*.json"))
        if not files:
            params.append(
                pytest.param(model, "", marks=pytest.mark.skip(reason=HOW_TO), id=f"{model}-missing")
            )
        names = [file.stem for file in files if read(model, file.stem)["kind"] in kinds]
        params.extend(pytest.param(model, name, id=f"{model}-{name}") for name in names)
    return params


def frames_224() -> np.ndarray:
    """(16,224,224,3) uint8, upstream's example video as its processor resizes it."""
    return example_frames()


def video_of(case: Case) -> np.ndarray:
    """(B,T,3,H,W) float32, the model's input."""
    source = case["input"]
    settings = recipe(case["recipe"])["preprocessor_config"]
    if source["to_float"] == "processor, resize already done":
        done = AutoGazeImageProcessor.from_dict({**settings, "do_resize": False})
        return done(frames_224())[None]
    clip = formula.clip_u8(source)
    if source["to_float"] == "x/32-5":
        return formula.dequantised(clip)
    assert source["to_float"] == "processor"
    processor = AutoGazeImageProcessor.from_dict(settings)
    return np.stack([processor(video.transpose(0, 2, 3, 1)) for video in clip])
