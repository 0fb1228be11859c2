"""The recorded cases of NVIDIA's gazed SigLIP encoder: inputs as arrays, and how far an answer is off."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
import synthetic_formula as formula

from autogaze_web import GazingInfo, SiglipImageProcessor, SiglipVisionModel
from autogaze_web.native.siglip import EncoderOutput

Case = dict[str, Any]
_NOT_ENCODED = ("image_processor", "refusals")


@lru_cache
def read(name: str) -> Case:
    folder = oracle.FULL if name.startswith("base2") else oracle.DATA
    return json.loads((folder / "cases" / "siglip" / f"{name}.json").read_text())


def names() -> list[Any]:
    small = sorted(file.stem for file in (oracle.DATA / "cases" / "siglip").glob("*.json"))
    large = sorted(file.stem for file in (oracle.FULL / "cases" / "siglip").glob("base2*.json"))
    missing = [pytest.param("", marks=pytest.mark.skip(reason=oracle.HOW_TO), id="base2-missing")]
    return [name for name in small if name not in _NOT_ENCODED] + (large or missing)


def video_of(case: Case) -> np.ndarray:
    """(B,T,3,H,W) float32, the encoder's input."""
    source = case["input"]
    processor = SiglipImageProcessor.from_dict(oracle.recipe(case["recipe"])["preprocessor_config"])
    if source["to_float"] != "processor":
        processor = processor.without_resizing()
    if source["source"] == "synth":
        clip = formula.clip_u8(source).transpose(0, 1, 3, 4, 2)
    else:
        clip = oracle.frames_224()[None]
    return np.stack([processor(video) for video in clip])


def gaze_of(case: Case) -> GazingInfo:
    request = case["request"]
    position = np.array(request["gazing_pos"], np.int64)
    padded = np.array(request["if_padded_gazing"]).astype(bool)
    return GazingInfo(position, padded, np.array(request["num_gazing_each_frame"]))


def model_of(case: Case, folder: Callable[[str], Path], **overrides: Any) -> SiglipVisionModel:
    asked = {
        name: case["request"][name]
        for name in ("scales", "attn_type", "frame_independent_encoding")
        if name in case["request"]
    }
    return SiglipVisionModel.from_pretrained(folder(case["recipe"]), **{**asked, **overrides})


def error(got: np.ndarray, recorded: Any) -> float:
    """The largest difference from recorded tokens (the axis before the last), or from a plain array."""
    if "tokens" not in recorded:
        return float(np.abs(got - formula.decoded(recorded)).max())
    assert list(got.shape) == recorded["shape"]
    worst = float(
        np.abs(got[..., recorded["tokens"], :] - formula.decoded(recorded["values"])).max(initial=0)
    )
    if "projections" in recorded:
        width = got.shape[-1]
        directions = np.random.RandomState(0).standard_normal((width, 4)) / np.sqrt(width)
        worst = max(
            worst, float(np.abs(got @ directions - formula.decoded(recorded["projections"])).max()) / 4
        )
    return worst


def share_of_tolerance(case: Case, output: EncoderOutput) -> float:
    """The largest error of an answer in units of the case's tolerances; up to 1 is right."""
    expected, tolerance = case["expected"], case["tolerance"]
    shares = [error(output.last_hidden_state, expected["last_hidden_state"]) / tolerance["last_hidden_state"]]
    if expected["pooler_output"] is not None:
        shares.append(error(output.pooler_output, expected["pooler_output"]) / tolerance["pooler_output"])
    if output.hidden_states is not None:
        shares.append(error(output.hidden_states[0], expected["embeddings"]) / tolerance["embeddings"])
        if "layer_outputs" in expected:
            layers = np.stack(output.hidden_states[1:])
            shares.append(error(layers, expected["layer_outputs"]) / tolerance["layer_outputs"])
    return max(shares)
