"""The page's sample clips with its default settings: AutoGaze and every rival at as many pixels.

What runs is the page's own code, natively and once on every frame of a clip; the page plays in real time and
may skip some. A clip that is not as wide as the page's frames is scaled to them by the package, on the page
by the browser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from autogaze_web import options
from autogaze_web.files.video import read_frames
from autogaze_web.frames.resize import resize_bilinear_u8
from autogaze_web.frames.rgba import Rgba, as_frame
from autogaze_web.live.comparison import RIVALS, Comparison, ComparisonSettings
from autogaze_web.live.settings import LiveSettings
from autogaze_web.live.view import LiveView
from autogaze_web.native.sources import GazeSettings, LoadedModel, gaze_source

# What the page uses where the processor does the pixel work: PROCESSOR_WIDTH in web/sources/working_size.mjs.
PAGE_WIDTH = 640
PAGE = {name: options.find(name).default for name in ("max-gaze-tokens-each-frame", "task-loss-requirement")}
"""What the page asks of a model: its default tokens per frame and requirement."""


def compare_samples(
    model_folder: Path, samples: Iterable[Path], say: Callable[[str], None] = print
) -> dict[str, Any]:
    """The figures of each clip by name, ready for JSON (`compared`)."""
    loaded = LoadedModel.load(model_folder, threads=1)
    clips = {}
    for path in samples:
        clips[path.stem] = compared(loaded, page_frames(path))
        say(f"{path.stem}: {clips[path.stem]}")
    return {"options": PAGE, "clips": clips}


def page_frames(path: Path) -> Iterator[Rgba]:
    """The frames of a clip, as wide as the page's."""
    for image in read_frames(path):
        height = round(PAGE_WIDTH * image.shape[0] / image.shape[1])
        yield as_frame(
            image if image.shape[1] == PAGE_WIDTH else resize_bilinear_u8(image, height, PAGE_WIDTH)
        )


def compared(loaded: LoadedModel, frames: Iterable[Rgba]) -> dict[str, float]:
    """A clip's means over all frames but the first one, which is a keyframe.

    Returns:
        ``frames``; ``tokens`` and ``ratio``, AutoGaze's cells and share of the pixels per frame; and the PSNR
        in dB, from the mean squared error, of ``AutoGaze`` and of each rival.
    """
    settings = LiveSettings.of({})
    source = gaze_source(loaded, GazeSettings.of(PAGE))
    view = LiveView(settings, draw_mask=False)
    rivals = {name: Comparison(ComparisonSettings(name), settings) for name in RIVALS}  # type: ignore[arg-type]
    decibels: dict[str, list[float]] = {name: [] for name in ("AutoGaze", *rivals)}
    tokens, ratios = [], []
    for frame in frames:
        report = view.step(frame, source.choose(frame).cells)
        others = {name: rival.step_beside(view, report.mask_pixels) for name, rival in rivals.items()}
        if report.keyframe:
            continue
        tokens.append(report.cells)
        ratios.append(report.mask_ratio)
        decibels["AutoGaze"].append(report.psnr)
        for name, other in others.items():
            decibels[name].append(other.psnr)
    return {
        "frames": len(tokens) + 1,
        "tokens": round(float(np.mean(tokens)), 2),
        "ratio": round(float(np.mean(ratios)), 4),
        **{name: round(mean_psnr(values), 2) for name, values in decibels.items()},
    }


def mean_psnr(decibels: list[float]) -> float:
    """The PSNR of the mean squared error of frames.

    >>> round(mean_psnr([20.0, float("inf")]), 2)
    23.01
    """
    return float(-10 * np.log10(np.mean(10 ** (-np.array(decibels) / 10))))


def samples_table(record: dict[str, Any]) -> str:
    """Markdown: the PSNR of each clip, the best in bold."""
    methods = ("AutoGaze", *RIVALS)
    lines = [
        "PSNR of the output in dB at equal pixels, with the page's default settings; the best in bold.",
        "",
        "| sample | tokens per frame | update ratio | " + " | ".join(methods) + " |",
        "|---|---|---|" + "---|" * len(methods),
    ]
    for name, row in record["clips"].items():
        best = max(row[method] for method in methods)
        cells = [f"**{row[m]:.1f}**" if row[m] == best else f"{row[m]:.1f}" for m in methods]
        lines.append(f"| {name} | {row['tokens']:.1f} | {row['ratio']:.1%} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
