"""What JavaScript makes of packed requests, as a bridge without a browser: `PlaneBridge` on plain NumPy."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
from plain_plane import blended, block_errors, mask_of, spread

from autogaze_web.masks.update_plan import Lattice
from autogaze_web.panels.painted_mask import PaintedMask

NAMES = ("frame", "previous", "mask", "output")


class FakeGpu:
    """Set ``lost`` to have every call fail from then on."""

    def __init__(self):
        self.frames, self.lost, self.kinds = {}, False, []

    async def receive(self, rows, height, width):
        self._live()
        picture = rows.reshape(height, -1, 4)[:, :width].copy()
        if not self.frames or self.frames["frame"].shape != picture.shape:
            self.frames = {name: np.zeros_like(picture) for name in NAMES}
        self.frames["previous"], self.frames["frame"] = self.frames["frame"], picture

    def write(self, which, rows):
        self._live()
        height, width = self.frames[which].shape[:2]
        self.frames[which] = rows.reshape(height, -1, 4)[:, :width].copy()

    async def execute(self, header, packed):
        self._live()
        request = json.loads(header)
        arrays = {
            name: packed[start : start + size].copy().view(dtype)
            for name, dtype, start, size in request["feeds"]
        }
        self.kinds.append(request["kind"])
        answer = getattr(self, request["kind"])(request, SimpleNamespace(**arrays))
        # As a typed array comes: flat.
        return SimpleNamespace(to_py=lambda: memoryview(np.ascontiguousarray(answer).reshape(-1)))

    def cellSums(self, _request, arrays):  # noqa: N802
        change = np.abs(self.frames["frame"][..., :3].astype(int) - self.frames["previous"][..., :3])
        rows = list(zip(arrays.rowFirst, arrays.rowEnd, strict=True))
        columns = list(zip(arrays.columnFirst, arrays.columnEnd, strict=True))
        sums = [[change[y0:y1, x0:x1].sum((0, 1)) for x0, x1 in columns] for y0, y1 in rows]
        return np.array(sums, np.float64)

    def readBack(self, request, _arrays):  # noqa: N802
        y0, x0, y1, x1 = request["box"]
        return self.frames[request["which"]][y0:y1, x0:x1]

    def draw(self, request, arrays):
        frame = self.frames["frame"]
        self.frames["output"] = self._output(request["output"], arrays)
        if hasattr(arrays, "paints"):
            lattice = Lattice(arrays.maskRows, arrays.maskColumns)
            atoms = arrays.maskAtoms.reshape(len(lattice.rows) - 1, -1)
            paints = arrays.paints.view(np.uint32).reshape(-1, 4)
            self.frames["mask"] = mask_of(PaintedMask(lattice, atoms, paints, request["weight"]), frame)
        errors = block_errors(frame, self.frames["output"]) if request["errors"] else np.zeros(0)
        return errors.astype(np.uint32)

    def _output(self, drawing, arrays):
        frame = self.frames["frame"]
        if drawing["kind"] == "keyframe":
            return frame.copy()
        lattice = Lattice(arrays.outputRows, arrays.outputColumns)
        covered = spread(lattice, arrays.outputAtoms.reshape(len(lattice.rows) - 1, -1) > 0)[..., None]
        if drawing["kind"] == "copy":
            return np.where(covered, frame, self.frames["output"])
        weights = drawing["weights"]
        light = blended(frame, np.full(3, weights["addend"], np.uint32), weights["source"])
        return np.where(covered, light, frame)

    def _live(self):
        if self.lost:
            raise RuntimeError("The GPU was lost.")
