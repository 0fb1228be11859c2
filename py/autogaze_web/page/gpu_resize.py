"""From a frame's pixels to the model's input in a few passes over pixels, as tables for a GPU.

The same as `AutoGazeImageProcessor` and `clips.model_input` one after the other: the 8-bit stages bit for
bit, the float32 stages up to rounding. ``wasm_bridge/runner/gpu_frame.mjs`` executes it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ..frames.resize import Taps, bicubic_taps, bilinear_f32_taps, bilinear_u8_taps
from ..model.processor import AutoGazeImageProcessor
from ..tiles.tiling import Tiling

Kind = Literal["shrink", "normalise", "blend", "cut"]

_EVERY_VALUE: Final = np.arange(256, dtype=np.uint8)


@dataclass(frozen=True)
class Pass:
    """Each element of the result is a sum over taps of weight times source element, along one axis.

    Attributes:
        kind: ``shrink`` (RGBA bytes to RGBA bytes, fixed-point weights), ``normalise`` (bytes to three
            float32 planes), ``blend`` (planes to planes) or ``cut`` (planes to the planes of each tile).
        width, height: of the result.
        stride: elements in a row of the source.
        along: the axis.
        taps: their number T.
        table: offset in the tables of its indices (T,n), followed by its weights (T,n); n is the result's
            size along the axis.
        colours: offset of the normalised values (3,256); 0 where they are not used.
        tiles, tile_columns, tile_stride: tiles in all and in a row, and pixels from one to the next.
        table_size: n; 0 if it is the result's size.
        frames: the last frames that are stored, of which each can be cut.
    """

    kind: Kind
    width: int
    height: int
    stride: int
    along: Literal["columns", "rows"]
    taps: int
    table: int
    colours: int = 0
    tiles: int = 1
    tile_columns: int = 1
    tile_stride: int = 0
    table_size: int = 0
    frames: int = 1


@dataclass(frozen=True)
class FramePlan:
    """What to do with every frame of one size.

    Attributes:
        passes: one after the other; the last gives (3,S,S) float32, or as much for each tile.
        tables: uint32; weights of float32 passes and colours are float32 bits.
    """

    passes: tuple[Pass, ...]
    tables: NDArray[np.uint32]


def frame_plan(
    processor: AutoGazeImageProcessor, height: int, width: int, row_pixels: int, side: int
) -> FramePlan:
    """The plan for frames of height x width pixels whose rows lie ``row_pixels`` apart, to a square of S."""
    builder = _Builder()
    shorter, narrower = processor.target_size(height, width)
    stride = row_pixels
    if narrower != width:
        builder.add("shrink", narrower, height, stride, "columns", bilinear_u8_taps(width, narrower))
        stride = narrower
    if shorter != height:
        builder.add("shrink", narrower, shorter, stride, "rows", bilinear_u8_taps(height, shorter))
        stride = narrower
    colours = builder.table(_colours(processor))
    builder.add("normalise", side, shorter, stride, "columns", bicubic_taps(narrower, side), colours)
    builder.add("blend", side, side, side, "rows", bicubic_taps(shorter, side))
    return FramePlan(tuple(builder.passes), np.concatenate(builder.parts))


def tile_plan(
    processor: AutoGazeImageProcessor, tiling: Tiling, row_pixels: int, frames: int = 1
) -> FramePlan:
    """The plan for frames that are cut into tiles as by `TiledFrames.cut`; the last ``frames`` are stored."""
    builder = _Builder()
    rows, columns = tiling.canvas
    colours = builder.table(_colours(processor))
    across, down = _canvas_taps(tiling, tiling.width, columns), _canvas_taps(tiling, tiling.height, rows)
    builder.add("normalise", columns, tiling.height, row_pixels, "columns", across, colours)
    builder.add("cut", tiling.tile, tiling.tile, columns, "rows", down)
    last = replace(
        builder.passes[-1],
        tiles=len(tiling),
        tile_columns=tiling.columns,
        tile_stride=tiling.stride,
        table_size=rows,
        frames=frames,
    )
    return FramePlan((*builder.passes[:-1], last), np.concatenate(builder.parts))


def _canvas_taps(tiling: Tiling, size: int, canvas: int) -> Taps:
    """From a frame's side to the canvas's: stretched, or with zeros (`PAD_VALUE`) beyond the frame."""
    if tiling.mode == "anyres" and size != canvas:
        return bilinear_f32_taps(size, canvas)
    index = np.arange(canvas)[None]
    return np.minimum(index, size - 1), (index < size).astype(np.float32)


def _colours(processor: AutoGazeImageProcessor) -> NDArray[np.float32]:
    """(3,256): every 8-bit value as the model takes it."""
    return processor.normalised(np.tile(_EVERY_VALUE, (3, 1, 1)))[:, 0]


class _Builder:
    def __init__(self) -> None:
        self.passes: list[Pass] = []
        self.parts: list[NDArray[np.uint32]] = []
        self._length = 0

    def table(self, values: NDArray[np.generic]) -> int:
        """Appends values to the tables and returns their offset."""
        kind = np.float32 if values.dtype.kind == "f" else np.uint32
        part = np.ascontiguousarray(values, kind).reshape(-1).view(np.uint32)
        start, self._length = self._length, self._length + part.size
        self.parts.append(part)
        return start

    def add(
        self,
        kind: Kind,
        width: int,
        height: int,
        stride: int,
        along: Literal["columns", "rows"],
        taps: Taps,
        colours: int = 0,
    ) -> None:
        index, weight = taps
        start = self.table(index)
        self.table(weight)
        self.passes.append(Pass(kind, width, height, stride, along, len(index), start, colours))
