"""The commands ``plan`` and ``sweep``: what a batch will take, and which limits to give it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..batch import sweep
from ..batch.preflight import VideoPlan, plan_videos, total
from ..batch.settings import PATCH_DIFF
from ..batch.sources import find_sources
from ..batch.sweep_chart import chart_svg, describe
from ..batch.video_job import VideoWorker, selected
from ..files.atomic_file import check_outputs, write_atomically
from ..files.video import open_clip
from ..limits import MAX_TOKENS, printable
from ..live.settings import LiveSettings
from .batch import add_sources, settings_of, worker_count
from .flags import add_run_flags, command, whole_number
from .progress import ProgressLine

DONE, SOME_FAILED = 0, 1
SWEEP_FRAMES = 32

_PLAN_HELP = """\
Says what autogaze-web batch will take: frames, tiles, tokens, time, memory and output size of each video,
from its header and a sample of a few frames. Nothing is written. The exit status is 1 when a video cannot be
read.

example:
  autogaze-web plan clips --model ~/AutoGaze --tiles --workers 2
"""

_SWEEP_HELP = """\
Runs a video with many limits and measures, for each, tokens, update ratio, PSNR, SSIM and milliseconds; says
which limits are on the frontier of tokens and PSNR, and suggests one (docs/batch.md).

example:
  autogaze-web sweep clip.mp4 --model ~/AutoGaze --out sweep
      writes sweep.csv, sweep.json and sweep.svg
"""


def add_surveys(commands: Any) -> None:
    """Adds the commands to the parser's."""
    plan = command(commands, "plan", "what a batch will take, before it runs", _PLAN_HELP)
    add_sources(plan)
    plan.add_argument("--workers", type=worker_count, default=1, metavar="N", help="processes (1)")
    plan.add_argument("--json", action="store_true", help="print JSON")
    plan.set_defaults(run=_plan)

    parser = command(commands, "sweep", "limits against fidelity on one video", _SWEEP_HELP)
    parser.add_argument("video", help="a video, an animated picture or a still one")
    parser.add_argument(
        "--out", type=Path, metavar="NAME", help="writes NAME.csv, NAME.json and NAME.svg; else a table"
    )
    parser.add_argument(
        "--ratios", type=_ratios, default=[0.02, 0.06, 0.15, 0.4, 0.75], metavar="X,...", help="gazing ratios"
    )
    parser.add_argument(
        "--requirements",
        type=_requirements,
        default=[None, 0.7, 0.4],
        metavar="X,...",
        help="task-loss requirements, or off",
    )
    parser.add_argument(
        "--budgets", type=_budgets, default=[8, 16, 32, 64], metavar="N,...", help="tokens of a frame or tile"
    )
    add_run_flags(parser)
    parser.set_defaults(run=_sweep)


def _plan(options: argparse.Namespace) -> int:
    settings = settings_of(options, (), options.threads)
    sources = find_sources(options.sources)
    plans = plan_videos(VideoWorker(settings), sources)
    everything = total(plans, options.workers)
    if options.json:
        print(json.dumps({"videos": [vars(plan) for plan in plans], "total": vars(everything)}, indent=1))
    else:
        print(_line("video", "size", "frames", "tiles", "most", "tokens", "time", "memory", "output"))
        for plan in (*plans, everything):
            if not plan.message:
                print(_plan_line(plan))
    failed = [plan for plan in plans if plan.message]
    for plan in failed:
        print(printable(f"failed: {plan.name}: {plan.message}"), file=sys.stderr)
    return SOME_FAILED if failed else DONE


def _plan_line(plan: VideoPlan) -> str:
    seconds = round(plan.seconds)
    clock = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    size = f"{plan.width}x{plan.height}" if plan.width else ""
    return _line(
        plan.name,
        size,
        plan.frames,
        plan.tiles,
        plan.most_tokens,
        plan.tokens,
        clock,
        f"{plan.memory / 1e6:.0f} MB",
        f"{plan.output / 1e6:.1f} MB",
    )


def _line(name: str, *columns: object) -> str:
    return f"{printable(name)[:32]:<32} " + " ".join(f"{column!s:>10}" for column in columns)


def _sweep(options: argparse.Namespace) -> int:
    if options.model == PATCH_DIFF:
        raise ValueError("a sweep measures the limits of a model: give --model")
    from ..native.sources import GazeSettings, LoadedModel

    base: Path | None = options.out
    targets = [base.with_name(base.name + suffix) for suffix in (".csv", ".json", ".svg")] if base else []
    check_outputs(targets, [options.video])
    clip = open_clip(options.video, options.stream)
    frames = list(selected(clip.frames(), 1, options.frames or SWEEP_FRAMES))
    settings = sweep.settings_of(options.ratios, options.requirements, options.budgets)
    loaded = LoadedModel.load(options.model, options.threads, options.device)
    gaze = GazeSettings.of(options.given)
    line, measured = ProgressLine(), 0

    def show(_point: sweep.Point) -> None:
        nonlocal measured
        measured += 1
        line.show("settings", measured, len(settings))

    points = sweep.measure(loaded, frames, LiveSettings.of(options.given), gaze, settings, show)
    line.end("settings", measured, len(settings))
    for point in points:
        mark = "*" if point.suggested else "+" if point.on_frontier else " "
        print(f"{mark} {describe(point)}")
    print("+ on the frontier of tokens and PSNR, * suggested")
    if targets:
        source = {"model": options.model, "mode": gaze.mode.mode, "frames": len(frames)}
        contents = (
            sweep.to_csv(points),
            sweep.to_json(points, source),
            chart_svg(points, f"{Path(options.video).name}, {len(frames)} frames"),
        )
        for target, text in zip(targets, contents, strict=True):
            write_atomically(target, text.encode())
    return DONE


def _ratios(text: str) -> list[float]:
    return [_number(word, 1.0) for word in _words(text)]


def _requirements(text: str) -> Sequence[float | None]:
    return [None if word.lower() == "off" else _number(word, float("inf")) for word in _words(text)]


def _budgets(text: str) -> list[int]:
    return [whole_number(word, 1, MAX_TOKENS) for word in _words(text)]


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _number(text: str, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        bound = f"0 to {most:g}" if most < float("inf") else "at least 0"
        raise argparse.ArgumentTypeError(
            f"expected numbers of {bound}, separated by commas, got {text[:80]!r}"
        )
    return value
