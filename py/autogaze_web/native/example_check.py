"""Checks a checkpoint against what NVIDIA's QUICK_START prints for its own example clip.

``example_input.webp`` contains that clip's frames and ``example_input.json`` the expected numbers; the page's
check reads the same two files.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from itertools import groupby, zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.gaze import Gaze
from ..model.processor import AutoGazeImageProcessor
from .autogaze import AutoGaze


@dataclass(frozen=True)
class GazeCounts:
    """How many tokens were chosen in a clip.

    Attributes:
        slots: of all frames, padding included.
        real: those that are no padding.
        slots_each_frame: padding included.
    """

    slots: int
    real: int
    slots_each_frame: tuple[int, ...]

    @staticmethod
    def of(gaze: Gaze) -> GazeCounts:
        """Of the first video."""
        padded = gaze.if_padded_gazing[0]
        each = tuple(int(count) for count in gaze.num_gazing_each_frame)
        return GazeCounts(padded.size, int((~padded).sum()), each)

    def difference(self, wanted: GazeCounts) -> str:
        """What differs first from the wanted counts, in a sentence; empty if nothing does.

        >>> GazeCounts(21, 12, (19, 1, 1)).difference(GazeCounts(22, 12, (19, 2, 1)))
        'Frame 2 has 1 slots instead of 2.'
        """
        pairs = enumerate(zip_longest(self.slots_each_frame, wanted.slots_each_frame, fillvalue=0), start=1)
        differing = [(frame, slots, right) for frame, (slots, right) in pairs if slots != right]
        if differing:
            frame, slots, right = differing[0]
            more = len(differing) - 1
            others = f", and {more} more {'frame differs' if more == 1 else 'frames differ'}" if more else ""
            return f"Frame {frame} has {slots} slots instead of {right}{others}."
        if self.real != wanted.real:
            return f"Every frame has its slots, but {self.real} are real instead of {wanted.real}."
        return ""

    def __str__(self) -> str:
        """In words.

        >>> print(GazeCounts(21, 12, (19, 1, 1)))
        21 slots, 12 of them real; slots of each frame: 19, then 2 times 1
        """
        runs = [(count, len(list(run))) for count, run in groupby(self.slots_each_frame)]
        each = ", then ".join(f"{times} times {count}" if times > 1 else f"{count}" for count, times in runs)
        return f"{self.slots} slots, {self.real} of them real; slots of each frame: {each}"


def expected() -> dict[str, Any]:
    """The contents of ``example_input.json``."""
    content: dict[str, Any] = json.loads(_file("example_input.json").read_text("utf-8"))
    return content


def expected_counts() -> GazeCounts:
    """What QUICK_START prints."""
    wanted = expected()
    return GazeCounts(wanted["slots"], wanted["real"], tuple(wanted["slots_each_frame"]))


def example_frames() -> NDArray[np.uint8]:
    """(16,224,224,3) uint8, the frames of the example clip.

    Raises:
        ImportError: if Pillow is not installed.
    """
    try:
        from PIL import Image
    except ModuleNotFoundError:
        raise ImportError("the example clip needs Pillow: pip install 'autogaze-web[video]'") from None
    wanted = expected()
    side = wanted["side"]
    with _file("example_input.webp").open("rb") as file, Image.open(file) as image:
        return np.asarray(image.convert("RGB")).reshape(wanted["frames"], side, side, 3)


def check_example(model: AutoGaze, processor: AutoGazeImageProcessor) -> GazeCounts:
    """What a model chooses in the example clip, called as QUICK_START calls NVIDIA's.

    Args:
        processor: the model's.
    """
    wanted = expected()
    gaze = model(
        {"video": processor(example_frames())[None]},
        gazing_ratio=wanted["gazing_ratio"],
        task_loss_requirement=wanted["task_loss_requirement"],
    )
    return GazeCounts.of(gaze)


def _file(name: str) -> Any:
    return resources.files(__package__).joinpath(name)
