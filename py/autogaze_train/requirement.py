"""Chooses the default task-loss requirement of a checkpoint on validation clips.

The default is the highest requirement tried, and therefore the one with the fewest tokens, at which the
output's PSNR averages at least 30 dB over all validation clips. It is never above 0.7, which is NVIDIA's
default and the value with which the page starts for any model. Frames can use more tokens than the page
allows by default, so that the requirement ends them and not the budget.
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
"""In steps of 0.1: smaller differences are within the variation between clips."""

AT_LEAST_DB = 30.0

AT_MOST = 0.7


def measure_requirements(
    model_folder: Path, clips: list[Named], say: Callable[[str], None] = print
) -> dict[float, Means]:
    """Tokens per frame, update ratio and PSNR in dB at each requirement, averaged over all kinds."""
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
    """The highest requirement up to ``at_most`` with a PSNR of at least ``at_least`` dB.

    Raises:
        ValueError: if there is none; the message has the best PSNR.
    """
    tried = {requirement: means["psnr"] for requirement, means in measured.items() if requirement <= at_most}
    good = [requirement for requirement, psnr in tried.items() if psnr >= at_least]
    if not good:
        best = max(tried.values(), default=0.0)
        raise ValueError(f"no requirement keeps the output at {at_least} dB: the best has {best:.1f} dB")
    return max(good)


def write_requirement(folder: Path, requirement: float) -> None:
    """Makes a requirement the checkpoint's default, in upstream's ``fixed`` key of ``config.json``."""
    path = folder / "config.json"
    values = json.loads(path.read_text("utf-8"))
    values["has_task_loss_requirement_during_inference"] = True
    config = values["task_loss_requirement_config"]
    config["sample_strategy_during_inference"] = "fixed"
    config["fixed"] = {"task_loss_requirement": requirement}
    path.write_text(json.dumps(values, indent=2) + "\n", "utf-8")


def as_record(measured: dict[float, Means], chosen: float, at_least: float, at_most: float) -> dict[str, Any]:
    """The measurements and the choice, ready for JSON."""
    return {
        "chosen": chosen,
        "at_least_db": at_least,
        "at_most": at_most,
        "most_tokens": REQUIREMENT_BUDGET,
        "requirements": {str(requirement): means for requirement, means in measured.items()},
    }
