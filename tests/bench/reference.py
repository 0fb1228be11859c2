"""Compares native times with those published for the reference system (burn_autogaze 0.21.6, Rust).

    python tests/bench/reference.py

The workload is the reference's: all cells of five grids at once, 2x2 to 28x28, so every pixel is covered five
times, in interframe mode with an alpha of 0.72. The published times are from its authors' machine, so compare
orders of magnitude. Ours are the minimum of 25 runs, which is affected least by other work on the machine.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "py")]

from autogaze_web.frames.rgba import as_frame  # noqa: E402
from autogaze_web.masks.cells import Cells  # noqa: E402
from autogaze_web.masks.footprint import GEOMETRIES, Geometry, footprint  # noqa: E402
from autogaze_web.panels.mask_panel import MaskPanel  # noqa: E402
from autogaze_web.panels.output import Accumulator  # noqa: E402

GRIDS, ALPHA = (2, 4, 7, 14, 28), 0.72
PUBLISHED = {
    "panels, 1280x720": 5.23,
    "panels, 1920x1080": 11.60,
    "side by side, 1920x1080": 17.52,
    "geometry native": 7.13,
    "geometry deduplicated": 5.51,
    "geometry effective": 5.57,
}


def redundant_cells() -> Cells:
    """Every cell of every grid."""
    grid = np.concatenate([np.full(g * g, g) for g in GRIDS])
    place = np.concatenate([np.stack(np.divmod(np.arange(g * g), g)) for g in GRIDS], axis=1)
    return Cells.of(grid, *place)


class Viewer:
    """Makes the mask and the output of frames of one size."""

    def __init__(self, width: int, height: int) -> None:
        pictures = np.random.default_rng(0).integers(0, 256, (2, height, width, 4), np.uint8)
        self._frames = [as_frame(picture) for picture in pictures]
        self._cells = redundant_cells()
        self._accumulator, self._panel = Accumulator(), MaskPanel(ALPHA)
        self._size, self._index = (height, width), 0
        self.panels()

    def panels(self, geometry: Geometry = "deduplicated") -> None:
        """Makes the mask, output and mask panel of the next frame."""
        self._index += 1
        frame = self._frames[self._index % 2]
        mask = footprint(self._cells, *self._size, geometry)
        self._accumulator.update(frame, mask.plan)
        self._panel.draw(frame, mask)

    def side_by_side(self) -> None:
        """Runs `panels` and joins the three panels in one image."""
        self.panels()
        frame = self._frames[self._index % 2]
        np.concatenate([frame, self._panel.image, self._accumulator.image], axis=1)

    def geometry(self, geometry: Geometry) -> None:
        """Makes only the footprint and its plan."""
        _ = footprint(self._cells, *self._size, geometry).plan


def milliseconds(work: Callable[[], None], repeats: int = 25) -> float:
    """The minimum time."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def main() -> None:
    """Measures and prints a table."""
    small, large = Viewer(1280, 720), Viewer(1920, 1080)
    works: dict[str, Callable[[], None]] = {
        "panels, 1280x720": small.panels,
        "panels, 1920x1080": large.panels,
        "side by side, 1920x1080": large.side_by_side,
        **{f"geometry {name}": lambda name=name: large.geometry(name) for name in GEOMETRIES},  # type: ignore[misc]
    }
    print("\nNative times and the published times of the reference, ms\n")
    print("| redundant cells of five grids | here | published |\n| --- | --- | --- |")
    for name, work in works.items():
        print(f"| {name} | **{milliseconds(work):.2f}** | {PUBLISHED[name]:.2f} |")


if __name__ == "__main__":
    main()
