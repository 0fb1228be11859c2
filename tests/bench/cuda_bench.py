"""Compares devices: `python tests/bench/cuda_bench.py`. Nothing is asserted.

Prints three tables: of how many frames of a synthetic clip get the same tokens on both devices, and of the
milliseconds that a frame takes on each, by the budget of tokens, once the context is full; the same for
groups of streams that the second device computes as a batch; and batches of small videos (`cuda_batches.py`).
In the first two the frames are normalised before; their resizing is not measured. Needs ONNX Runtime with the
provider of each device, and neither PyAV nor a network.

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

from cuda_batches import HEAD, batch_rows  # noqa: E402

from autogaze_web import AutoGaze, AutoGazeImageProcessor  # noqa: E402
from autogaze_web.live.pipeline import synthetic_frames  # noqa: E402

TABLES = ("frames", "groups", "batches")
BUDGETS = (8, 16, 64, 198)
COMPARED = 24
"""Frames whose tokens are compared: thrice the window of the built-in model."""

GROUPS = (1, 2, 4, 8, 16, 32)
GROUP_BUDGETS = (16, 198)
GROUP_FRAMES = 40
"""Where groups of four once computed NaN, they did within thirty runs."""

APART = 5
"""Frames of the clip between the first frames of neighbouring streams."""


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
    model: AutoGaze, video: NDArray[np.float32], count: int, budget: int, repeats: int, limit: float
) -> float:
    """The median time in which streams side by side get a frame each, after their window is full."""
    streams = model.streams(count, 1.0, max_tokens=budget)
    window = model.config.max_num_frames
    times: list[float] = []
    begin = time.perf_counter()
    for index in range(window + 1 + repeats):
        frames = [video[(index + APART * place) % len(video)] for place in range(count)]
        start = time.perf_counter()
        streams.step(frames)
        if index > window:
            times.append(1e3 * (time.perf_counter() - start))
        if len(times) >= 3 and time.perf_counter() - begin > limit:
            break
    return statistics.median(times)


Tokens = list[tuple[int, ...]]
"""Of each frame of a stream."""


def alone(model: AutoGaze, video: NDArray[np.float32], budget: int) -> list[Tokens]:
    """The tokens of streams one by one, by the frame of the clip at which they begin."""
    found = []
    for first in range(len(video)):
        stream = model.stream(1.0, model.config.task_loss_requirement, max_tokens=budget)
        frames = (video[(index + first) % len(video)] for index in range(GROUP_FRAMES))
        found.append([tuple(stream.step(frame).gazing_pos.ravel().tolist()) for frame in frames])
    return found


def together(model: AutoGaze, video: NDArray[np.float32], count: int, budget: int) -> list[Tokens]:
    """The tokens of streams side by side."""
    streams = model.streams(count, 1.0, model.config.task_loss_requirement, max_tokens=budget)
    found: list[Tokens] = [[] for _ in range(count)]
    for index in range(GROUP_FRAMES):
        gazes = streams.step([video[(index + APART * place) % len(video)] for place in range(count)])
        for tokens, gaze in zip(found, gazes, strict=True):
            assert gaze is not None
            tokens.append(tuple(gaze.gazing_pos.ravel().tolist()))
    return found


def group_rows(
    models: Sequence[AutoGaze], video: NDArray[np.float32], repeats: int, limit: float
) -> Iterator[str]:
    """The rows for streams side by side on the second device, compared with streams alone on the first."""
    for budget in GROUP_BUDGETS:
        expected = alone(models[0], video, budget)
        for count in GROUPS:
            name = f"{count} streams, {budget} tokens each"
            try:
                found = together(models[1], video, count, budget)
                took = group_milliseconds(models[1], video, count, budget, repeats, limit)
            except Exception as error:
                yield f"| {name} | {type(error).__name__}: {error} | | |"
                continue
            pairs = [
                pair
                for place, tokens in enumerate(found)
                for pair in zip(tokens, expected[APART * place % len(video)], strict=True)
            ]
            same = sum(ours == theirs for ours, theirs in pairs)
            yield f"| {name} | {same} of {len(pairs)} | {took:.1f} ms | {took / count:.2f} ms |"


def rows(models: Sequence[AutoGaze], video: NDArray[np.float32], repeats: int, limit: float) -> Iterator[str]:
    """The rows for one stream."""
    for budget in BUDGETS:
        tokens = [chosen(model, video, budget) for model in models]
        same = sum(len(set(each)) == 1 for each in zip(*tokens, strict=True))
        times = [milliseconds(model, video, budget, repeats, limit) for model in models]
        cells = " | ".join(f"{each:.1f} ms" for each in times)
        yield f"| {budget} tokens | {same} of {len(video)} | {cells} |"


def show(head: Sequence[str], lines: Iterator[str]) -> None:
    """Prints a table row by row."""
    print(f"\n| {' | '.join(head)} |\n|{' --- |' * len(head)}", flush=True)
    for line in lines:
        print(line, flush=True)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=ROOT / "site" / "model", help="a checkpoint's folder")
    parser.add_argument("--devices", nargs=2, default=["cpu", "cuda"])
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--repeats", type=int, default=60, help="frames whose median is taken")
    parser.add_argument(
        "--limit", type=float, default=3.0, help="seconds for each time in the first two tables"
    )
    parser.add_argument("--frames", type=int, default=60, help="of each video of the third table")
    options = parser.parse_args()
    first, second = options.devices
    if "frames" in options.tables or "groups" in options.tables:
        video = clip(options.model, COMPARED)
        models = [AutoGaze.from_pretrained(options.model, device=device) for device in options.devices]
    if "frames" in options.tables:
        show(
            ("a frame of", "same tokens", first, second),
            rows(models, video, options.repeats, options.limit),
        )
    if "groups" in options.tables:
        show(
            (f"a frame of each, {second}", f"same tokens as {first}", "all", "a stream"),
            group_rows(models, video, options.repeats, options.limit),
        )
    if "batches" in options.tables:
        show(HEAD, batch_rows(options.model, first, second, options.frames))


if __name__ == "__main__":
    main()
