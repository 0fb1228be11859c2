"""Measures how many tokens and how much time a vision encoder saves by encoding only the gazed patches.

    python examples/gazed_encoder.py                                    # patch-diff on a synthetic clip
    python examples/gazed_encoder.py --video clip.mp4                   # needs the extra [video]
    python examples/gazed_encoder.py --video clip.mp4 --model folder    # AutoGaze: needs [native] too

The encoder is a small vision transformer in NumPy with random weights: its features are meaningless, but it
costs as much as a trained one. Both runs embed patches, add positions and attend block-causally. The total
time of the gazed run includes selecting and gathering the patches.
"""

from __future__ import annotations

import argparse
import time
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogaze_web.frames.resize import resize_bicubic
from autogaze_web.frames.rgba import as_frame
from autogaze_web.live.pipeline import synthetic_frames
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.patch_diff import PatchDiff
from autogaze_web.model.processor import AutoGazeImageProcessor
from autogaze_web.readout.encoder_input import EncoderScales, gazed_patches, gazed_positions
from autogaze_web.readout.gazing_info import GazingInfo, attention_allowed

Floats = NDArray[np.float32]

FRAMES = 16
WIDTH, HEADS, LAYERS = 192, 3, 2
SCALES = EncoderScales()


class Encoder:
    """Pre-norm transformer layers as in SigLIP, with random weights."""

    def __init__(self, seed: int = 0):
        self._random = np.random.default_rng(seed)
        self._embed = self._matrix(3 * SCALES.patch_size**2, WIDTH)
        self.positions = self._matrix(196, WIDTH)
        shapes = [(WIDTH, 3 * WIDTH), (WIDTH, WIDTH), (WIDTH, 4 * WIDTH), (4 * WIDTH, WIDTH)]
        self._layers = [[self._matrix(*shape) for shape in shapes] for _ in range(LAYERS)]

    def __call__(self, patches: Floats, positions: Floats, allowed: NDArray[np.bool_]) -> Floats:
        """Features (N, WIDTH) of one clip's patches (N, 768)."""
        hidden = patches @ self._embed + positions
        for to_qkv, to_out, up, down in self._layers:
            qkv = (_normalised(hidden) @ to_qkv).reshape(len(hidden), 3, HEADS, -1)
            heads = [_attend(qkv[:, 0, h], qkv[:, 1, h], qkv[:, 2, h], allowed) for h in range(HEADS)]
            hidden = hidden + np.concatenate(heads, axis=1) @ to_out
            hidden = hidden + np.maximum(_normalised(hidden) @ up, 0) @ down
        return _normalised(hidden)

    def _matrix(self, rows: int, columns: int) -> Floats:
        return self._random.standard_normal((rows, columns), dtype=np.float32) / np.float32(rows**0.5)


def gaze_by_patch_diff(frames: list[NDArray[np.uint8]]) -> GazingInfo:
    """All patches of the finest scale in the first frame, then those that change."""
    row, col = np.divmod(np.arange(196), 14)
    source = PatchDiff()
    changed = [source(previous, current) for previous, current in pairwise(map(as_frame, frames))]
    return GazingInfo.of_cells([[Cells.of(14, row, col), *changed]], SCALES.grids)


def gaze_by_model(folder: Path, frames: list[NDArray[np.uint8]]) -> GazingInfo:
    """The patches that AutoGaze selects with the settings of NVIDIA's examples."""
    from autogaze_web import AutoGaze

    video = AutoGazeImageProcessor.from_pretrained(folder)(np.stack(frames)[..., :3])[None]
    model = AutoGaze.from_pretrained(folder)
    gaze = model.generate(video, gazing_ratio=0.75, task_loss_requirement=0.7)
    return GazingInfo.of(dict(gaze))


def everything() -> GazingInfo:
    """All patches of the finest scale of every frame, which an encoder without AutoGaze processes."""
    first = SCALES.patches - 196
    pos = (np.arange(FRAMES)[:, None] * SCALES.patches + np.arange(first, SCALES.patches)).reshape(1, -1)
    return GazingInfo(pos, np.zeros(pos.shape, np.bool_), np.full(FRAMES, 196))


def encode(encoder: Encoder, video: Floats, gazing: GazingInfo) -> Floats:
    """Gathers a clip's gazed patches and returns their features, without those of padding."""
    patches = gazed_patches(video, gazing, SCALES)[0]
    positions = gazed_positions(encoder.positions, gazing, SCALES)[0]
    features = encoder(patches, positions, attention_allowed(gazing)[0])
    return np.asarray(features[~gazing.if_padded_gazing[0]])


def timed(work: Any, runs: int = 5) -> tuple[Any, float]:
    """A function's result and the minimum of its times in milliseconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        result = work()
        times.append((time.perf_counter() - start) * 1000)
    return result, min(times)


def main() -> None:
    """Prints the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--video", type=Path, help="a clip of at least 16 frames (default: synthetic)")
    parser.add_argument("--model", type=Path, help="a folder with config.json and model.safetensors")
    arguments = parser.parse_args()

    frames = _frames(arguments.video)
    encoder, video = Encoder(), _normalised_square(frames)
    if arguments.model:
        gazing, choosing = timed(lambda: gaze_by_model(arguments.model, frames), 1)
    else:
        gazing, choosing = timed(lambda: gaze_by_patch_diff(frames))
    dense, dense_ms = timed(lambda: encode(encoder, video, everything()))
    sparse, sparse_ms = timed(lambda: encode(encoder, video, gazing))

    height, width = frames[0].shape[:2]
    source = "AutoGaze" if arguments.model else "patch-diff"
    print(f"{FRAMES} frames of {width}x{height}, patches selected by {source}")
    print(f"{'':16}{'tokens':>8}{'encode ms':>11}{'choose ms':>11}")
    print(f"{'all patches':16}{len(dense):8}{dense_ms:11.1f}{0:11.1f}")
    print(f"{'gazed patches':16}{len(sparse):8}{sparse_ms:11.1f}{choosing:11.1f}")
    total = sparse_ms + choosing
    print(f"{len(dense) / len(sparse):.1f} times fewer tokens, {dense_ms / total:.1f} times faster in all")


def _frames(path: Path | None) -> list[NDArray[np.uint8]]:
    if path is None:
        return [frame.copy() for frame in synthetic_frames("synthetic-local-motion", 360, 640, FRAMES)]
    from autogaze_web.files.video import read_frames

    frames = list(islice(read_frames(path), FRAMES))
    if len(frames) < FRAMES:
        raise SystemExit(f"{path} has {len(frames)} frames: give a clip of at least {FRAMES}")
    return frames


def _normalised_square(frames: list[NDArray[np.uint8]]) -> Floats:
    """(1, T, 3, 224, 224), scaled to -1 .. 1 as SigLIP expects."""
    video = np.stack([frame[..., :3] for frame in frames]).transpose(0, 3, 1, 2) / np.float32(127.5) - 1
    return resize_bicubic(video.astype(np.float32), 224, 224)[None]


def _attend(query: Floats, key: Floats, value: Floats, allowed: NDArray[np.bool_]) -> Floats:
    scores = np.where(allowed, query @ key.T / np.float32(query.shape[1] ** 0.5), -np.inf)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Floats = (weights / weights.sum(axis=1, keepdims=True)) @ value
    return result


def _normalised(hidden: Floats) -> Floats:
    centred = hidden - hidden.mean(axis=1, keepdims=True)
    result: Floats = centred / np.sqrt((centred * centred).mean(axis=1, keepdims=True) + 1e-6)
    return result


if __name__ == "__main__":
    main()
