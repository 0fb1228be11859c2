"""What the live matrix was to reach on an NVIDIA H200, beside what it measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Goal:
    """A time to stay below.

    Attributes:
        what: is measured, for people.
        case: its name in the results, without the plane; or the budget of the model alone.
        key: of the time in the summary, in milliseconds; or the stage of the model alone.
        limit: in milliseconds.
    """

    what: str
    case: str
    key: str
    limit: float


def _frames(size: str, mask_source: str, frames_per_second: float) -> Goal:
    what = f"{size}, {mask_source}: capture to panels, {frames_per_second:g} frames/s"
    return Goal(what, f"{size}, {mask_source}", "p50_total_ms", 1000 / frames_per_second)


def _sweep(size: str, limit: float) -> tuple[Goal, Goal]:
    cases = [f"{size}, all tiles, {rule}" for rule in ("all tokens", "tiles may stop early")]
    first, second = (Goal(f"sweep, {case}", case, "p50_model_ms", limit) for case in cases)
    return first, second


# A camera may give fewer frames per second than the goal names: a frame's median says what is possible.
CAMERA_GOALS = (
    Goal("640x360, autogaze: capture to panels", "640x360, autogaze", "p50_total_ms", 14),
    Goal("1280x720, autogaze: capture to panels", "1280x720, autogaze", "p50_total_ms", 20),
    Goal("1280x720, patch-diff: capture to panels", "1280x720, patch-diff", "p50_total_ms", 20),
    _frames("1920x1080", "autogaze", 40),
    _frames("1920x1080", "patch-diff", 40),
    Goal(
        "1920x1080, autogaze: all but capture, upload, model",
        "1920x1080, autogaze",
        "p50_rest_ms",
        4,
    ),
    Goal("1920x1080, patch-diff: all but capture, upload", "1920x1080, patch-diff", "p50_rest_ms", 5),
    Goal("1280x720, patch-diff: from a frame to its cells", "1280x720, patch-diff", "p50_mask_ms", 1.5),
    Goal("1920x1080, patch-diff: from a frame to its cells", "1920x1080, patch-diff", "p50_mask_ms", 2),
    _frames("3840x2160", "autogaze", 12),
    _frames("3840x2160", "patch-diff", 12),
)
SWEEP_GOALS = (*_sweep("1280x720", 25), *_sweep("1920x1080", 45), *_sweep("3840x2160", 180))
MODEL_GOALS = tuple(
    Goal(f"model alone, {'198' if budget == 'full' else budget} tokens, full context", budget, "model", limit)
    for budget, limit in (("8", 3.0), ("16", 3.5), ("64", 9.0), ("full", 20.0))
)


def plane_goal_lines(measured: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """A line for each goal of a camera that was measured: what, the goal, with pixels=gpu, with pixels=cpu.

    Args:
        measured: summaries of cases.

    Returns:
        Texts; times in milliseconds, bold where the goal is reached. Frames that did not all reach the plane
        that was asked for have none.
    """
    cases = {row["case"]: row for row in measured if _kept_its_plane(row)}
    names = ("{}, pixels=gpu", "{}, pixels=cpu")
    return _lines((goal, [cases.get(name.format(goal.case), {}) for name in names]) for goal in CAMERA_GOALS)


def model_goal_lines(
    measured: Sequence[Mapping[str, Any]], models: Sequence[Mapping[str, Any]]
) -> list[list[str]]:
    """The same for sweeps of tiles and the model alone, whatever did the pixel work: what, goal and time.

    Args:
        measured: summaries of cases.
        models: rows of browser_bench.
    """
    cases = {row["case"]: row for row in measured}
    stages = {
        row["budget"]: row["stages"]
        for row in models
        if row["backend"] == "webgpu" and row["context"] == "full" and "stages" in row
    }
    goals = [(goal, [cases.get(goal.case, {})]) for goal in SWEEP_GOALS]
    return _lines(goals + [(goal, [stages.get(goal.case, {})]) for goal in MODEL_GOALS])


def _lines(goals: Iterable[tuple[Goal, list[Mapping[str, Any]]]]) -> list[list[str]]:
    lines = []
    for goal, rows in goals:
        times = [row.get(goal.key) for row in rows]
        if any(time is not None for time in times):
            lines.append([goal.what, f"{goal.limit:.3g}", *(_against(time, goal.limit) for time in times)])
    return lines


def _kept_its_plane(row: Mapping[str, Any]) -> bool:
    return row["options"].get("pixels") != "gpu" or row["gpu_frames"] == row["processed_frames"]


def _against(time: float | None, limit: float) -> str:
    if time is None:
        return ""
    text = f"{time:.2f}" if time < 10 else f"{time:.1f}"
    # What is shown is judged, so that both agree.
    return f"**{text}**" if float(text) <= limit else text
