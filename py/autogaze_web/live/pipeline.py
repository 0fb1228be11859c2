"""From frames to masks, outputs and numbers in a few lines: inputs, a mask source and outputs that compose.

An input is anything that yields frames, (H, W, 3 or 4) uint8; a mask source is one of ``trace.py``, AutoGaze
for instance, or a function of two frames; an output is anything that takes a ``Packet``.

>>> from autogaze_web.masks.patch_diff import PatchDiff
>>> collected = Collector()
>>> run(synthetic_frames("synthetic-pan", 90, 160, 3), PatchDiff(threshold=0.3), [collected])
3
>>> [packet.report.keyframe for packet in collected.packets]
[True, False, False]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..frames.rgba import Rgba, allocate, as_frame
from ..frames.synthetic import SYNTHETIC_SOURCES
from ..masks.cells import Cells
from ..masks.fixations import Fixations
from ..readout.projection import ReadoutOptions, frame_tokens
from ..readout.token_grids import ImageGrid, Tokens
from .trace import MaskSource
from .view import FrameReport, LiveSettings, LiveView

FrameComparison = Callable[[Rgba, Rgba], Cells | Fixations]
"""Chooses the cells of a frame by the one before it and itself."""


@dataclass(frozen=True)
class Packet:
    """What became of one frame.

    Attributes:
        frame: (H, W, 4) uint8, the input.
        mask: (H, W, 4) uint8, the mask panel.
        output: (H, W, 4) uint8, the output panel.
        cells: what the mask source chose.
        report: the numbers.
    """

    frame: Rgba
    mask: Rgba
    output: Rgba
    cells: Cells | Fixations
    report: FrameReport

    def copy(self) -> Packet:
        """A packet to keep: the images of the original are valid only until the next frame."""
        return replace(self, frame=self.frame.copy(), mask=self.mask.copy(), output=self.output.copy())

    def side_by_side(self) -> Rgba:
        """Input, mask and output in one image (H, 3 W, 4)."""
        return np.concatenate([self.frame, self.mask, self.output], axis=1)

    def tokens(self, grid: ImageGrid, options: ReadoutOptions | None = None) -> Tokens:
        """The tokens of an image grid that the cells touch (``readout.frame_tokens``)."""
        return frame_tokens(self.cells, grid, options)


Output = Callable[[Packet], object]


def packets(
    frames: Iterable[ArrayLike],
    source: MaskSource | FrameComparison | None = None,
    settings: LiveSettings | None = None,
) -> Iterator[Packet]:
    """Processes frames one by one; a change of their size starts over with a keyframe.

    Args:
        frames: (H, W, 3 or 4) uint8 each.
        source: chooses the cells of each frame; a function is given the frame before as well, so the first
            one of a size has none. By default patch-diff with the settings' threshold.
        settings: output, mask and panel.

    Yields:
        A packet per frame, whose images are valid until the next.
    """
    view = LiveView(settings)
    previous: Rgba | None = None
    for image in frames:
        frame = as_frame(image)
        buffer = view.next_frame(*frame.shape[:2])
        buffer[:] = frame
        cells: Cells | Fixations | None = None
        if isinstance(source, MaskSource):
            cells = source.choose(buffer).cells
        elif source is not None:
            known = previous is not None and previous.shape == frame.shape
            cells = source(previous, buffer) if previous is not None and known else Cells.none()
        report = view.process(cells)
        previous = view.frame
        yield Packet(view.frame, view.mask, view.output, view.cells, report)


def run(
    frames: Iterable[ArrayLike],
    source: MaskSource | FrameComparison | None = None,
    outputs: Sequence[Output] = (),
    settings: LiveSettings | None = None,
) -> int:
    """Sends every frame's packet to all outputs; returns the number of frames."""
    count = 0
    for packet in packets(frames, source, settings):
        for output in outputs:
            output(packet)
        count += 1
    return count


@dataclass
class Collector:
    """An output that keeps copies of all packets."""

    packets: list[Packet] = field(default_factory=list)

    def __call__(self, packet: Packet) -> None:
        """Keeps a copy."""
        self.packets.append(packet.copy())


class PngFiles:
    """An output that writes input, mask and output of each frame side by side: ``000000.png`` and so on.

    Needs Pillow.
    """

    def __init__(self, folder: str | Path):
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self.count = 0

    def __call__(self, packet: Packet) -> None:
        """Writes the next file."""
        from PIL import Image

        Image.fromarray(packet.side_by_side()).save(self._folder / f"{self.count:06}.png")
        self.count += 1


def rgba_frames(data: Any, width: int, height: int) -> Iterator[Rgba]:
    """The frames of packed RGBA bytes, one after the other.

    Raises:
        ValueError: if the bytes are not a whole number of frames of that size.
    """
    flat = np.frombuffer(data, np.uint8)
    if width < 1 or height < 1 or flat.size == 0 or flat.size % (width * height * 4):
        raise ValueError(
            f"RGBA frames of {width}x{height} have {4 * width * height} bytes each, got {flat.size} bytes"
        )
    return (as_frame(frame) for frame in flat.reshape(-1, height, width, 4))


def synthetic_frames(source: str, height: int, width: int, count: int) -> Iterator[Rgba]:
    """The first frames of a synthetic source (``synthetic.SYNTHETIC_SOURCES``).

    Raises:
        ValueError: if there is no such source, or for a wrong size.
    """
    if source not in SYNTHETIC_SOURCES:
        raise ValueError(f"synthetic sources are {', '.join(SYNTHETIC_SOURCES)}, got {source!r}")
    frame = allocate(height, width)

    def draw() -> Iterator[Rgba]:
        for index in range(count):
            SYNTHETIC_SOURCES[source](frame, index)
            yield frame

    return draw()


def image_files(paths: Iterable[str | Path]) -> Iterator[Rgba]:
    """Pictures as frames, in the order of the paths. Needs Pillow.

    Raises:
        ValueError: naming the file that is no picture.
    """
    from PIL import Image, UnidentifiedImageError

    for path in paths:
        try:
            with Image.open(path) as picture:
                yield as_frame(np.asarray(picture.convert("RGBA")))
        except (FileNotFoundError, UnidentifiedImageError) as error:
            raise ValueError(f"{path} is no picture that can be read: give a PNG, JPEG or WebP") from error
