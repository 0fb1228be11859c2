"""What a live view asks of the plane that holds its pixels, and what it is answered.

A `LiveView` decides: which cells, which rectangles, when a keyframe, what the panels show. A *plane* holds
four frames of one size, ``frame``, ``previous``, ``mask`` and ``output``, and executes. `NumpyPlane` is one;
another one runs on the GPU of a browser. Given the same pixels both have the same answers and panels, bit for
bit.

The view's generators yield requests and are sent the answers, so that a plane can answer at once or be waited
for:

| request | answer |
| --- | --- |
| `Receive` | None |
| `CellSums` | (g, g, 3) int64 |
| `Draw` | `Drawn` |
| `ReadBack` | (h, w, 4) uint8 |
| `Write` | None |
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

from ..frames.rectangles import Box
from ..frames.rgba import Rgba
from ..panels.metrics import BlockErrors
from ..panels.output import OutputDrawing
from ..panels.painted_mask import MaskDrawing

Result = TypeVar("Result")
Held = Literal["frame", "previous", "mask", "output"]


@dataclass(frozen=True)
class Receive:
    """The next picture becomes ``frame``, and the one before it ``previous``.

    A new size clears all four.

    Attributes:
        height, width: its size in pixels.
    """

    height: int
    width: int


@dataclass(frozen=True)
class CellSums:
    """The sums of the absolute changes of red, green and blue since ``previous``, in each cell of a grid.

    Attributes:
        grid: cells per side (``cell_edges``); neighbours may share pixels, which count for each of them.
        height, width: of the frames, in pixels.
    """

    grid: int
    height: int
    width: int


@dataclass(frozen=True, eq=False)
class Draw:
    """Draws the output and the mask panel of ``frame``.

    Attributes:
        output: what becomes of the output.
        mask: the mask panel; None leaves it as it is.
        errors: whether the output's squared errors are wanted.
    """

    output: OutputDrawing
    mask: MaskDrawing | None
    errors: bool


@dataclass(frozen=True, eq=False)
class Drawn:
    """The answer to `Draw`.

    Attributes:
        errors: (ceil(H / 16), ceil(W / 32)) int64, the squared error of the output against the frame in each
            block of 16 rows x 32 pixels, valid until the next request; None if it is not wanted.
        mask_box: a box around all pixels of the mask panel that may have changed.
        stage_ms: time spent in each stage, by name.
    """

    errors: BlockErrors | None
    mask_box: Box
    stage_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ReadBack:
    """The pixels of a box of one of the frames, as a copy.

    Attributes:
        which: the frame.
        box: y0, x0, y1, x1, ends exclusive.
    """

    which: Held
    box: Box


@dataclass(frozen=True, eq=False)
class Write:
    """Replaces one of the frames, to continue where another plane stopped.

    Attributes:
        which: the frame.
        pixels: (H, W, 4) uint8, of the size of the frames that are there.
    """

    which: Held
    pixels: Rgba


Request: TypeAlias = Receive | CellSums | Draw | ReadBack | Write
Steps: TypeAlias = Generator[Request, Any, Result]


def run_steps(steps: Steps[Result], answer: Callable[[Request], object]) -> Result:
    """Answers all requests of a generator at once and returns the generator's result.

    Args:
        answer: `NumpyPlane.answer`.
    """
    try:
        request = next(steps)
        while True:
            request = steps.send(answer(request))
    except StopIteration as stop:
        result: Result = stop.value
        return result
