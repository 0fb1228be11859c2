"""Times the sparse and the dense update of the output. Runs natively and, as source text, in Pyodide."""

import json
import time

import numpy as np

from autogaze_web.frames.rgba import allocate
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.update_plan import plan_update
from autogaze_web.panels import output as output_panel


def best_of(function, *arguments, repeats=7):
    """The minimum time in milliseconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(3):
            function(*arguments)
        times.append((time.perf_counter() - start) / 3)
    return min(times) * 1000


def measure(width, height, grid, share):
    """The times of both updates of a frame, with cells scattered over a grid."""
    # A pseudo-random permutation, because the page's NumPy has no random numbers.
    place = (np.arange(grid * grid, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    chosen = np.argsort(place >> np.uint64(20))[: int(grid * grid * share)]
    plan = plan_update(Cells.of(grid, *np.divmod(chosen, grid)), height, width)
    output, frame = allocate(height, width), allocate(height, width)
    ways = {}
    for way in ("sparse", "dense"):
        copy = getattr(output_panel, f"copy_{way}")
        ways[way] = best_of(copy, output, frame, plan)
        lighten = getattr(output_panel, f"lighten_{way}")
        ways[f"blend_{way}"] = best_of(lighten, output, frame, plan, 0.38)
    return {
        "width": width,
        "height": height,
        "rectangles": len(plan.rectangles),
        "pixels_per_rectangle": width * height / len(plan.rectangles),
        **ways,
    }


def measure_all():
    """The measurements as JSON."""
    sizes, grids = ((640, 360), (1280, 720), (1920, 1080)), (14, 28, 56, 112)
    return json.dumps([measure(*size, grid, 0.3) for size in sizes for grid in grids])
