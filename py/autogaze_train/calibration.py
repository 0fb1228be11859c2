"""How near the predicted task losses are to the true ones, which decides where a frame stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from autogaze_web.frames.rgba import Rgba
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.fixations import Fixations
from autogaze_web.model.processor import AutoGazeImageProcessor
from autogaze_web.native.autogaze import AutoGaze

from .diagnosis import as_input
from .evaluation import Named
from .measure import Clip

BUDGET = 80
"""Tokens of every frame; none is stopped early."""

# Of smaller losses, a tenth of a grey level, a relative error says nothing.
_LEAST_LOSS = 0.05


def calibrate(
    model_folder: Path, clips: list[Named], say: Callable[[str], None] = print
) -> dict[str, dict[str, float | int | None]]:
    """By kind of motion: the ``median`` relative error of the predictions, and how many were ``compared``."""
    model = AutoGaze.from_pretrained(model_folder, threads=1)
    processor = AutoGazeImageProcessor.from_pretrained(model_folder)
    results: dict[str, dict[str, float | int | None]] = {}
    for named in clips:
        errors = [error for clip in named.clips for error in relative_errors(model, processor, clip)]
        median = round(float(np.median(errors)), 3) if errors else None
        results[named.kind] = {"median": median, "compared": len(errors)}
        say(f"{named.kind}: {results[named.kind]}")
    return results


def relative_errors(
    model: AutoGaze, processor: AutoGazeImageProcessor, clip: Clip, budget: int = BUDGET
) -> list[float]:
    """``|predicted - true| / true`` for every token of a clip but those of its first frame.

    The true task loss is that of the frame before the token's cell is written, ``log10(sqrt(1 + e))`` with
    the mean squared error ``e`` of the model's input against the output; losses up to 0.05 are left out.
    """
    size = model.config.input_img_size
    stream = model.stream(gazing_ratio=1.0, task_loss_requirement=-np.inf, max_tokens=budget)
    output: Rgba | None = None
    found = []
    for frame in clip:
        pixels = as_input(frame, size)
        choice = stream.step(processor(pixels[None])[0]).choice()
        if output is None or choice.task_loss is None:
            output = pixels.copy()
            continue
        squares = np.square(pixels.astype(np.int64) - output).sum(axis=2)
        remaining = int(squares.sum())
        for cell, predicted in zip(_pixels(choice.cells, size), choice.task_loss, strict=True):
            true = 0.5 * float(np.log10(1 + remaining / (3 * size**2)))
            if true > _LEAST_LOSS:
                found.append(abs(float(predicted) - true) / true)
            remaining -= int(squares[cell].sum())
            squares[cell] = 0
            output[cell] = pixels[cell]
    return found


def _pixels(cells: Cells | Fixations, size: int) -> Iterator[tuple[slice, slice]]:
    """The pixels of each cell in a square of ``size``."""
    for y0, x0, y1, x1 in Fixations.of(cells).rectangles(size, size).tolist():
        yield slice(y0, y1), slice(x0, x1)
