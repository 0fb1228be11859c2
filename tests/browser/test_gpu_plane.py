"""The plane on the GPU does what NumPy does with the same pixels, bit for bit, on a software adapter."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from in_page import in_page
from numpy.typing import NDArray
from playwright.sync_api import Page
from recorded_page import RecordedPage

from autogaze_web.frames.rgba import Rgba, as_frame, as_words
from autogaze_web.frames.words import BlendWeights
from autogaze_web.live.numpy_plane import NumpyPlane
from autogaze_web.live.plane import CellSums, Draw, Drawn, ReadBack, Receive, Request, Write
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.footprint import GEOMETRIES, footprint
from autogaze_web.masks.update_plan import Lattice
from autogaze_web.page.gpu_plane import edges_of
from autogaze_web.panels.mask_panel import PANEL_MODES
from autogaze_web.panels.output import WHITE, OutputDrawing
from autogaze_web.panels.painted_mask import MaskDrawing

pytestmark = pytest.mark.browser

Rng = np.random.Generator
GRIDS = (1, 2, 4, 7, 14)
PICTURES = ("frame", "previous", "mask", "output")
# What each kind of answer consists of.
NUMBERS = {"cellSums": np.float64, "draw": np.uint32}


@pytest.fixture(scope="module")
def gpu_page(launch: Any, site_url: str) -> Iterator[Page]:
    """A page that runs nothing, with WebGPU, for all tests of the file."""
    context = launch(webgpu=True, camera=None, allow_camera=True).new_context()
    recorded = RecordedPage(context.new_page())
    recorded.expect_problem(r"/favicon\.ico")
    recorded.page.goto(site_url + "options.json")
    yield recorded.page
    assert recorded.unexpected() == []
    context.close()


class BothPlanes:
    """Collects requests and NumPy's answers to them, then compares the GPU's.

    Args:
        source: what frames reach the GPU as: ``rows``, ``canvas`` or ``bitmap``.
    """

    def __init__(self, source: str = "rows") -> None:
        self.numpy = NumpyPlane()
        self._source = source
        self._commands: list[dict[str, Any]] = []
        self._expected: list[NDArray[Any] | None] = []

    def receive(self, frame: Rgba) -> None:
        """The next frame."""
        height, width = frame.shape[:2]
        self.numpy.next_frame(height, width)[:] = frame
        self._add("receive", self._picture(frame, self._source), self.numpy.answer(Receive(height, width)))

    def ask(self, request: Request) -> None:
        """Any request but `Receive`."""
        answer = self.numpy.answer(request)
        match request:
            case CellSums():
                self._add("cellSums", encoded(edges_of(request)), answer)
            case Draw():
                assert isinstance(answer, Drawn)
                self._add("draw", encoded(drawing_of(request)), answer.errors if request.errors else [])
            case ReadBack():
                self._add("readBack", {"which": request.which, "box": request.box}, answer)
            case Write():
                self._add("write", {"which": request.which, **self._picture(request.pixels, "rows")}, answer)

    def show(self) -> None:
        """All panels on canvases."""
        height, width = self.numpy.frame.shape[:2]
        shown = np.stack([self.numpy.frame, self.numpy.mask, self.numpy.output])
        self._add("show", {"height": height, "width": width}, shown)

    def compare(self, page: Page, overlap: bool = False) -> None:
        """Runs all of it in the page; `overlap` does not wait for answers between frames of a stream."""
        answers = in_page(page, "gpu_plane_page.run", self._commands, overlap)
        for command, answer, expected in zip(self._commands, answers, self._expected, strict=True):
            if expected is None:
                assert answer is None
                continue
            found = np.frombuffer(base64.b64decode(answer), NUMBERS.get(command["name"], np.uint8))
            np.testing.assert_array_equal(found, expected.reshape(-1), err_msg=command["name"])

    def _add(self, name: str, arguments: dict[str, Any], answer: Any) -> None:
        self._commands.append({"name": name, "arguments": arguments})
        # Answers are valid only until the next request.
        self._expected.append(None if answer is None else np.array(answer))

    @staticmethod
    def _picture(frame: Rgba, source: str) -> dict[str, Any]:
        # Rows as Python has them, with an even number of pixels.
        rows = as_words(frame).tobytes() if source == "rows" else frame.tobytes()
        height, width = frame.shape[:2]
        return {"pixels": base64.b64encode(rows).decode(), "as": source, "height": height, "width": width}


def drawing_of(request: Draw) -> dict[str, Any]:
    """The JavaScript plane's `Drawing`."""
    output: dict[str, Any] = {"kind": request.output.kind}
    if request.output.kind != "keyframe":
        plan = request.output.plan
        output["lattice"] = lattice_of(plan.lattice, plan.covered)
    if request.output.kind == "lighten":
        weights = BlendWeights.of(request.output.alpha)
        output["weights"] = {"source": weights.source, "addend": int(weights.addend(WHITE))}
    painted = request.mask and request.mask.painted
    mask = painted and {
        "lattice": lattice_of(painted.lattice, painted.atoms),
        "paints": painted.paints,
        "weight": painted.weight,
    }
    return {"output": output, "mask": mask, "errors": request.errors}


def lattice_of(lattice: Lattice, atoms: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {"rows": lattice.rows, "columns": lattice.columns, "atoms": atoms.astype(np.uint8)}


def encoded(value: Any) -> Any:
    """JSON of a value with arrays in it."""
    if isinstance(value, dict):
        return {name: encoded(each) for name, each in value.items()}
    if isinstance(value, np.ndarray):
        return {"dtype": str(value.dtype), "data": base64.b64encode(value.tobytes()).decode()}
    return value


def some_frame(rng: Rng, height: int, width: int, before: Rgba | None, opaque: bool = True) -> Rgba:
    """Noise, or the frame before with noise in a part of it."""
    noise = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
    if opaque:
        noise[..., 3] = 255
    if before is not None and rng.random() < 0.5:
        y, x = rng.integers(0, height), rng.integers(0, width)
        part, noise = noise, np.array(before)
        noise[y:, x:] = part[y:, x:]
    return as_frame(noise)


def some_draw(rng: Rng, height: int, width: int, mode: Any, kind: Any) -> Draw:
    count = int(rng.integers(0, 60))
    grids = rng.choice(GRIDS, count)
    cells = Cells.of(grids, rng.integers(0, grids), rng.integers(0, grids)) if count else Cells.none()
    geometry: Any = rng.choice(GEOMETRIES)
    mask = footprint(cells, height, width, geometry, float(rng.choice([0.5, 1, 1.3])))
    alpha = float(rng.choice([0, 0.38, 0.5, rng.random(), 1]))
    drawing = MaskDrawing(mask, mode, alpha, "standard") if rng.random() < 0.9 else None
    return Draw(OutputDrawing(kind, mask.plan, alpha), drawing, bool(rng.random() < 0.9))


def some_box(rng: Rng, height: int, width: int) -> tuple[int, int, int, int]:
    y0, x0 = int(rng.integers(0, height)), int(rng.integers(0, width))
    return y0, x0, int(rng.integers(y0, height + 1)), int(rng.integers(x0, width + 1))


def stream(planes: BothPlanes, rng: Rng, height: int, width: int, frames: int, opaque: bool = True) -> None:
    """Frames with requests of all kinds."""
    frame = None
    for index in range(frames):
        frame = some_frame(rng, height, width, frame, opaque)
        planes.receive(frame)
        planes.ask(CellSums(int(rng.choice([*GRIDS, 31])), height, width))
        mode = PANEL_MODES[index % len(PANEL_MODES)]
        kind = "keyframe" if index == 0 else rng.choice(["copy", "copy", "lighten"])
        planes.ask(some_draw(rng, height, width, mode, kind))
        if rng.random() < 0.3:
            planes.ask(some_draw(rng, height, width, mode, "copy"))
        for picture in PICTURES:
            planes.ask(ReadBack(picture, some_box(rng, height, width)))
            planes.ask(ReadBack(picture, (0, 0, height, width)))


@pytest.mark.parametrize(("seed", "overlap"), [(0, False), (1, True)])
def test_streams_of_any_size(gpu_page: Page, seed: int, overlap: bool) -> None:
    """One size after the other, as when a camera is turned, some of them no multiple of a block or word."""
    rng = np.random.default_rng(seed)
    planes = BothPlanes()
    sizes = [(90, 160), (1, 1), (1, 257), (301, 1), (48, 96), (67, 131)]
    for height, width in [*sizes, tuple(rng.integers(1, 200, 2).tolist())]:
        stream(planes, rng, height, width, frames=len(PANEL_MODES), opaque=overlap)
    planes.compare(gpu_page, overlap)


@pytest.mark.parametrize("source", ["canvas", "bitmap"])
def test_pictures_in_and_out(gpu_page: Page, source: str) -> None:
    """What the page has of a frame is copied from one part of the GPU to another, and so are the panels."""
    rng = np.random.default_rng(4)
    planes = BothPlanes(source)
    for height, width in ((45, 81), (90, 160)):
        for mode in PANEL_MODES:
            planes.receive(some_frame(rng, height, width, None))
            planes.ask(ReadBack("frame", (0, 0, height, width)))
            planes.ask(some_draw(rng, height, width, mode, "lighten"))
            planes.show()
    planes.compare(gpu_page)


def test_answers_may_overlap(gpu_page: Page) -> None:
    """Each is of the moment when it was asked for, though what follows replaces what it is about."""
    rng = np.random.default_rng(5)
    planes = BothPlanes()
    planes.receive(some_frame(rng, 40, 70, None))
    for kind in ("keyframe", "copy", "lighten", "copy", "keyframe"):
        planes.ask(some_draw(rng, 40, 70, "outlines", kind))
        planes.ask(ReadBack("output", (0, 0, 40, 70)))
        planes.ask(Write("previous", some_frame(rng, 40, 70, None)))
        planes.ask(CellSums(int(rng.choice(GRIDS)), 40, 70))
        planes.show()
    planes.compare(gpu_page, overlap=True)


def test_another_planes_state_moves_here(gpu_page: Page) -> None:
    """What is written is what the next frames continue from."""
    rng = np.random.default_rng(6)
    planes = BothPlanes()
    planes.receive(some_frame(rng, 55, 77, None))
    for picture in PICTURES:
        planes.ask(Write(picture, some_frame(rng, 55, 77, None, opaque=False)))
    planes.ask(CellSums(7, 55, 77))
    planes.ask(Draw(some_draw(rng, 55, 77, "overlay", "copy").output, None, True))
    for picture in PICTURES:
        planes.ask(ReadBack(picture, (0, 0, 55, 77)))
    planes.compare(gpu_page)


def test_large_cells_and_many_cells(gpu_page: Page) -> None:
    """A cell that many groups of threads sum, and more cells than an axis has groups."""
    rng = np.random.default_rng(7)
    planes = BothPlanes()
    for _ in range(2):
        planes.receive(some_frame(rng, 270, 480, None))
    for grid in (1, 3, 260):
        planes.ask(CellSums(grid, 270, 480))
    planes.compare(gpu_page)


def test_large_frames_take_turns_in_the_buffers_that_they_come_through(gpu_page: Page) -> None:
    rng = np.random.default_rng(9)
    planes = BothPlanes()
    for height, width in ((480, 640), (512, 576)):
        for _ in range(5):
            planes.receive(some_frame(rng, height, width, None))
            planes.ask(ReadBack("frame", (height - 2, 0, height, width)))
            planes.ask(CellSums(7, height, width))
    planes.compare(gpu_page)


def test_what_the_device_takes(gpu_page: Page) -> None:
    """Frames of 4K; larger ones than any device holds are refused with a sentence."""
    assert in_page(gpu_page, "gpu_plane_page.refusalOf", 2160, 3840) == ""
    assert "too large for this graphics card" in in_page(gpu_page, "gpu_plane_page.refusalOf", 16384, 16384)
