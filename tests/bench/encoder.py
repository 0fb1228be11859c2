"""Measures the encoder: `python tests/bench/encoder.py [--siglip FOLDER]`. Nothing is asserted.

Prints what a frame costs, in rows and milliseconds, and how far a window moves a stream's features. Without a
folder the encoder has the shape of base-patch16-224 and random weights, on which speed does not depend.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "py")]

from autogaze_web import AutoGaze, AutoGazeImageProcessor, GazingInfo, SiglipVisionModel  # noqa: E402
from autogaze_web.encoder.checkpoint import SiglipCheckpoint, expected_tensors  # noqa: E402
from autogaze_web.encoder.config import SiglipConfig  # noqa: E402
from autogaze_web.native.example_check import example_frames  # noqa: E402

SCALES, FRAMES, TOKENS = "32+64+112+224", 16, 20
WINDOWS = (8, 4, 2, 1)


def random_checkpoint() -> SiglipCheckpoint:
    """The shape of a base model; random weights of about the size of a trained one's."""
    config = SiglipConfig.from_dict({}, scales=SCALES)
    random = np.random.default_rng(0)
    weights = {}
    for name, shape in expected_tensors(config).items():
        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 400
        weights[name] = random.standard_normal(shape, np.float32) / np.float32(fan_in**0.5)
        if "norm" in name and name.endswith("weight"):
            weights[name] += 1
    return SiglipCheckpoint(config, weights)


def milliseconds(work: Callable[[], object], times: int = 5) -> float:
    """The median of some calls after one that is not counted."""
    work()
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(1000 * (time.perf_counter() - start))
    return statistics.median(spent)


def some_tokens(random: np.random.Generator, real: int, pads: int, patches: int) -> GazingInfo:
    """A gaze at one frame."""
    position = np.concatenate([random.choice(patches, real, replace=False), np.full(pads, patches)])
    return GazingInfo(position[None], (np.arange(real + pads) >= real)[None], np.array([real + pads]))


def costs(model: SiglipVisionModel) -> None:
    """What one frame costs by the tokens of its gaze."""
    random = np.random.default_rng(0)
    video = random.standard_normal((1, 1, 3, 224, 224)).astype(np.float32)
    patches = model.config.patch_scales.patches
    print("\n| gaze at one frame | rows | ms |\n| --- | ---: | ---: |")
    for name, gaze in (
        ("all patches", None),
        (f"{TOKENS} tokens", some_tokens(random, TOKENS, 0, patches)),
        (f"{TOKENS} tokens, 245 pads", some_tokens(random, TOKENS, patches - TOKENS, patches)),
    ):
        rows = int(model(video, gaze).encoded_rows[0])
        print(f"| {name} | {rows} | {milliseconds(lambda gaze=gaze: model(video, gaze)):.0f} |")  # type: ignore[misc]
    stream = model.stream()
    spent = []
    for _ in range(FRAMES):
        gaze, start = some_tokens(random, TOKENS, 0, patches), time.perf_counter()
        stream.step(video, gaze)
        spent.append(1000 * (time.perf_counter() - start))
    print(f"| {TOKENS} tokens, in a stream after {FRAMES - 1} frames | {TOKENS} | {min(spent[-4:]):.0f} |")


def windows(model: SiglipVisionModel, folder: Path) -> None:
    """How far the features of the last of a video's 16 frames are from those without a window."""
    frames = example_frames()
    video = AutoGazeImageProcessor.from_pretrained(folder)(frames)
    pixels = frames.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
    stream = AutoGaze.from_pretrained(folder).stream(max_tokens=TOKENS)
    gazes = [stream.step(frame) for frame in video]
    last = {}
    for window in (None, *WINDOWS):
        encoded = model.stream(window, encode_padding=False)
        outputs = [encoded.step(frame, gaze) for frame, gaze in zip(pixels, gazes, strict=True)]
        assert outputs[-1].pooler_output is not None
        real = ~gazes[-1].if_padded_gazing
        last[window] = outputs[-1].last_hidden_state[real], outputs[-1].pooler_output, encoded.cached_rows
    print("\n| window | cached rows | cosine, features | cosine, pooled |\n| --- | ---: | ---: | ---: |")
    for window, (features, pooled, cached) in last.items():
        near = [cosine(*each) for each in ((features, last[None][0]), (pooled, last[None][1]))]
        print(f"| {window or 'none'} | {cached} | {near[0]:.3f} | {near[1]:.3f} |")


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    """The mean over rows."""
    lengths = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    return float(np.mean((first * second).sum(axis=-1) / lengths))


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--siglip", metavar="FOLDER", help="a SigLIP checkpoint of 224 pixels")
    parser.add_argument("--model", metavar="FOLDER", type=Path, default=ROOT / "site" / "model")
    options = parser.parse_args()
    if options.siglip:
        model = SiglipVisionModel.from_pretrained(options.siglip, scales=SCALES)
    else:
        model = SiglipVisionModel(random_checkpoint())
    costs(model)
    windows(model, options.model)


if __name__ == "__main__":
    main()
