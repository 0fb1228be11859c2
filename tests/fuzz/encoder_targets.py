"""What is fuzzed of the vision encoder, its frame decoder, and the files that hold gaze for encoders."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from damage import ODD_VALUES, damaged_document, damaged_text, json_text
from hypothesis import strategies as st
from target import ARRAYS, FLOATS, INTEGERS, ROOT, only_sentences, target

from autogaze_web import Cells, Choice
from autogaze_web.encoder import FeatureMemory, FrameDecoderConfig
from autogaze_web.encoder.config import SiglipConfig
from autogaze_web.encoder.feature_memory import newest_rows
from autogaze_web.encoder.graph_choice import choose_encoder_graphs
from autogaze_web.files.gaze_export import gaze_file
from autogaze_web.graph.export_encoder import export_encoder
from autogaze_web.live.record import FrameRecord, FrameRecords

FOLDER = ROOT / "site" / "encoder"
ENCODER = SiglipConfig.from_file(FOLDER / "config.json")
DECODER_VALUES = json.loads((FOLDER / "decoder.json").read_text("utf-8"))
DECODER = FrameDecoderConfig.from_dict(DECODER_VALUES)


@target(
    st.dictionaries(
        st.sampled_from(
            ["model_type", "vision_config", "hidden_size", "image_size", "scales", "attn_type", "hidden_act"]
        ),
        st.sampled_from([*ODD_VALUES, "siglip", "siglip_vision_model", "32+64", {}, {"scales": "9" * 5000}]),
        max_size=4,
    )
)
def siglip_configs(values: dict[str, object]) -> None:
    """The config.json of a vision encoder."""
    with only_sentences():
        SiglipConfig.from_dict(values)


@target(damaged_document(DECODER_VALUES))
def frame_decoder_configs(values: Any) -> None:
    """decoder.json."""
    with only_sentences():
        FrameDecoderConfig.from_dict(values)


def _manifest() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        list(export_encoder(ENCODER, DECODER, folder))
        manifest: dict[str, Any] = json.loads((Path(folder) / "encoder_graphs.json").read_text("utf-8"))
    return manifest


MANIFEST = _manifest()
choose_encoder_graphs(json_text(MANIFEST), ENCODER, DECODER)


@target(
    damaged_document(MANIFEST).map(json_text) | damaged_text([json_text(MANIFEST)]),
    st.sampled_from([None, DECODER]),
)
def encoder_manifests(text: str, decoder: FrameDecoderConfig | None) -> None:
    """encoder_graphs.json."""
    with only_sentences():
        choose_encoder_graphs(text, ENCODER, decoder)


WIDTH = DECODER.encoder_hidden_size
IDS = st.lists(INTEGERS | st.integers(0, DECODER.patches - 1), max_size=3)
ANY_IDS = IDS | ARRAYS | st.lists(FLOATS | IDS, max_size=3) | st.sampled_from(ODD_VALUES)
FEATURES = (
    st.tuples(
        st.integers(0, 3), st.sampled_from(["float16", "float32", "float64", "O", "U1", "complex64"])
    ).map(lambda made: np.zeros((made[0], WIDTH), made[1]))
    | st.lists(st.sampled_from([[0] * WIDTH, [1e300] * WIDTH, [10**400] * WIDTH, [None] * WIDTH]), max_size=3)
    | ARRAYS
    | st.sampled_from(ODD_VALUES)
)


@target(FEATURES, ANY_IDS, ANY_IDS)
def decoder_rows(features: Any, patch_ids: Any, ages: Any) -> None:
    """What the frame decoder reads, and the memory of it, which a refusal leaves as it was."""
    with only_sentences():
        rows = newest_rows(features, patch_ids, ages, DECODER)
        assert len(rows.features) == np.unique(rows.patch_ids).size == len(rows.patch_ids)
    memory = FeatureMemory.of(DECODER)
    memory.add(np.ones((1, WIDTH)), [7])
    with only_sentences():
        memory.add(features, patch_ids)
    rows = memory.rows()
    assert rows.features.shape == (rows.patch_ids.size, WIDTH)
    assert 0 <= rows.patch_ids.min() <= rows.patch_ids.max() < DECODER.patches


RECORDS = FrameRecords()
for _index in range(3):
    _choice = Choice.of(Cells.of(14, [_index], [2]))
    RECORDS.add(
        FrameRecord(_index, _index == 0, _choice, 1.0, 1.0, 1.0, time=_index / 10),
        {"name": "patch-diff", "grids": [14]},
    )
REQUEST = {"format": "json", "frames": 2, "keepGrids": ["14x14", "27x3"], "times": [5, 6.5]}


@target(damaged_document(REQUEST))
def gaze_files(request: Any) -> None:
    """Requests for files of the gaze."""
    with only_sentences():
        gaze_file(RECORDS, 90, 160, request)
