"""Batches of small videos on two devices, several at a time; a table of `cuda_bench.py`.

Without PyAV the videos are files of undecoded frames, which the batch reads in place of a decoder.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from autogaze_web.batch import run as batch
from autogaze_web.batch import video_job
from autogaze_web.batch.engines import Engine, ProcessEngine, SerialEngine
from autogaze_web.batch.job_threads import ThreadEngine
from autogaze_web.batch.settings import BatchSettings
from autogaze_web.batch.sources import find_sources
from autogaze_web.files.mp4_writer import write_mp4
from autogaze_web.frames.timed_frame import TimedFrame
from autogaze_web.live.pipeline import synthetic_frames

HEAD = (
    "a batch",
    "videos a minute",
    "frames with the first row's tokens",
    "largest difference of a confidence",
)
VIDEOS = 16
SIZE = (240, 426)
BUDGETS = (16, 198)


def has_decoder() -> bool:
    """Whether PyAV is installed."""
    try:
        import av  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True


def write_videos(folder: Path, count: int, frames: int, decoded: bool) -> Path:
    """Videos of the synthetic pan, each from another frame on."""
    folder.mkdir()
    images = np.stack([frame[..., :3] for frame in synthetic_frames("synthetic-pan", *SIZE, frames + count)])
    for index in range(count):
        path = folder / f"{index:02}.mp4"
        part = images[index : index + frames]
        if decoded:
            with path.open("wb") as file:
                np.save(file, part)
        else:
            write_mp4(path, part, 25)
    return folder


def open_decoded(path: Path, _stream: int | None = None) -> Any:
    """In place of `open_clip`: a file of frames."""
    images = np.load(path, mmap_mode="r")
    return SimpleNamespace(
        frames_per_second=25,
        damage=None,
        frames=lambda: (TimedFrame(np.array(image), index / 25) for index, image in enumerate(images)),
    )


@contextmanager
def decoder(decoded: bool) -> Iterator[None]:
    """Lets batches read what `write_videos` wrote."""
    usual = video_job.open_clip
    try:
        if decoded:
            video_job.open_clip = open_decoded  # type: ignore[assignment]
        yield
    finally:
        video_job.open_clip = usual


def seconds(engine: Engine, settings: BatchSettings, clips: Path, out: Path) -> float:
    """Of a batch; raises if a video failed."""
    todo = batch.prepare(out, settings, find_sources([str(clips)]))
    with batch.exclusive(out):
        start = time.perf_counter()
        summary = batch.run(todo, engine, settings)
        took = time.perf_counter() - start
    if summary.failed:
        raise RuntimeError(summary.failed[0].message)
    return took


def chosen(out: Path) -> tuple[list[list[int]], list[list[float]]]:
    """Tokens and confidences of all frames of all videos."""
    traces = [json.loads(path.read_text()) for path in sorted(out.glob("*.trace.json"))]
    frames = [frame for trace in traces for frame in trace["frames"]]
    return [frame["tokens"] for frame in frames], [frame["confidence"] for frame in frames]


def batch_rows(model: Path, first: str, second: str, frames: int) -> Iterator[str]:
    """The rows: the first device, then the second with some videos at a time, and with some workers."""
    decoded = not has_decoder()
    what = "frames that are not decoded (there is no PyAV)" if decoded else "frames"
    with tempfile.TemporaryDirectory() as name, decoder(decoded):
        folder = Path(name)
        clips = write_videos(folder / "clips", VIDEOS, frames, decoded)
        warm = write_videos(folder / "warm", 4, 3, decoded)
        for budget in BUDGETS:
            runs = [(first, 1, 1), (second, 1, 1), (second, 8, 1), (second, 16, 1)]
            # Other processes would look for a decoder.
            runs += [] if decoded else [(second, 1, 4), (second, 4, 4)]
            expected: tuple[list[list[int]], list[list[float]]] | None = None
            for number, (device, streams, workers) in enumerate(runs, start=10 * budget):
                label = f"{VIDEOS} videos of {frames} {what}, {budget} tokens, {device}, --streams {streams}"
                label += f" --workers {workers}" if workers > 1 else ""
                out = folder / f"out-{number}"
                try:
                    took = measured(model, device, streams, workers, budget, (warm, clips), out)
                except Exception as error:
                    yield f"| {label} | {type(error).__name__}: {error} | | |"
                    continue
                tokens, confidences = chosen(out)
                expected = expected or (tokens, confidences)
                same = [ours == theirs for ours, theirs in zip(tokens, expected[0], strict=True)]
                differences = (
                    abs(a - b)
                    for ours, theirs, is_same in zip(confidences, expected[1], same, strict=True)
                    if is_same
                    for a, b in zip(ours, theirs, strict=True)
                )
                apart = max(differences, default=math.nan)
                yield f"| {label} | {60 * VIDEOS / took:.0f} | {sum(same)} of {len(same)} | {apart:.1e} |"


def measured(
    model: Path,
    device: str,
    streams: int,
    workers: int,
    budget: int,
    sources: tuple[Path, Path],
    out: Path,
) -> float:
    """Seconds of a batch with an engine whose models have already run."""
    settings = BatchSettings(
        str(model),
        {"max-gaze-tokens-each-frame": str(budget)},
        device=device,
        streams=streams,
        threads=None if workers == 1 else 1,
    )
    engine: Engine
    if workers > 1:
        engine = ProcessEngine(settings, workers)
    else:
        engine = ThreadEngine(settings) if streams > 1 else SerialEngine(settings)
    try:
        seconds(engine, settings, sources[0], out.with_name(f"{out.name}-warm"))
        return seconds(engine, settings, sources[1], out)
    finally:
        engine.close()
