"""Writes what a batch stores of one video, frame by frame, so that memory does not grow with the video."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Union

import numpy as np
from numpy.typing import NDArray

from ..files.atomic_file import atomic_file
from ..files.exports import TRACE_END, TRACE_SEPARATOR, trace_entry, trace_head
from ..live.pipeline import ProcessedFrame
from ..masks.choice import Description
from ..masks.fixations import Fixations
from ..masks.footprint import Footprint
from .settings import GAZING, MASKS, SUFFIXES, TRACE

_EPOCH = (1980, 1, 1, 0, 0, 0)


def output_path(folder: Path, name: str, kind: str) -> Path:
    """Where an output of a video is."""
    return folder / f"{name}{SUFFIXES[kind]}"


Writer = Union["TraceWriter", "GazingWriter", "MaskWriter"]


@contextmanager
def video_outputs(
    folder: Path, name: str, kinds: Sequence[str], video: Mapping[str, Any], description: Description
) -> Iterator[list[Writer]]:
    """Writers of a video's outputs, which replace earlier ones when the block ends without an error.

    Args:
        folder: of the batch.
        name: of the video; folders in it are made.
        kinds: of outputs.
        video: ``name`` and ``frames_per_second`` for the trace.
        description: of the mask source.
    """
    with ExitStack() as stack:
        writers: list[Writer] = []
        for kind in kinds:
            path = output_path(folder, name, kind)
            path.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(atomic_file(path))
            if kind == TRACE:
                writers.append(TraceWriter(file, video, description))
            elif kind == GAZING:
                writers.append(GazingWriter(file, description))
            elif kind == MASKS:
                writers.append(MaskWriter(file))
        yield writers
        for writer in writers:
            writer.close()


class TraceWriter:
    """A trace (``docs/trace.md``), with the same bytes as `files.exports.trace_text`."""

    def __init__(self, file: IO[bytes], video: Mapping[str, Any], description: Description) -> None:
        self._file, self._video, self._description = file, video, description
        self._count = 0

    def add(self, processed: ProcessedFrame, _mask: Footprint | None) -> None:
        """Writes a frame."""
        if self._count:
            self._file.write(TRACE_SEPARATOR.encode())
        else:
            height, width = processed.frame.shape[:2]
            video = {
                "name": self._video["name"],
                "width": width,
                "height": height,
                "frames_per_second": self._video["frames_per_second"],
            }
            head = trace_head(video, [(0, self._description)])
            self._file.write(head.encode())
        self._file.write(trace_entry(processed.record).encode())
        self._count += 1

    def close(self) -> None:
        """Ends the document."""
        self._file.write(TRACE_END.encode())


class GazingWriter:
    """``gazing_info`` as ``.npz``: NVIDIA's three arrays, the grids, the frames' times and the settings.

    Cells of tiles have no patch number in the frame: their file has ``edges`` (N, 6) in place of
    ``gazing_pos``, as fractions of the frame: y0, x0, y1, x1 in parts of the last two.
    """

    def __init__(self, file: IO[bytes], description: Description) -> None:
        self._file, self._description = file, description
        self._patches = sum(grid * grid for grid in description["grids"])
        self._positions: list[NDArray[np.int64]] = []
        self._padded: list[NDArray[np.bool_]] = []
        self._edges: list[NDArray[np.int32]] = []
        self._grids: list[NDArray[np.int32]] = []
        self._counts: list[int] = []
        self._times: list[float] = []

    def add(self, processed: ProcessedFrame, _mask: Footprint | None) -> None:
        """Adds a frame's slots."""
        record = processed.record
        choice, cells = record.choice, record.choice.cells
        if isinstance(cells, Fixations):
            edges = np.concatenate([cells.start, cells.end, cells.parts], axis=1)
            self._edges.append(edges.astype(np.int32))
            self._grids.append(cells.grid.astype(np.int32))
            count = len(cells)
        else:
            padded = choice.slots
            if padded is None:
                padded = np.zeros(len(cells), np.bool_)
            # Padding has the number after its frame's last patch, as in NVIDIA's code.
            positions = np.full(padded.size, self._patches, np.int64)
            positions[~padded] = choice.tokens
            self._positions.append(positions + self._patches * len(self._counts))
            self._padded.append(padded)
            count = padded.size
        self._counts.append(count)
        self._times.append(np.nan if record.time is None else record.time)

    def close(self) -> None:
        """Writes the file."""
        arrays: dict[str, NDArray[Any]] = {
            "num_gazing_each_frame": np.array(self._counts, np.int64),
            "grids": np.array(self._description["grids"], np.int64),
            "times": np.array(self._times, np.float64),
            "settings": np.array(json.dumps(self._description)),
        }
        if self._edges:
            arrays["edges"] = np.concatenate(self._edges)
            arrays["grid_of_slot"] = np.concatenate(self._grids)
        else:
            arrays["gazing_pos"] = np.concatenate(self._positions)[None]
            arrays["if_padded_gazing"] = np.concatenate(self._padded)[None]
        np.savez_compressed(self._file, **arrays)  # type: ignore[arg-type]


class MaskWriter:
    """A zip with the masked pixels of each frame as a PNG of one bit, white where masked: ``000000.png`` ..."""

    def __init__(self, file: IO[bytes]) -> None:
        self._archive = zipfile.ZipFile(file, "w")
        self._count = 0

    def add(self, _processed: ProcessedFrame, mask: Footprint | None) -> None:
        """Writes a frame's mask."""
        from PIL import Image

        assert mask is not None
        picture = io.BytesIO()
        Image.fromarray(mask.plan.pixels()).save(picture, "PNG")
        # A fixed date, so that equal masks are equal files.
        self._archive.writestr(zipfile.ZipInfo(f"{self._count:06}.png", _EPOCH), picture.getvalue())
        self._count += 1

    def close(self) -> None:
        """Writes the archive's listing."""
        self._archive.close()
