"""What the command line and batches process with Pillow's resize is what NumPy computes everywhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autogaze_web.model.processor import AutoGazeImageProcessor
from autogaze_web.native import pillow_processor
from autogaze_web.native.pillow_processor import PillowProcessor, quickest_processor
from autogaze_web.native.sources import LoadedModel

MODEL = Path(__file__).parents[2] / "site" / "model"


@pytest.mark.parametrize(
    "size", [(240, 426), (64, 96), (224, 224), (225, 224), (224, 500), (500, 224), (37, 300), (3, 5), (1, 1)]
)
def test_the_values_are_the_same(size: tuple[int, int]) -> None:
    frames = np.random.default_rng(7).integers(0, 256, (2, *size, 4), np.uint8)
    given = frames[..., :3]  # which is not contiguous
    ours = PillowProcessor.from_pretrained(MODEL)
    theirs = AutoGazeImageProcessor.from_pretrained(MODEL)
    np.testing.assert_array_equal(ours(given), theirs(given))
    np.testing.assert_array_equal(ours.without_resizing()(given), theirs.without_resizing()(given))


def test_it_is_used_where_pillow_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert type(LoadedModel.load(MODEL, 1).processor) is PillowProcessor
    monkeypatch.setattr(pillow_processor, "find_spec", lambda _name: None)
    assert type(quickest_processor(MODEL)) is AutoGazeImageProcessor
