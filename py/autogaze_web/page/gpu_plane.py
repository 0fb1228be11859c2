"""The plane on the GPU: requests on their way to JavaScript, and the answers on the way back.

Nothing here needs a browser; ``wasm_bridge/live/plane_calls.mjs`` is the other side.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import numpy as np

from ..frames.rectangles import Box, IntArray
from ..frames.rgba import Rgba, as_frame
from ..frames.words import BlendWeights
from ..live.plane import CellSums, Draw, Drawn, Held, ReadBack, Receive, Request, Steps, Write
from ..masks.cells import cell_edges
from ..masks.update_plan import Lattice
from ..panels.output import WHITE, OutputDrawing
from .bridge import pack_arrays
from .memory import Memory, frame_bytes
from .prompt import promptly

Result = TypeVar("Result")


class PlaneBridge(Protocol):
    """What executes requests on the GPU. Every call fails once the GPU is lost."""

    def execute(self, header: str, packed: Memory) -> Awaitable[Any]:
        """Executes what `pack_request` packed; resolves to a typed array."""

    def receive(self, rows: Memory, height: int, width: int) -> Awaitable[None]:
        """Takes a picture from memory, (H, 4 * row pixels), copied before it returns."""

    def write(self, which: str, rows: Memory) -> object:
        """Replaces one of the plane's frames, copied before it returns."""


async def drive_plane(steps: Steps[Result], bridge: PlaneBridge) -> Result:
    """Answers all requests of a generator on the GPU and returns the generator's result.

    A `Receive` is answered at once: the page brings a picture to the GPU when it takes it.
    """
    try:
        request = next(steps)
        while True:
            request = steps.send(await ask(request, bridge))
    except StopIteration as stop:
        result: Result = stop.value
        return result


async def ask(request: Request, bridge: PlaneBridge) -> object:
    """The answer to one request, see ``live.plane``."""
    match request:
        case Receive():
            return None
        case Write():
            bridge.write(request.which, frame_bytes(as_frame(request.pixels)))
            return None
    begun = time.perf_counter()
    answer = np.asarray((await promptly(bridge.execute(*pack_request(request)))).to_py())
    match request:
        case CellSums():
            return answer.astype(np.int64).reshape(request.grid, request.grid, 3)
        case ReadBack():
            y0, x0, y1, x1 = request.box
            return answer.view(np.uint8).reshape(y1 - y0, x1 - x0, 4)
        case Draw():
            height, width = request.output.size
            whole: Box = (0, 0, height, width)
            stages = {"pixels": (time.perf_counter() - begun) * 1000}
            if not request.errors:
                return Drawn(None, whole, stages)
            return Drawn(answer.astype(np.int64).reshape(-1, -(-width // 32)), whole, stages)


def pack_request(request: CellSums | ReadBack | Draw) -> tuple[str, Memory]:
    """A request as by `pack_arrays`; the header's ``kind`` says which."""
    match request:
        case CellSums():
            return pack_arrays({"kind": "cellSums"}, edges_of(request))
        case ReadBack():
            return pack_arrays({"kind": "readBack", "which": request.which, "box": request.box}, {})
        case Draw():
            return _pack_drawing(request)


@lru_cache(maxsize=16)
def edges_of(request: CellSums) -> dict[str, IntArray]:
    """The cells' pixel edges along both axes, each (g,) int32, by their names in ``plane/cell_sums.mjs``.

    They are the same for every frame of a stream.
    """
    row_first, row_end = cell_edges(request.grid, request.height)
    column_first, column_end = cell_edges(request.grid, request.width)
    return {"rowFirst": row_first, "rowEnd": row_end, "columnFirst": column_first, "columnEnd": column_end}


def _pack_drawing(request: Draw) -> tuple[str, Memory]:
    header: dict[str, Any] = {"kind": "draw", "errors": request.errors, "output": _output(request.output)}
    arrays: dict[str, Any] = {}
    if request.mask is not None:
        painted = request.mask.painted
        header["weight"] = painted.weight
        arrays |= {"paints": painted.paints.view(np.int32), **_lattice("mask", painted.lattice)}
    if not request.output.keyframe:
        arrays |= _lattice("output", request.output.plan.lattice)
        arrays["outputAtoms"] = request.output.plan.covered.view(np.uint8)
    if request.mask is not None:
        arrays["maskAtoms"] = painted.atoms
    # Bytes come last: numbers of 32 bits must begin at a multiple of four.
    return pack_arrays(header, arrays)


def _output(drawing: OutputDrawing) -> dict[str, object]:
    if drawing.kind != "lighten":
        return {"kind": drawing.kind}
    weights = BlendWeights.of(drawing.alpha)
    addend = int(weights.addend(WHITE))
    return {"kind": "lighten", "weights": {"source": weights.source, "addend": addend}}


def _lattice(name: str, lattice: Lattice) -> dict[str, np.ndarray[Any, np.dtype[np.int32]]]:
    return {
        f"{name}Rows": lattice.rows.astype(np.int32),
        f"{name}Columns": lattice.columns.astype(np.int32),
    }


async def whole_frame(which: Held, size: tuple[int, int], bridge: PlaneBridge) -> Rgba:
    """One of the plane's frames of ``size`` (height, width), (H, W, 4) uint8, as `as_frame` makes them."""
    return as_frame(await ask(ReadBack(which, (0, 0, *size)), bridge))
