"""Evaluates the checkpoint: its PSNR on held-out clips, compared with simpler choices at the same cost.

The model runs on each clip with several token budgets. In each run every baseline writes, in every frame, at
least as many pixels as the model did, so each run is a fair comparison at its own update ratio. The table's
values at 10, 20 and 40 % are interpolated between the runs. A clip is excluded at a ratio that none of its
runs comes near: where a whole frame changes evenly, as under noise, a few of the largest cells cover it at
once. A clip is also excluded where every method gives an output that is indistinguishable from the input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from autogaze_web.files.video import read_frames
from autogaze_web.frames.rgba import as_frame
from autogaze_web.model.processor import AutoGazeImageProcessor
from autogaze_web.native.autogaze import AutoGaze

from .measure import BASELINES, Clip, Run, baseline_run, gaze_run
from .motion_baseline import MOTION, motion_run

RATIOS = (0.1, 0.2, 0.4)
BUDGETS = (6, 12, 25, 50, 80)
REQUIREMENTS = (0.3, 0.5, 0.7, 0.9, 1.1)
METHODS = ("AutoGaze", *BASELINES, MOTION)

Means = dict[str, float]
"""Tokens per frame, update ratio and PSNR in dB, by name."""

REQUIREMENT_BUDGET = 50
_SLACK = 1.25
_INDISTINGUISHABLE_DB = 50.0
_REAL_FRAMES = 240
_SEEDS = {"held-out": 1000, "validation": 2000}


@dataclass(frozen=True)
class Named:
    """Clips of one kind of motion."""

    kind: str
    clips: list[Clip]


def rendered(
    corpus: Path, kinds: tuple[str, ...], count: int, frames: int, size: int, part: str = "held-out"
) -> list[Named]:
    """Clips rendered from the pictures of a part: ``held-out`` or ``validation``."""
    import torch

    from .corpus import read_pictures
    from .render import render_clips

    pictures = read_pictures(corpus, part, 40, 384, "cpu", seed=11)
    named = []
    for number, kind in enumerate(kinds):
        generator = torch.Generator().manual_seed(_SEEDS[part] + number)
        clips = render_clips(pictures, [kind] * count, frames, size, generator)
        arrays = clips.permute(0, 1, 3, 4, 2).contiguous().numpy()
        named.append(Named(kind, [[as_frame(frame) for frame in clip] for clip in arrays]))
    return named


def real(name: str, path: Path, frames: int) -> Named:
    """A real video, a file or a folder of JPEG frames, cut into clips of ``frames`` consecutive frames."""
    if path.is_dir():
        from PIL import Image

        images = [np.asarray(Image.open(file)) for file in sorted(path.glob("*.jpg"))[:_REAL_FRAMES]]
    else:
        images = list(read_frames(path, _REAL_FRAMES))
    starts = range(0, max(1, len(images) - frames + 1), frames)
    return Named(name, [[as_frame(image) for image in images[at : at + frames]] for at in starts])


def evaluate(
    model_folder: Path, clips: list[Named], say: Callable[[str], None] = print, workers: int = 1
) -> dict[str, Any]:
    """All figures, ready for JSON; measured in this process, or in several worker processes."""
    results: dict[str, Any] = {"ratios": list(RATIOS), "kinds": {}, "requirements": {}}
    stops: dict[float, list[Means]] = {requirement: [] for requirement in REQUIREMENTS}
    each = [(model_folder, clip) for named in clips for clip in named.clips]
    with mapping(workers) as mapped:
        measured = iter(mapped(_measure, each))
        for named in clips:
            curves, at_requirements = zip(*(next(measured) for _ in named.clips), strict=True)
            at_ratio = at_ratios(list(curves))
            requirements = {}
            for requirement in REQUIREMENTS:
                mean = mean_of([means[requirement] for means in at_requirements])
                requirements[str(requirement)] = mean
                stops[requirement].append(mean)
            results["kinds"][named.kind] = {
                "clips": len(named.clips),
                "at": at_ratio,
                "requirements": requirements,
                "runs": list(curves),
            }
            say(f"{named.kind}: " + "; ".join(_sentence(ratio, row) for ratio, row in at_ratio.items()))
    for requirement, rows in stops.items():
        results["requirements"][str(requirement)] = mean_of(rows)
    return results


@contextmanager
def mapping(workers: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """``map`` in this process or in worker processes."""
    if workers == 1:
        yield map
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield pool.map


@cache
def _loaded(folder: Path) -> tuple[AutoGaze, AutoGazeImageProcessor]:
    return AutoGaze.from_pretrained(folder, threads=1), AutoGazeImageProcessor.from_pretrained(folder)


def _measure(job: tuple[Path, Clip]) -> tuple[list[dict[str, float]], dict[float, Means]]:
    """A clip's curve, and its means at each requirement."""
    folder, clip = job
    model, processor = _loaded(folder)
    at_requirements = {
        requirement: means_at(model, processor, [clip], requirement) for requirement in REQUIREMENTS
    }
    return _curve(model, processor, clip), at_requirements


def means_at(
    model: AutoGaze, processor: AutoGazeImageProcessor, clips: list[Clip], requirement: float
) -> Means:
    """Means over clips with a requirement, with a budget that the requirement rarely exhausts."""
    runs = [gaze_run(model, processor, clip, REQUIREMENT_BUDGET, requirement) for clip in clips]
    return mean_of([{"tokens": run.tokens, "ratio": run.ratio, "psnr": run.psnr} for run in runs])


def mean_of(rows: list[Means]) -> Means:
    """The mean of each value."""
    return {name: round(float(np.mean([row[name] for row in rows])), 4) for name in rows[0]}


def _curve(model: AutoGaze, processor: AutoGazeImageProcessor, clip: Clip) -> list[dict[str, float]]:
    """One run per budget: tokens, ratio and the PSNR of each method."""
    curve = []
    for budget in BUDGETS:
        own = gaze_run(model, processor, clip, budget)
        curve.append(_of_model(own) | {name: _of_rival(name, clip, own) for name in METHODS[1:]})
    return curve


def _of_model(run: Run) -> dict[str, float]:
    return {"tokens": run.tokens, "ratio": round(run.ratio, 4), METHODS[0]: round(run.psnr, 3)}


def _of_rival(method: str, clip: Clip, model: Run) -> float:
    """The PSNR of another method that writes as many pixels as the model."""
    rival = motion_run if method == MOTION else partial(baseline_run, method)
    return round(rival(clip, model.pixels).psnr, 3)


def complete(
    results: dict[str, Any],
    model_folder: Path,
    clips: list[Named],
    say: Callable[[str], None] = print,
    workers: int = 1,
) -> dict[str, Any]:
    """An earlier record with the methods that it lacks, each as `evaluate` would have measured it.

    The model runs again with every budget, because the others write as many pixels in each frame as it does.
    What is measured of it has to equal the record.

    Args:
        results: of `evaluate`, made before a method was added.
        model_folder, clips, say, workers: as for `evaluate`.

    Raises:
        ValueError: if the record is of other clips or another checkpoint.
    """
    counted = {named.kind: len(named.clips) for named in clips}
    recorded = {kind: values["clips"] for kind, values in results["kinds"].items()}
    if counted != recorded:
        raise ValueError(
            f"the record is of other clips, {recorded}, not {counted}: evaluate all of them anew"
        )
    each = [
        (model_folder, named.kind, clip, curve)
        for named in clips
        for clip, curve in zip(named.clips, results["kinds"][named.kind]["runs"], strict=True)
    ]
    kinds = {}
    with mapping(workers) as mapped:
        measured = iter(mapped(_completed, each))
        for named in clips:
            curves = [next(measured) for _ in named.clips]
            at_ratio = at_ratios(curves)
            kinds[named.kind] = {**results["kinds"][named.kind], "at": at_ratio, "runs": curves}
            say(f"{named.kind}: " + "; ".join(_sentence(ratio, row) for ratio, row in at_ratio.items()))
    return {**results, "kinds": kinds}


def _completed(job: tuple[Path, str, Clip, list[dict[str, float]]]) -> list[dict[str, float]]:
    """A clip's curve with the methods that it lacks."""
    folder, kind, clip, curve = job
    model, processor = _loaded(folder)
    completed = []
    for budget, point in zip(BUDGETS, curve, strict=True):
        own = gaze_run(model, processor, clip, budget)
        ours = _of_model(own)
        theirs = {name: point[name] for name in ours}
        if ours != theirs:
            raise ValueError(
                f"the record is of another checkpoint or other clips: with {budget} tokens per frame a clip "
                f"of {kind} gave {theirs}, now it gives {ours}: evaluate all of them anew"
            )
        missing = [name for name in METHODS if name not in point]
        completed.append(point | {name: _of_rival(name, clip, own) for name in missing})
    return completed


def at_ratios(curves: list[list[dict[str, float]]]) -> dict[str, dict[str, float | None]]:
    """The PSNR of each method by ratio, averaged over the clips that are not excluded; None without clips."""
    table: dict[str, dict[str, float | None]] = {}
    for ratio in RATIOS:
        reaching = [curve for curve in curves if _reaches(curve, ratio) and _distinguishes(curve, ratio)]
        table[str(ratio)] = {
            method: round(float(np.mean([_read_off(curve, method, ratio) for curve in reaching])), 2)
            if reaching
            else None
            for method in METHODS
        }
    return table


def _reaches(curve: list[dict[str, float]], ratio: float) -> bool:
    ratios = [point["ratio"] for point in curve]
    return min(ratios) <= _SLACK * ratio and max(ratios) * _SLACK >= ratio


def _distinguishes(curve: list[dict[str, float]], ratio: float) -> bool:
    return min(_read_off(curve, method, ratio) for method in METHODS) < _INDISTINGUISHABLE_DB


def _read_off(curve: list[dict[str, float]], method: str, ratio: float) -> float:
    points = sorted((point["ratio"], point[method]) for point in curve)
    return float(np.interp(ratio, [x for x, _ in points], [y for _, y in points]))


def _sentence(ratio: str, row: dict[str, float | None]) -> str:
    own = row["AutoGaze"]
    if own is None:
        return f"{float(ratio):.0%} not reached"
    name, value = max(((name, row[name] or 0.0) for name in METHODS[1:]), key=lambda pair: pair[1])
    return f"{float(ratio):.0%} {own:.1f} dB ({name} {value:.1f})"


def averages(results: dict[str, Any]) -> dict[str, dict[str, float | None]]:
    """Each method's PSNR by ratio, all kinds that reach it counting alike."""
    means: dict[str, dict[str, float | None]] = {}
    for ratio in map(str, results["ratios"]):
        rows = [kind["at"][ratio] for kind in results["kinds"].values()]
        rows = [row for row in rows if row["AutoGaze"] is not None]
        means[ratio] = {
            method: round(float(np.mean([row[method] for row in rows])), 2) if rows else None
            for method in METHODS
        }
    return means
