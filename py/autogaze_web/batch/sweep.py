"""Measures how a model's limits trade tokens for fidelity on one video, and finds the frontier."""

from __future__ import annotations

import csv
import io
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..frames.rgba import Rgba
from ..live.pipeline import process_frames
from ..live.quality_curve import Curve, QualityCurves
from ..live.settings import LiveSettings
from ..masks.choice import Choice, Description

if TYPE_CHECKING:
    from ..frames.timed_frame import TimedFrame
    from ..live.sources import MaskSource
    from ..native.sources import GazeSettings, LoadedModel

_BLOCK = 8
_MAX_DB = 100.0  # of equal frames, so that means are finite
# Constants of SSIM for 8-bit values (Wang et al., "Image Quality Assessment", 2004): (0.01 L)^2, (0.03 L)^2.
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


@dataclass(frozen=True)
class Setting:
    """One point to measure.

    Attributes:
        ratio: share of the tokens that a frame may use, 0 .. 1; None if `budget` counts.
        budget: most tokens of a frame or tile; None if `ratio` counts.
        requirement: the task loss at which a frame stops; None for no early stop.
    """

    ratio: float | None
    budget: int | None
    requirement: float | None


@dataclass(frozen=True)
class Point:
    """What a setting came to, as means over the frames.

    Attributes:
        setting: what was measured.
        tokens: of a frame.
        update_ratio: share of the output's pixels that a frame wrote, 0 .. 1; keyframes do not count.
        psnr: of the output against the frame in dB; at most 100, for equal ones.
        ssim: the same as structural similarity, -1 .. 1.
        milliseconds: median time of the model for a frame.
        curve: number of tokens, from 0 on, and the PSNR in dB if each frame of this run had added no more
            than its first so many; the page draws the same of one frame. Empty in tiles, and where the
            output does not accumulate cells.
        on_frontier: whether no other point has more PSNR with as many tokens or fewer.
        suggested: whether it is the frontier's knee.
    """

    setting: Setting
    tokens: float
    update_ratio: float
    psnr: float
    ssim: float
    milliseconds: float
    curve: tuple[tuple[int, float], ...] = ()
    on_frontier: bool = False
    suggested: bool = False


def ssim(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Structural similarity of two images (H, W, 3 or 4): the mean over blocks of 8 x 8 pixels of luma.

    The formula of Wang et al. (2004), with blocks in place of their sliding Gaussian window. A side that is
    no multiple of 8 loses its last pixels; one that is shorter is a block of its own.

    >>> image = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    >>> round(ssim(image, image), 9)
    1.0
    """
    x, y = _blocks(first), _blocks(second)
    mean_x, mean_y = x.mean(axis=1), y.mean(axis=1)
    var_x, var_y = x.var(axis=1), y.var(axis=1)
    covariance = (x * y).mean(axis=1) - mean_x * mean_y
    values = ((2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)) / (
        (mean_x**2 + mean_y**2 + _C1) * (var_x + var_y + _C2)
    )
    return float(values.mean())


def settings_of(
    ratios: Sequence[float], requirements: Sequence[float | None], budgets: Sequence[int]
) -> list[Setting]:
    """Every ratio with every requirement, then every budget without an early stop.

    >>> len(settings_of([0.1, 0.5], [None, 0.7], [16]))
    5
    """
    grid = [Setting(ratio, None, requirement) for ratio in ratios for requirement in requirements]
    return [*grid, *(Setting(None, budget, None) for budget in budgets)]


def measure(
    loaded: LoadedModel,
    frames: Sequence[TimedFrame],
    view: LiveSettings,
    gaze: GazeSettings,
    settings: Sequence[Setting],
    on_point: Callable[[Point], object] | None = None,
) -> list[Point]:
    """Runs the frames with each setting; the points have the frontier and the suggestion.

    Args:
        gaze: mode of the model; its limits are replaced.

    Raises:
        ValueError: if there is no setting, or all frames are keyframes.
    """
    from ..model.tokens import token_budget
    from ..native.sources import gaze_source

    if not settings:
        raise ValueError("a sweep needs a setting: give ratios with requirements, or budgets")
    view = replace(view, psnr=True)
    count = loaded.model.config.tokens_per_frame
    points = []
    for setting in settings:
        limit = setting.budget
        if setting.ratio is not None:
            limit = max(1, token_budget(setting.ratio, count))
        chosen = replace(
            gaze,
            max_tokens=limit,
            task_loss=setting.requirement,
            early_stop=setting.requirement is not None,
        )
        # Cells of tiles come in the order of their confidence, not in that of their choice.
        curves = None if gaze.mode.tiled else QualityCurves(interval=0)
        point = _measured(setting, frames, gaze_source(loaded, chosen), view, curves)
        points.append(point)
        if on_point:
            on_point(point)
    return with_frontier(points)


def with_frontier(points: Sequence[Point]) -> list[Point]:
    """The points, of which the frontier and its knee are marked.

    On the frontier are those with more PSNR than every point of as many tokens or fewer. The knee is the
    point farthest above the line between the frontier's ends, with both axes scaled to 0 .. 1.
    """
    best, frontier = -math.inf, []
    for index in sorted(range(len(points)), key=lambda i: (points[i].tokens, -points[i].psnr)):
        if points[index].psnr > best:
            best = points[index].psnr
            frontier.append(index)
    knee = frontier[_knee([(points[i].tokens, points[i].psnr) for i in frontier])] if frontier else None
    return [
        replace(point, on_frontier=index in frontier, suggested=index == knee)
        for index, point in enumerate(points)
    ]


def to_csv(points: Sequence[Point]) -> str:
    """The points as a table, a line each under a line of names."""
    rows = [_row(point) for point in points]
    for row in rows:
        del row["curve"]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def to_json(points: Sequence[Point], source: Description) -> str:
    """The points as JSON; ``suggested`` names the setting to use."""
    rows = [_row(point) for point in points]
    suggested = next((row for row in rows if row["suggested"]), None)
    return json.dumps({"mask_source": source, "points": rows, "suggested": suggested}, indent=1) + "\n"


def _row(point: Point) -> dict[str, Any]:
    numbers = asdict(point)
    setting = numbers.pop("setting")
    numbers["curve"] = [(count, round(decibels, 4)) for count, decibels in point.curve]
    return {**setting, **{k: round(v, 6) if isinstance(v, float) else v for k, v in numbers.items()}}


def _measured(
    setting: Setting,
    frames: Sequence[TimedFrame],
    source: MaskSource,
    view: LiveSettings,
    curves: QualityCurves | None,
) -> Point:
    timed = _Timed(source)
    tokens, ratios, psnr, similarity = [], [], [], []
    measured: list[Curve] = []
    for processed in process_frames(frames, timed, view, draw_mask=False, curves=curves):
        if processed.curve:
            measured.append(processed.curve)
        tokens.append(len(processed.cells))
        if not processed.record.keyframe:
            ratios.append(processed.record.update_ratio)
            psnr.append(min(processed.record.psnr, _MAX_DB))
            similarity.append(ssim(processed.frame, processed.output))
    if not ratios:
        raise ValueError("a sweep needs at least two frames, of which the second is no keyframe")
    seconds = timed.seconds[1:]  # the first one creates the model's sessions
    return Point(
        setting,
        fmean(tokens),
        fmean(ratios),
        fmean(psnr),
        fmean(similarity),
        1000 * median(seconds),
        mean_curve(measured),
    )


def mean_curve(curves: Sequence[Curve]) -> tuple[tuple[int, float], ...]:
    """The mean of several frames' curves; a frame with fewer tokens counts with its last value.

    >>> mean_curve([[(0, 20.0), (2, 24.0)], [(0, 30.0), (1, 40.0)]])
    ((0, 25.0), (1, 31.0), (2, 32.0))
    """
    if not curves:
        return ()
    counts = sorted({count for curve in curves for count, _ in curve})
    values = [
        np.interp(counts, [count for count, _ in curve], [min(decibels, _MAX_DB) for _, decibels in curve])
        for curve in curves
    ]
    return tuple(zip(counts, np.mean(values, axis=0).tolist(), strict=True))


class _Timed:
    """A mask source whose time is measured."""

    def __init__(self, source: MaskSource) -> None:
        self._source = source
        self.seconds: list[float] = []

    def describe(self) -> Description:
        return self._source.describe()

    def choose(self, frame: Rgba) -> Choice:
        start = time.perf_counter()
        choice = self._source.choose(frame)
        self.seconds.append(time.perf_counter() - start)
        return choice


def _knee(curve: Sequence[tuple[float, float]]) -> int:
    values = np.array(curve, np.float64)
    span = values[-1] - values[0]
    if len(values) < 3 or not span.all():
        return len(values) - 1
    scaled = (values - values[0]) / span
    return int(np.argmax(scaled[:, 1] - scaled[:, 0]))


def _blocks(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(N, 64) luma (BT.601) of the image's blocks."""
    luma = image[..., :3] @ np.array([0.299, 0.587, 0.114])
    rows, columns = (min(_BLOCK, side) for side in luma.shape)
    height, width = luma.shape[0] // rows * rows, luma.shape[1] // columns * columns
    cut = luma[:height, :width].reshape(height // rows, rows, width // columns, columns)
    blocks: NDArray[np.float64] = cut.transpose(0, 2, 1, 3).reshape(-1, rows * columns)
    return blocks
