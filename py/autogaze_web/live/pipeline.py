"""From frames to masks, outputs and numbers in a few lines: inputs, a mask source and outputs that compose.

An input is anything that yields frames, (H, W, 3 or 4) uint8; a mask source is a `MaskSource`, AutoGaze for
instance, or a function of two frames; an output is anything that takes a `ProcessedFrame`.

>>> from autogaze_web.masks.patch_diff import PatchDiff
>>> collected = Collector()
>>> run(synthetic_frames("synthetic-pan", 90, 160, 3), PatchDiff(threshold=0.3), [collected])
3
>>> [frame.record.keyframe for frame in collected.frames]
[True, False, False]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..frames.rgba import Rgba, allocate, as_frame, copy_into, expect_image
from ..frames.synthetic import SYNTHETIC_SOURCES
from ..frames.timed_frame import TimedFrame
from ..masks.cells import Cells
from ..masks.fixations import Fixations
from ..readout.projection import ReadoutOptions, frame_tokens
from ..readout.token_grids import ImageGrid, Tokens
from .frame_report import FrameReport
from .quality_curve import Curve, QualityCurves
from .record import FrameRecord
from .settings import LiveSettings
from .sources import ComparisonSource, FrameComparison, MaskSource
from .view import LiveView


@dataclass(frozen=True)
class ProcessedFrame:
    """One frame's panels, choice and numbers.

    Attributes:
        frame: (H, W, 4) uint8, the input.
        mask: (H, W, 4) uint8, the mask panel.
        output: (H, W, 4) uint8, the output panel.
        record: what the mask source chose, and the numbers that a trace has.
        report: all numbers of the live view.
        timed_frame: the frame that was processed, with its time.
        curve: quality over tokens, where `process_frames` was given curves and the frame has one.
    """

    frame: Rgba
    mask: Rgba
    output: Rgba
    record: FrameRecord
    report: FrameReport
    timed_frame: TimedFrame
    curve: Curve | None = None

    @property
    def cells(self) -> Cells | Fixations:
        """The cells that the mask source chose."""
        return self.record.choice.cells

    def copy(self) -> ProcessedFrame:
        """A copy with images of its own: those of the original are valid only until the next frame."""
        return replace(self, frame=self.frame.copy(), mask=self.mask.copy(), output=self.output.copy())

    def side_by_side(self) -> Rgba:
        """Input, mask and output in one image (H, 3 W, 4)."""
        return np.concatenate([self.frame, self.mask, self.output], axis=1)

    def tokens(self, grid: ImageGrid, options: ReadoutOptions | None = None) -> Tokens:
        """The tokens of an image grid that the cells touch (``readout.projection.frame_tokens``)."""
        return frame_tokens(self.cells, grid, options)


Output = Callable[[ProcessedFrame], object]


def process_frames(
    frames: Iterable[ArrayLike | TimedFrame],
    source: MaskSource | FrameComparison | None = None,
    settings: LiveSettings | None = None,
    draw_mask: bool = True,
    curves: QualityCurves | None = None,
) -> Iterator[ProcessedFrame]:
    """Processes frames one by one, as the page does; the first one of each size is a keyframe.

    Args:
        frames: (H, W, 3 or 4) uint8 each; a `TimedFrame` where the time should be in the record.
        source: chooses the cells of each frame; a function is called with the previous frame and this one.
            By default patch-diff with the settings' grid and threshold.
        settings: output, mask and panel.
        draw_mask: False leaves the mask panel empty, which saves its time where nobody looks at it.
        curves: measures the quality over the tokens of the frames.

    Yields:
        The result of each frame; its images are valid until the next one.
    """
    view = LiveView(settings, draw_mask)
    source = view.settings.patch_diff if source is None else source
    chooser = source if isinstance(source, MaskSource) else ComparisonSource(source)
    for image in frames:
        timed = image if isinstance(image, TimedFrame) else TimedFrame(np.asarray(image))
        pixels = expect_image(timed.image)
        buffer = view.next_frame(*pixels.shape[:2])
        copy_into(buffer, pixels)
        choice = chooser.choose(buffer)
        if curves:
            curves.prepare(view)
        report = view.process(choice.cells)
        curve = curves.measure(view, report) if curves else None
        time = None if timed.time is None else float(timed.time)
        record = FrameRecord.of(report, choice, time=time)
        yield ProcessedFrame(view.frame, view.mask, view.output, record, report, timed, curve)


def run(
    frames: Iterable[ArrayLike | TimedFrame],
    source: MaskSource | FrameComparison | None = None,
    outputs: Sequence[Output] = (),
    settings: LiveSettings | None = None,
) -> int:
    """Sends every processed frame to all outputs; returns the number of frames."""
    count = 0
    for processed in process_frames(frames, source, settings):
        for output in outputs:
            output(processed)
        count += 1
    return count


@dataclass
class Collector:
    """An output that collects copies of all processed frames."""

    frames: list[ProcessedFrame] = field(default_factory=list)

    def __call__(self, processed: ProcessedFrame) -> None:
        """Appends a copy."""
        self.frames.append(processed.copy())


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


def synthetic_frames(name: str, height: int, width: int, count: int) -> Iterator[Rgba]:
    """The first frames of a synthetic source (``frames.synthetic.SYNTHETIC_SOURCES``).

    Raises:
        ValueError: if there is no such source, or for a wrong size.
    """
    if name not in SYNTHETIC_SOURCES:
        raise ValueError(f"synthetic sources are {', '.join(SYNTHETIC_SOURCES)}, got {name!r}")
    frame = allocate(height, width)

    def draw() -> Iterator[Rgba]:
        for index in range(count):
            SYNTHETIC_SOURCES[name](frame, index)
            yield frame

    return draw()


def image_files(paths: Iterable[str | Path]) -> Iterator[Rgba]:
    """Pictures as frames, in the order of the paths. Needs Pillow.

    Raises:
        ValueError: naming the file that is no picture.
    """
    from PIL import Image

    for path in paths:
        try:
            with Image.open(path) as picture:
                frame = as_frame(np.asarray(picture.convert("RGBA")))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            raise ValueError(f"{path} is not a readable picture: give a PNG, JPEG or WebP") from None
        yield frame
