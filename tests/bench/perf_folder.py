"""Writes the folder that the perf matrix measures: the site, and in ``perf/`` the cases and their media."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import clips
from PIL import Image

import build_site

PAGES = Path(__file__).parent / "pages"
# Paths in the folder. Chromium's fake camera reads its clip from a file.
PAGE = "perf/matrix.html"
CAMERA = "perf/camera.y4m"
STILL = "perf/still.png"

_SIZE = (1280, 720)
_SOURCES = ("image", "synthetic-pan", "synthetic-pulse", "synthetic-local-motion")
_MODES = ("realtime", "tiled")
_MASK_SOURCES = ("patch-diff", "autogaze")


@dataclass(frozen=True)
class Case:
    """The options that the site is opened with."""

    source: str
    mode: str
    mask_source: str

    @property
    def name(self) -> str:
        """The name of the case in the results."""
        return f"{self.source}, {self.mode}, {self.mask_source}"

    def query(self, frames: int, warm_up: int, **more: str) -> str:
        """The query string of the site's address."""
        options = {
            "source": self.source,
            "mode": self.mode,
            "mask-source": self.mask_source,
            "perf-summary-frames": str(frames),
            "perf-summary-warmup-frames": str(warm_up),
            **more,
        }
        if self.source == "image":
            options["image-url"] = f"./{STILL}"
        return urlencode(options)


def matrix() -> Iterator[Case]:
    """All cases: sixteen, and two with the camera."""
    for mask_source in _MASK_SOURCES:
        for mode in _MODES:
            for source in _SOURCES:
                yield Case(source, mode, mask_source)
        yield Case("camera", "realtime", mask_source)


def copy_pages(folder: Path) -> None:
    """Copies the page that measures cases into the folder."""
    (folder / "perf").mkdir(parents=True, exist_ok=True)
    for page in PAGES.glob("matrix.*"):
        shutil.copy(page, folder / "perf")


def write_work(folder: Path, work: Mapping[str, Any], name: str = "") -> None:
    """Writes what the page measures.

    Args:
        folder: into which the pages were copied.
        work: `cases`, each with a name, a query and a limit in seconds; `benchmark_seconds` for the page's
            own benchmark after them, None for none; `model`, the address of its model, None for the
            built-in one.
        name: with which the page is opened, as `?work=NAME`; by default without.
    """
    file = f"work-{name}.json" if name else "work.json"
    (folder / "perf" / file).write_text(json.dumps(work, indent=1) + "\n", "utf-8")


def make_folder(
    folder: Path,
    cases: Sequence[Case],
    frames: int,
    warm_up: int,
    limit: float,
    model: Path | None = None,
    hardware: bool = False,
    benchmark_seconds: float | None = None,
) -> None:
    """Writes the folder and overwrites files that already exist.

    Args:
        folder: where to write.
        cases: the cases to measure.
        frames: frames to measure in each case.
        warm_up: frames before them that are not measured.
        limit: time limit of a case in seconds.
        model: folder of a checkpoint to use instead of the built-in one, with or without graphs of its own.
        hardware: whether a case without a GPU is an error.
        benchmark_seconds: time for the frames of the page's own benchmark after the cases; None for none.
    """
    shutil.copytree(build_site.DIST, folder, dirs_exist_ok=True)
    more = {"require-hardware-adapter": "true"} if hardware else {}
    if model is not None:
        shutil.copytree(model, folder / "model", ignore=shutil.ignore_patterns(".*"), dirs_exist_ok=True)
        more |= {"config-url": "./model/config.json", "weights-url": "./model/model.safetensors"}
        if (model / "graphs.json").is_file():
            more["graphs-url"] = "./model/"
    copy_pages(folder)
    wanted = [
        {"name": case.name, "query": case.query(frames, warm_up, **more), "limit": limit} for case in cases
    ]
    work = {"cases": wanted, "benchmark_seconds": benchmark_seconds, "model": model and "../model/"}
    write_work(folder, work)
    Image.fromarray(clips.still(1, *_SIZE)[0]).save(folder / STILL)
    clips.write_y4m(folder / CAMERA, clips.moving_square(60, *_SIZE, step=16))
