"""Compares devices: `python tests/bench/cuda_bench.py`. Nothing is asserted.

Prints a table of how many frames of a synthetic clip get the same tokens on both devices, and of the
milliseconds that a frame takes on each, by the budget of tokens, once the context is full; then the same for
streams that are computed as a batch. The frames are normalised before; their resizing is not measured. Needs
ONNX Runtime with the provider of each device, and neither PyAV nor a network.

On a machine whose CUDA libraries came with PyTorch, ONNX Runtime finds them if it lies in the same
site-packages; else put their folders (``site-packages/nvidia/*/lib``) on LD_LIBRARY_PATH.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "py"))

from autogaze_web import AutoGaze, AutoGazeImageProcessor  # noqa: E402
from autogaze_web.live.pipeline import synthetic_frames  # noqa: E402

BUDGETS = (8, 16, 64, 198)
COMPARED = 24
"""Frames whose tokens are compared: thrice the window of the built-in model."""

GROUPS = (1, 4, 16)
GROUP_BUDGET = 16
GROUP_FRAMES = 12


def clip(model: Path, count: int) -> NDArray[np.float32]:
    """(T,3,I,I): frames of the synthetic pan as the model reads them."""
    frames = synthetic_frames("synthetic-pan", 224, 224, count)
    return AutoGazeImageProcessor.from_pretrained(model)(np.stack([frame[..., :3] for frame in frames]))


def chosen(model: AutoGaze, video: NDArray[np.float32], budget: int) -> list[tuple[int, ...]]:
    """The tokens of each frame, in order, with early stops as in use."""
    stream = model.stream(1.0, model.config.task_loss_requirement, max_tokens=budget)
    return [tuple(stream.step(frame).gazing_pos.ravel().tolist()) for frame in video]


def milliseconds(
    model: AutoGaze, video: NDArray[np.float32], budget: int, repeats: int, limit: float
) -> float:
    """The median time of a frame that uses its whole budget, after the window is full.

    Args:
        limit: seconds after which no further frame is measured.
    """
    stream = model.stream(1.0, max_tokens=budget)
    window = model.config.max_num_frames
    times: list[float] = []
    begin = time.perf_counter()
    for index in range(window + 1 + repeats):
        start = time.perf_counter()
        stream.step(video[index % len(video)])
        if index > window:
            times.append(1e3 * (time.perf_counter() - start))
        if len(times) >= 5 and time.perf_counter() - begin > limit:
            break
    return statistics.median(times)


def group_milliseconds(
    model: AutoGaze, video: NDArray[np.float32], count: int, repeats: int, limit: float
) -> float:
    """The median time in which streams side by side get a frame each, after their window is full."""
    streams = model.streams(count, 1.0, max_tokens=GROUP_BUDGET)
    window = model.config.max_num_frames
    times: list[float] = []
    begin = time.perf_counter()
    for index in range(window + 1 + repeats):
        frames = [video[(index + 5 * place) % len(video)] for place in range(count)]
        start = time.perf_counter()
        streams.step(frames)
        if index > window:
            times.append(1e3 * (time.perf_counter() - start))
        if len(times) >= 3 and time.perf_counter() - begin > limit:
            break
    return statistics.median(times)


def together(model: AutoGaze, video: NDArray[np.float32], count: int) -> list[list[tuple[int, ...]]]:
    """The tokens of each frame of streams side by side, which begin at different frames of the clip."""
    streams = model.streams(count, 1.0, model.config.task_loss_requirement, max_tokens=GROUP_BUDGET)
    found: list[list[tuple[int, ...]]] = []
    for index in range(GROUP_FRAMES):
        gazes = streams.step([video[(index + 5 * place) % len(video)] for place in range(count)])
        found.append([tuple(gaze.gazing_pos.ravel().tolist()) for gaze in gazes if gaze is not None])
    return found


def group_rows(
    models: Sequence[AutoGaze], video: NDArray[np.float32], repeats: int, limit: float
) -> Iterator[str]:
    """The table's rows for streams side by side."""
    for count in GROUPS:
        tokens = [together(model, video, count) for model in models]
        pairs = [set(each) for frames in zip(*tokens, strict=True) for each in zip(*frames, strict=True)]
        same = sum(len(each) == 1 for each in pairs)
        times = [group_milliseconds(model, video, count, repeats, limit) for model in models]
        cells = " | ".join(f"{each:.1f} ms, {each / count:.2f} ms a frame" for each in times)
        name = f"{count} streams as a batch, {GROUP_BUDGET} tokens each"
        yield f"| {name} | {same} of {len(pairs)} | {cells} |"


def rows(folder: Path, devices: Sequence[str], repeats: int, limit: float) -> Iterator[str]:
    """The table's rows."""
    video = clip(folder, COMPARED)
    models = [AutoGaze.from_pretrained(folder, device=device) for device in devices]
    for budget in BUDGETS:
        tokens = [chosen(model, video, budget) for model in models]
        same = sum(len(set(each)) == 1 for each in zip(*tokens, strict=True))
        times = [milliseconds(model, video, budget, repeats, limit) for model in models]
        cells = " | ".join(f"{each:.1f} ms" for each in times)
        yield f"| {budget} tokens | {same} of {len(video)} | {cells} |"
    yield from group_rows(models, video, repeats, limit)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=ROOT / "site" / "model", help="a checkpoint's folder")
    parser.add_argument("--devices", nargs="+", default=["cpu", "cuda"])
    parser.add_argument("--repeats", type=int, default=60, help="frames whose median is taken")
    parser.add_argument("--limit", type=float, default=3.0, help="seconds for each time in the table")
    options = parser.parse_args()
    names = " | ".join(options.devices)
    print(f"| a frame of | same tokens | {names} |\n|{' --- |' * (len(options.devices) + 2)}", flush=True)
    for row in rows(options.model, options.devices, options.repeats, options.limit):
        print(row, flush=True)


if __name__ == "__main__":
    main()
