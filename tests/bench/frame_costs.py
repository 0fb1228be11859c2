"""Measures the Python time of frames in which every pixel changes, as JSON; natively and in Pyodide, as text.

With tokens a frame is noise; they cover all scales of the model, and the time includes turning them to cells.
With patch-diff it is a still picture with a camera's grain of two levels, which selects no cell.
"""

import json
import statistics
import time

import numpy as np

from autogaze_web.frames import pixel_kernels
from autogaze_web.live.settings import LiveSettings
from autogaze_web.live.view import LiveView
from autogaze_web.model.tokens import ScaleLayout

LAYOUT = ScaleLayout((2, 4, 7, 14))
# Name: tokens per frame or None for patch-diff, options.
WORKLOADS = {
    "16 tokens": (16, {}),
    "265 tokens": (265, {}),
    "16 tokens, PSNR hidden": (16, {"show-psnr": False}),
    "16 tokens, full blend": (16, {"visualization-mode": "full-blend"}),
    "16 tokens, overlay": (16, {"mask-visualization": "image-overlay"}),
    "16 tokens, outlines": (16, {"mask-visualization": "outlines"}),
    "patch-diff, grain": (None, {}),
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


def some_pictures(height, width, grain):
    """Three frames of noise, or of one picture with grain, (H, W, 4) uint8."""
    noise = [hashed(height * width, 99 + i).astype(np.uint32).view(np.uint8) for i in range(3)]
    if grain:
        noise = [np.uint8(128) + each % np.uint8(3) for each in noise]
    return [each.reshape(height, width, 4) for each in noise]


def measure(width, height, name, frames, warm_up=5):
    """The medians and the minima in milliseconds of each stage and of a whole frame."""
    count, options = WORKLOADS[name]
    view = LiveView(LiveSettings.of(options))
    pictures = some_pictures(height, width, grain=count is None)
    samples, ratios = [], []
    for index in range(frames + warm_up):
        view.next_frame(height, width)[:] = pictures[index % 3]
        tokens = None if count is None else some_tokens(count, index)
        start = time.perf_counter()
        cells = None if tokens is None else LAYOUT.cells(tokens)
        decoded = time.perf_counter()
        report = view.process(cells)
        end = time.perf_counter()
        stages = {"decode": (decoded - start) * 1000, **report.stage_ms}
        samples.append({"total": (end - start) * 1000, **stages})
        ratios.append(report.mask_ratio)
    del samples[:warm_up]
    medians = {stage: statistics.median(sample[stage] for sample in samples) for stage in samples[0]}
    least = {stage: min(sample[stage] for sample in samples) for stage in samples[0]}
    case = {"width": width, "height": height, "workload": name, "mask_ratio": statistics.fmean(ratios)}
    return {**case, "ms": medians, "least_ms": least}


# Five seconds of a camera, after which the browser has compiled the code that every frame runs.
FRAMES_BEFORE = 150


def measure_all(cases, frames):
    """The measurements of (width, height, workload) cases as JSON.

    Where kernels are installed each also has ``numpy``, the measurement without them.
    """
    kernels = pixel_kernels.installed()
    measure(*cases[0], FRAMES_BEFORE)
    rows = [measure(*case, frames) for case in cases]
    if kernels:
        pixel_kernels.install(None)
        measure(*cases[0], FRAMES_BEFORE)
        for row, case in zip(rows, cases, strict=True):
            row["numpy"] = measure(*case, frames)
        pixel_kernels.install(kernels)
    return json.dumps(rows)
