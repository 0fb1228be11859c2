"""What a batch will take, estimated before it runs from headers and a short sample."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from .. import options
from ..files.exports import trace_entry
from ..files.video import open_clip
from ..live.pipeline import process_frames
from ..live.settings import LiveSettings
from ..tiles.inference_mode import InferenceMode
from . import remote
from .outputs import GazingWriter
from .planning import Source
from .video_job import VideoWorker, selected

SAMPLE_FRAMES = 5
# A process with ONNX Runtime and a model, and what a frame in work needs by pixel: decoded, four panels of
# RGBA, the processor's floats.
_PROCESS_BYTES = 300_000_000
_BYTES_PER_PIXEL = 60
_BYTES_PER_TOKEN = 24


@dataclass(frozen=True)
class VideoPlan:
    """What one video will take.

    Attributes:
        name: of the video.
        width, height: of its frames.
        frames: that will be processed.
        tiles: of each frame; 1 for whole frames.
        most_tokens: if every frame uses its budget.
        tokens: estimated.
        seconds: estimated, with one worker.
        memory: estimated peak of a worker in bytes.
        output: estimated size of trace and ``gazing_info`` in bytes.
        message: why it will fail; empty if it will not.
    """

    name: str
    width: int = 0
    height: int = 0
    frames: int = 0
    tiles: int = 1
    most_tokens: int = 0
    tokens: int = 0
    seconds: float = 0.0
    memory: int = 0
    output: int = 0
    message: str = ""


@dataclass(frozen=True)
class Sample:
    """What a frame of one size took: seconds, tokens, and bytes of output."""

    seconds: float
    tokens: float
    output: float


def estimate(plan: VideoPlan, sample: Sample) -> VideoPlan:
    """A plan with the numbers that follow from a sample of its frame size.

    >>> plan = estimate(VideoPlan("a", 100, 100, frames=50), Sample(0.1, 16, 200))
    >>> plan.seconds, plan.tokens, plan.output
    (5.0, 800, 10000)
    """
    tokens = round(plan.frames * sample.tokens)
    pixels = plan.width * plan.height
    return replace(
        plan,
        tokens=tokens,
        seconds=round(plan.frames * sample.seconds, 3),
        memory=_PROCESS_BYTES + _BYTES_PER_PIXEL * pixels + _BYTES_PER_TOKEN * tokens,
        output=round(plan.frames * sample.output),
    )


def total(plans: Sequence[VideoPlan], workers: int) -> VideoPlan:
    """All videos together: sums, with the time of several workers and the memory of them all."""
    good = [plan for plan in plans if not plan.message]
    longest = max((plan.seconds for plan in good), default=0.0)
    return VideoPlan(
        "total",
        frames=sum(plan.frames for plan in good),
        tiles=sum(plan.frames * plan.tiles for plan in good),
        most_tokens=sum(plan.most_tokens for plan in good),
        tokens=sum(plan.tokens for plan in good),
        seconds=max(longest, sum(plan.seconds for plan in good) / workers),
        memory=workers * max((plan.memory for plan in good), default=0),
        output=sum(plan.output for plan in good),
    )


def plan_videos(worker: VideoWorker, sources: Iterable[Source]) -> list[VideoPlan]:
    """The plan of each video. The first one of each frame size is sampled."""
    samples: dict[tuple[int, int], Sample] = {}
    plans = []
    for source in sources:
        try:
            plans.append(_plan(worker, source, samples))
        except (ValueError, ImportError, OSError) as error:
            plans.append(VideoPlan(source.name, message=str(error)))
    return plans


def _plan(worker: VideoWorker, source: Source, samples: dict[tuple[int, int], Sample]) -> VideoPlan:
    settings = worker.settings
    with remote.local_copy(source.address) as path:
        clip = open_clip(path, settings.stream)
        frames = clip.expected_frames or clip.count()
        first = next(iter(clip.frames(1)))
        height, width = first.image.shape[:2]
        if (height, width) not in samples:
            samples[height, width] = _sample(worker, selected(clip.frames(), settings.every, SAMPLE_FRAMES))
    frames = -(-frames // settings.every)
    frames = max(1, min(frames, settings.frames or frames))
    tiles, budget = _budget(worker, height, width)
    plan = VideoPlan(source.name, width, height, frames, tiles, frames * tiles * budget)
    return estimate(plan, samples[height, width])


def _sample(worker: VideoWorker, frames: Iterable[object]) -> Sample:
    source = worker.source()
    seconds, tokens, entries = [], [], []
    file = io.BytesIO()
    writer = GazingWriter(file, source.describe(), worker.patch_size)
    start = time.perf_counter()
    view = LiveSettings.of(worker.settings.given)
    for processed in process_frames(frames, source, view, draw_mask=False):  # type: ignore[arg-type]
        writer.add(processed, None)
        entries.append(len(trace_entry(processed.record)))
        tokens.append(len(processed.cells))
        seconds.append(time.perf_counter() - start)
        start = time.perf_counter()
    writer.close()
    count = len(tokens)
    # The first frame creates the model's sessions, and patch-diff has nothing to compare it with.
    rest = slice(1, None) if count > 1 else slice(None)
    return Sample(
        median(seconds[rest]), sum(tokens[rest]) / len(tokens[rest]), (sum(entries) + file.tell()) / count
    )


def _budget(worker: VideoWorker, height: int, width: int) -> tuple[int, int]:
    """Tiles of a frame, and most tokens of each."""
    loaded = worker.loaded
    if loaded is None:
        return 1, int(options.parse(worker.settings.given)["patch-diff-grid"]) ** 2
    from ..model.controls import limited_budget
    from ..native.sources import GazeSettings

    config, gaze = loaded.model.config, GazeSettings.of(worker.settings.given)
    mode: InferenceMode = gaze.mode
    tiles = len(mode.tiling(height, width, config.input_img_size)) if mode.tiled else 1
    return tiles, limited_budget(config, gaze.max_tokens)
