"""The default task-loss requirement of a checkpoint, chosen on validation clips.

The criterion: of the requirements tried, the highest (so the one with the fewest tokens) at which the
output's PSNR, averaged over all validation clips, is at least 30 dB; but none above 0.7, NVIDIA's default,
with which the page starts for any model. Frames may take more tokens than the page allows by default, so
that the requirement ends them and not the budget.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autogaze_web.model.processor import AutoGazeImageProcessor
from autogaze_web.native.autogaze import AutoGaze

from .evaluation import REQUIREMENT_BUDGET, Means, Named, mean_of, means_at

REQUIREMENTS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1)
"""In steps of a tenth: what lies between is within what other clips would say."""

AT_LEAST_DB = 30.0

AT_MOST = 0.7


def measure_requirements(
    model_folder: Path, clips: list[Named], say: Callable[[str], None] = print
) -> dict[float, Means]:
    """Tokens a frame, update ratio and PSNR in dB at each requirement, all kinds of motion counting alike."""
    model = AutoGaze.from_pretrained(model_folder, threads=1)
    processor = AutoGazeImageProcessor.from_pretrained(model_folder)
    measured = {}
    for requirement in REQUIREMENTS:
        measured[requirement] = mean_of(
            [means_at(model, processor, named.clips, requirement) for named in clips]
        )
        say(
            f"{requirement}: " + ", ".join(f"{name} {value}" for name, value in measured[requirement].items())
        )
    return measured


def choose(measured: dict[float, Means], at_least: float = AT_LEAST_DB, at_most: float = AT_MOST) -> float:
    """The highest requirement up to ``at_most`` with that PSNR in dB or a better one.

    Raises:
        ValueError: if none has; the message says how near the best one came.
    """
    tried = {requirement: means["psnr"] for requirement, means in measured.items() if requirement <= at_most}
    good = [requirement for requirement, psnr in tried.items() if psnr >= at_least]
    if not good:
        best = max(tried.values(), default=0.0)
        raise ValueError(f"no requirement keeps the output at {at_least} dB: the best has {best:.1f} dB")
    return max(good)


def write_requirement(folder: Path, requirement: float) -> None:
    """Makes it the checkpoint's default: upstream's key of ``config.json``, which says ``fixed`` there."""
    path = folder / "config.json"
    values = json.loads(path.read_text("utf-8"))
    values["has_task_loss_requirement_during_inference"] = True
    config = values["task_loss_requirement_config"]
    config["sample_strategy_during_inference"] = "fixed"
    config["fixed"] = {"task_loss_requirement": requirement}
    path.write_text(json.dumps(values, indent=2) + "\n", "utf-8")


def as_record(measured: dict[float, Means], chosen: float, at_least: float, at_most: float) -> dict[str, Any]:
    """What was measured and chosen, for JSON."""
    return {
        "chosen": chosen,
        "at_least_db": at_least,
        "at_most": at_most,
        "most_tokens": REQUIREMENT_BUDGET,
        "requirements": {str(requirement): means for requirement, means in measured.items()},
    }
