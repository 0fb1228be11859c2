"""Measures the Python time of frames with fixed tokens, as JSON; runs natively and, as text, in Pyodide.

Every pixel differs from the previous frame, as with a camera. The tokens cover all scales of the model. The
time includes decoding the tokens to cells.
"""

import json
import statistics
import time

import numpy as np

from autogaze_web.live.view import LiveSettings, LiveView
from autogaze_web.model.tokens import ScaleLayout

LAYOUT = ScaleLayout((2, 4, 7, 14))
# Name: tokens per frame, options.
WORKLOADS = {
    "16 tokens": (16, {}),
    "265 tokens": (265, {}),
    "16 tokens, PSNR hidden": (16, {"show-psnr": False}),
    "16 tokens, full blend": (16, {"visualization-mode": "full-blend"}),
    "16 tokens, overlay": (16, {"mask-visualization": "image-overlay"}),
}


def hashed(count, seed):
    """(count,) pseudo-random uint64, because the page's NumPy has no random numbers."""
    values = (np.arange(count, dtype=np.uint64) + np.uint64(seed * 7919 + 1)) * np.uint64(0x9E3779B97F4A7C15)
    values ^= values >> np.uint64(29)
    return values * np.uint64(0xBF58476D1CE4E5B9) >> np.uint64(32)


def some_tokens(count, index):
    """Distinct tokens for a frame: at least one per scale, and more on finer scales."""
    if count >= LAYOUT.tokens:
        return np.arange(LAYOUT.tokens)
    shares = np.array([1, 2, 4, 9]) / 16
    chosen = [
        first + np.argsort(hashed(size, index))[: max(1, round(count * share))]
        for first, size, share in zip(LAYOUT.offsets, LAYOUT.counts, shares, strict=True)
    ]
    return np.concatenate(chosen)[:count]


def measure(width, height, name, frames, warm_up=5):
    """The medians in milliseconds of each stage and of a whole frame, and the minimum of a whole frame."""
    count, options = WORKLOADS[name]
    view = LiveView(LiveSettings.of(options))
    pictures = [hashed(height * width, 99 + i).astype(np.uint32) for i in range(3)]
    samples, ratios = [], []
    for index in range(frames + warm_up):
        view.next_frame(height, width)[:] = pictures[index % 3].view(np.uint8).reshape(height, width, 4)
        tokens = some_tokens(count, index)
        start = time.perf_counter()
        cells = LAYOUT.cells(tokens)
        decoded = time.perf_counter()
        report = view.process(cells)
        end = time.perf_counter()
        stages = {"decode": (decoded - start) * 1000, **report.stage_ms}
        samples.append({"total": (end - start) * 1000, **stages})
        ratios.append(report.mask_ratio)
    del samples[:warm_up]
    medians = {stage: statistics.median(sample[stage] for sample in samples) for stage in samples[0]}
    least = min(sample["total"] for sample in samples)
    case = {"width": width, "height": height, "workload": name, "mask_ratio": statistics.fmean(ratios)}
    return {**case, "ms": medians, "least_ms": least}


# Five seconds of a camera, after which the browser has compiled the code that every frame runs.
FRAMES_BEFORE = 150


def measure_all(cases, frames):
    """The measurements of (width, height, workload) cases as JSON."""
    measure(*cases[0], FRAMES_BEFORE)
    return json.dumps([measure(*case, frames) for case in cases])
