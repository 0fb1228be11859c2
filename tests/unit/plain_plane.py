"""A plane that computes every pixel of every request anew, as plainly as it can be said."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autogaze_web.frames.words import BlendWeights
from autogaze_web.live.plane import CellSums, Draw, Drawn, ReadBack, Receive, Request, Write
from autogaze_web.masks.cells import cell_edges
from autogaze_web.masks.update_plan import Lattice
from autogaze_web.panels.output import OutputDrawing
from autogaze_web.panels.painted_mask import Paint, PaintedMask

Pixels = NDArray[np.uint8]


class PlainPlane:
    """Write each picture into ``next``, then answer a `Receive`."""

    def __init__(self) -> None:
        self.next: Pixels = np.zeros((1, 1, 4), np.uint8)
        self.frames: dict[str, Pixels] = {}
        self.requests: list[str] = []

    def answer(self, request: Request) -> object:
        self.requests.append(type(request).__name__)
        frames = self.frames
        match request:
            case Receive():
                assert self.next.shape == (request.height, request.width, 4)
                if not frames or frames["frame"].shape != self.next.shape:
                    frames |= {name: np.zeros_like(self.next) for name in ("frame", "mask", "output")}
                frames["previous"], frames["frame"] = frames["frame"], self.next.copy()
            case CellSums():
                change = np.abs(frames["frame"][..., :3].astype(int) - frames["previous"][..., :3])
                rows, columns = (
                    list(zip(*cell_edges(request.grid, extent), strict=True))
                    for extent in (request.height, request.width)
                )
                return np.array([[change[y0:y1, x0:x1].sum((0, 1)) for x0, x1 in columns] for y0, y1 in rows])
            case Draw():
                frames["output"] = output_of(request.output, frames["frame"], frames["output"])
                if request.mask is not None:
                    frames["mask"] = mask_of(request.mask.painted, frames["frame"])
                box = (0, 0, *frames["frame"].shape[:2])
                return Drawn(block_errors(frames["frame"], frames["output"]) if request.errors else None, box)
            case ReadBack():
                y0, x0, y1, x1 = request.box
                return frames[request.which][y0:y1, x0:x1].copy()
            case Write():
                if not frames or frames["frame"].shape != request.pixels.shape:
                    names = ("frame", "previous", "mask", "output")
                    frames |= {name: np.zeros_like(request.pixels) for name in names}
                frames[request.which] = request.pixels.copy()
        return None


def output_of(drawing: OutputDrawing, frame: Pixels, before: Pixels) -> Pixels:
    covered = spread(drawing.plan.lattice, drawing.plan.covered)[..., None]
    if drawing.kind == "keyframe":
        return frame.copy()
    if drawing.kind == "copy":
        return np.where(covered, frame, before)
    weights = BlendWeights.of(drawing.alpha)
    return np.where(covered, blended(frame, np.full(3, weights.addend(255)), weights.source), frame)


def mask_of(painted: PaintedMask, frame: Pixels) -> Pixels:
    paint = painted.paints[spread(painted.lattice, painted.atoms)]
    dimmed = frame.copy()
    dimmed[..., :3] = (frame[..., :3] >> 2) + (frame[..., :3] >> 3)
    opaque = np.full_like(frame, 255)
    opaque[..., :3] = paint[..., 1:] & 255
    kinds = {
        Paint.CLEAR: np.zeros_like(frame),
        Paint.PICTURE: frame,
        Paint.DIMMED: dimmed,
        Paint.OPAQUE: opaque,
        Paint.BLENDED: blended(frame, paint[..., 1:], painted.weight),
    }
    return np.select([paint[..., :1] == kind for kind in kinds], list(kinds.values())).astype(np.uint8)


def blended(frame: Pixels, addends: NDArray[np.uint32], weight: int) -> Pixels:
    out = frame.copy()
    out[..., :3] = (frame[..., :3].astype(np.int64) * weight + addends) >> 24
    return out


def block_errors(frame: Pixels, output: Pixels) -> NDArray[np.int64]:
    squares = ((frame[..., :3].astype(np.int64) - output[..., :3]) ** 2).sum(2)
    rows, columns = range(0, len(frame), 16), range(0, frame.shape[1], 32)
    return np.array([[squares[y : y + 16, x : x + 32].sum() for x in columns] for y in rows])


def spread(lattice: Lattice, atoms: NDArray[np.generic]) -> NDArray[np.generic]:
    """Each pixel's atom."""
    return atoms.repeat(np.diff(lattice.columns), axis=1).repeat(np.diff(lattice.rows), axis=0)
