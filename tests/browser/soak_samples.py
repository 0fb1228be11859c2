"""What is in use while the soak streams: measuring it, telling growth, a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from devtools import Target
from in_page import in_page
from live_page import drawing_worker
from playwright.sync_api import Page


@dataclass(frozen=True)
class Sample:
    """What is in use while a model works. Sizes are in bytes.

    Attributes:
        page_heap, worker_heap, model_heap: JavaScript of the page, of the worker that draws, and of the
            model's own worker, 0 on WebGPU.
        python_memory: Pyodide's; it never shrinks.
        python_objects: those that Python's garbage collector knows.
        allocations: of buffers on WebGPU by the model's runner since it was made; 0 on WebAssembly.
        gpu_buffers, gpu_textures: made and not destroyed.
        browser_memory: of all processes of the browser, what is theirs alone; 0 where it cannot be had.
    """

    page_heap: int
    worker_heap: int
    model_heap: int
    python_memory: int
    python_objects: int
    allocations: int
    gpu_buffers: int
    gpu_textures: int
    browser_memory: int


# How much more than in the second third of the rounds there may be in the last: a share, and so much besides.
TOLERANCES: dict[str, tuple[float, float]] = {
    "page_heap": (0.01, 200_000),
    "worker_heap": (0.01, 200_000),
    "model_heap": (0.01, 200_000),
    "python_memory": (0, 0),
    "python_objects": (0.002, 50),
    "allocations": (0, 0),
    "gpu_buffers": (0, 0),
    "gpu_textures": (0, 0),
    "browser_memory": (0.05, 20_000_000),
}
# In fewer rounds it is as much noise as memory.
_ROUNDS_FOR_BROWSER_MEMORY = 12


class Meter:
    """Takes samples of a page."""

    def __init__(self, page: Page, browser_bytes: Callable[[], int]) -> None:
        self._page = page
        self._browser_bytes = browser_bytes
        self._top = Target(page, page.context.new_cdp_session(page))
        in_page(drawing_worker(page), "worker_hooks.countGpuMemory")

    def sample(self) -> Sample:
        """What is in use now, with a model at work."""
        used = in_page(drawing_worker(self._page), "worker_hooks.usage")
        live, model = self._top.worker("live_worker.mjs"), self._top.worker("gaze_worker.mjs")
        assert live is not None
        return Sample(
            self._top.heap_bytes(),
            live.heap_bytes(),
            model.heap_bytes() if model else 0,
            used["pythonMemory"],
            used["pythonObjects"],
            used["allocations"],
            used["gpuBuffers"],
            used["gpuTextures"],
            self._browser_bytes(),
        )

    def assert_no_model(self) -> None:
        """Nothing is left of a model that was ended."""
        held = drawing_worker(self._page).evaluate("() => globalThis.autogaze.host.model !== undefined")
        assert not held, "the model was kept"
        assert self._top.worker("gaze_worker.mjs") is None, "the model's worker lives on"


def growth(samples: list[Sample]) -> dict[str, tuple[float, float]]:
    """Medians of the second and of the last third of the rounds, of each quantity that grew too much."""
    third = len(samples) // 3
    grown = {}
    for name, (share, besides) in TOLERANCES.items():
        if name == "browser_memory" and len(samples) < _ROUNDS_FOR_BROWSER_MEMORY:
            continue
        values = [getattr(sample, name) for sample in samples]
        before, after = median(values[third : 2 * third]), median(values[-third:])
        if after > before * (1 + share) + besides:
            grown[name] = before, after
    return grown


def table(samples: list[Sample]) -> str:
    """The first round, those a third and two thirds on, and the last, in Markdown."""
    last = len(samples) - 1
    shown = [0, last // 3, 2 * last // 3, last]
    lines = [f"| | {' | '.join(f'round {i + 1}' for i in shown)} |", "| --- |" + " --- |" * len(shown)]
    for name in TOLERANCES:
        cells = " | ".join(f"{getattr(samples[i], name):,}" for i in shown)
        lines.append(f"| {name.replace('_', ' ')} | {cells} |")
    return "\n".join(lines)
