"""Writes what a batch stores of one video, frame by frame, so that memory does not grow with the video."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Union

import numpy as np
from numpy.typing import NDArray

from ..files.atomic_file import atomic_file, sync_folder
from ..files.exports import TRACE_END, TRACE_SEPARATOR, trace_entry, trace_head
from ..files.gaze_store import gaze_to_bytes
from ..files.stored_gaze import PATCH_SIZE, StoredGaze, described_tiling
from ..live.pipeline import ProcessedFrame
from ..masks.choice import Description
from ..masks.fixations import Fixations
from ..masks.footprint import Footprint
from ..readout.gazing_info import GazingInfo, patch_numbers
from ..tiles.cells_by_tile import cells_by_tile, tile_edges
from ..tiles.tiling import Tiling
from .manifest import Entry
from .settings import GAZING, MASKS, SUFFIXES, TRACE

_EPOCH = (1980, 1, 1, 0, 0, 0)


def output_path(folder: Path, name: str, kind: str) -> Path:
    """Where an output of a video is."""
    return folder / f"{name}{SUFFIXES[kind]}"


Writer = Union["TraceWriter", "GazingWriter", "MaskWriter"]


@contextmanager
def video_outputs(
    folder: Path,
    name: str,
    kinds: Sequence[str],
    video: Mapping[str, Any],
    description: Description,
    patch_size: int = PATCH_SIZE,
) -> Iterator[list[Writer]]:
    """Writers of a video's outputs, which replace earlier ones when the block ends without an error.

    What was written is on the disk then; the files' new names are once `sync_names` was called.

    Args:
        folder: of the batch.
        name: of the video; folders in it are made.
        kinds: of outputs.
        video: ``name`` and ``frames_per_second`` for the trace.
        description: of the mask source.
        patch_size: of the model, in pixels.
    """
    with ExitStack() as stack:
        writers: list[Writer] = []
        for kind in kinds:
            path = output_path(folder, name, kind)
            path.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(atomic_file(path, sync_name=False))
            if kind == TRACE:
                writers.append(TraceWriter(file, video, description))
            elif kind == GAZING:
                writers.append(GazingWriter(file, description, patch_size))
            elif kind == MASKS:
                writers.append(MaskWriter(file))
        yield writers
        for writer in writers:
            writer.close()


def sync_names(folder: Path, entries: Iterable[Entry]) -> None:
    """Flushes the names of videos' outputs to the disk, and those of the batch's folders that they are in."""
    folders: set[Path] = set()
    for entry in entries:
        for path in (output_path(folder, entry.name, kind) for kind in entry.outputs):
            folders.add(Path(os.path.realpath(path)).parent)  # a link's file was replaced where it is
            folders.update(parent for parent in path.parents if parent.is_relative_to(folder))
    for each in folders:
        sync_folder(each)


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
    """``gazing_info`` as ``.npz``, with the same bytes as `StoredGaze.of_choices`.

    Only the patches' numbers are stored until the end: four bytes for each.
    """

    def __init__(self, file: IO[bytes], description: Description, patch_size: int) -> None:
        self._file, self._description = file, description
        self._grids = tuple(description["grids"])
        self._scales = tuple(grid * patch_size for grid in self._grids)
        self._patches = sum(grid * grid for grid in self._grids)
        self._tiling: Tiling | None = None
        # Of each frame, tile after tile; without tiles the slots, in which padding is -1.
        self._numbers: list[NDArray[np.int32]] = []
        self._counts: list[NDArray[np.int32]] = []
        self._times: list[float] = []

    def add(self, processed: ProcessedFrame, _mask: Footprint | None) -> None:
        """Adds a frame's slots."""
        choice = processed.record.choice
        if isinstance(choice.cells, Fixations):
            if self._tiling is None:
                self._tiling = described_tiling(self._description, *processed.frame.shape[:2])
                assert self._tiling is not None, "only sources in tiles choose fixations"
            cells_of_tiles = cells_by_tile(choice.cells, self._tiling)
            numbers = [patch_numbers(cells, self._grids) for cells in cells_of_tiles]
        else:
            slots = np.zeros(len(choice.cells), np.bool_) if choice.slots is None else choice.slots
            numbers = [np.full(slots.size, -1, np.int64)]
            numbers[0][~slots] = patch_numbers(choice.cells, self._grids)
        self._numbers.append(np.concatenate(numbers).astype(np.int32))
        self._counts.append(np.array([each.size for each in numbers], np.int32))
        time = processed.record.time
        self._times.append(np.nan if time is None else time)

    def close(self) -> None:
        """Writes the file."""
        counts = np.stack(self._counts)  # (frames, videos)
        slots = counts.max(axis=1).astype(np.int64)
        starts = np.cumsum(slots) - slots
        shape = (counts.shape[1], int(slots.sum()))
        offset = np.arange(len(slots), dtype=np.int64) * self._patches
        # Padding has the number after its frame's last patch, as in NVIDIA's code.
        position = np.broadcast_to(np.repeat(offset + self._patches, slots), shape).copy()
        padded = np.ones(shape, np.bool_)
        for frame, numbers in enumerate(self._numbers):
            at = 0
            for video, count in enumerate(counts[frame].tolist()):
                part = numbers[at : at + count]
                place = slice(starts[frame], starts[frame] + count)
                padded[video, place] = part < 0
                position[video, place][part >= 0] = part[part >= 0] + offset[frame]
                at += count
        stored = StoredGaze(
            GazingInfo(position, padded, slots),
            self._scales,
            self._grids,
            np.array(self._times, np.float64),
            self._description,
            np.zeros((0, 6), np.int64) if self._tiling is None else tile_edges(self._tiling),
        )
        self._file.write(gaze_to_bytes(stored, ".npz"))


class MaskWriter:
    """A zip with the masked pixels of each frame as a PNG of one bit, white where masked."""

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
