"""How much the checkpoint is worth: its PSNR on held-out clips, beside simpler choices at the same cost.

For each clip the model runs with several budgets of tokens. In every one of these runs each baseline writes,
frame by frame, at least as many pixels as the model did; so each run is a fair comparison at its own update
ratio. What the table gives at 10, 20 and 40 % is read off the lines between the runs; a clip whose runs do
not reach so far, or begin beyond it, gives what its nearest run has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autogaze_web.frames import as_frame
from autogaze_web.model import AutoGaze
from autogaze_web.processor import AutoGazeImageProcessor
from autogaze_web.video import read_frames

from .measure import BASELINES, Clip, baseline_run, gaze_run

RATIOS = (0.1, 0.2, 0.4)
BUDGETS = (6, 12, 25, 50, 80)
REQUIREMENTS = (0.3, 0.5, 0.7, 0.9, 1.1)
METHODS = ("AutoGaze", *BASELINES)

_REQUIREMENT_BUDGET = 50


@dataclass(frozen=True)
class Named:
    """Clips of one kind of motion."""

    kind: str
    clips: list[Clip]


def rendered(corpus: Path, kinds: tuple[str, ...], count: int, frames: int, size: int) -> list[Named]:
    """Clips rendered over held-out pictures."""
    import torch

    from .corpus import read_pictures
    from .render import render_clips

    pictures = read_pictures(corpus, "held-out", 40, 384, "cpu", seed=11)
    named = []
    for number, kind in enumerate(kinds):
        generator = torch.Generator().manual_seed(1000 + number)
        clips = render_clips(pictures, [kind] * count, frames, size, generator)
        arrays = clips.permute(0, 1, 3, 4, 2).contiguous().numpy()
        named.append(Named(kind, [[as_frame(frame) for frame in clip] for clip in arrays]))
    return named


def real(name: str, path: Path, frames: int) -> Named:
    """One real clip: a video file, or a folder of JPEG frames."""
    if path.is_dir():
        from PIL import Image

        images = [np.asarray(Image.open(file)) for file in sorted(path.glob("*.jpg"))[:frames]]
        return Named(name, [[as_frame(image) for image in images]])
    return Named(name, [[as_frame(frame) for frame in read_frames(path, frames)]])


def evaluate(model_folder: Path, clips: list[Named], say: Callable[[str], None] = print) -> dict[str, Any]:
    """All figures, as they go into JSON."""
    model = AutoGaze.from_pretrained(model_folder, threads=1)
    processor = AutoGazeImageProcessor.from_pretrained(model_folder)
    results: dict[str, Any] = {"ratios": list(RATIOS), "kinds": {}, "requirements": {}}
    stops: dict[float, list[dict[str, float]]] = {requirement: [] for requirement in REQUIREMENTS}
    for named in clips:
        curves = [_curve(model, processor, clip) for clip in named.clips]
        at_ratio = {
            str(ratio): {
                method: round(float(np.mean([_read_off(curve, method, ratio) for curve in curves])), 2)
                for method in METHODS
            }
            for ratio in RATIOS
        }
        requirements = {}
        for requirement in REQUIREMENTS:
            runs = [
                gaze_run(model, processor, clip, _REQUIREMENT_BUDGET, requirement) for clip in named.clips
            ]
            mean = {
                name: round(float(np.mean([getattr(run, name) for run in runs])), 4)
                for name in ("tokens", "ratio", "psnr")
            }
            requirements[str(requirement)] = mean
            stops[requirement].append(mean)
        results["kinds"][named.kind] = {
            "clips": len(named.clips),
            "at": at_ratio,
            "requirements": requirements,
            "runs": curves,
        }
        say(f"{named.kind}: " + "; ".join(_sentence(ratio, row) for ratio, row in at_ratio.items()))
    for requirement, rows in stops.items():
        results["requirements"][str(requirement)] = {
            name: round(float(np.mean([row[name] for row in rows])), 4)
            for name in ("tokens", "ratio", "psnr")
        }
    return results


def _curve(model: AutoGaze, processor: AutoGazeImageProcessor, clip: Clip) -> list[dict[str, float]]:
    """A run for each budget: tokens, ratio, and each method's PSNR."""
    curve = []
    for budget in BUDGETS:
        own = gaze_run(model, processor, clip, budget)
        point = {"tokens": own.tokens, "ratio": round(own.ratio, 4), "AutoGaze": round(own.psnr, 3)}
        for name in BASELINES:
            point[name] = round(baseline_run(name, clip, own.pixels).psnr, 3)
        curve.append(point)
    return curve


def _read_off(curve: list[dict[str, float]], method: str, ratio: float) -> float:
    points = sorted((point["ratio"], point[method]) for point in curve)
    return float(np.interp(ratio, [x for x, _ in points], [y for _, y in points]))


def _sentence(ratio: str, row: dict[str, float]) -> str:
    best = max(BASELINES, key=lambda name: row[name])
    return f"{float(ratio):.0%} {row['AutoGaze']:.1f} dB ({best} {row[best]:.1f})"


def averages(results: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Each method's PSNR by ratio, all kinds counting alike."""
    kinds = results["kinds"].values()
    return {
        str(ratio): {
            method: round(float(np.mean([kind["at"][str(ratio)][method] for kind in kinds])), 2)
            for method in METHODS
        }
        for ratio in results["ratios"]
    }
