"""Evaluates the built-in encoder: how well its decoder rebuilds held-out clips from a share of the tokens.

Each clip is encoded as a stream, as in the page. In every frame, the first included, each way of choosing
gets the same number of tokens: a share of all 265. The rebuilt frames are compared with what the encoder was
given, the clip at 224x224.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogaze_web.encoder.feature_memory import FeatureMemory
from autogaze_web.encoder.processor import SiglipImageProcessor
from autogaze_web.masks.patch_diff import patch_difference
from autogaze_web.model.processor import AutoGazeImageProcessor
from autogaze_web.native.autogaze import AutoGaze
from autogaze_web.native.frame_decoder import FrameDecoder
from autogaze_web.native.siglip import SiglipVisionModel

from .evaluation import Named, mapping
from .measure import Clip
from .policies import GRID

SHARES = (0.05, 0.1, 0.2, 0.4)
METHODS = ("AutoGaze", "patch-diff", "random")
PAGE_TOKENS = 16
"""With what the page starts: at most this many tokens, and the requirement of AutoGaze's config."""

Ids = NDArray[np.int64]
Chooser = Callable[[int], Ids]
"""From a frame's index to the patches that are encoded; called for one frame after the other."""


@dataclass(frozen=True)
class Models:
    """The encoder, its decoder, AutoGaze and their processors."""

    encoder: SiglipVisionModel
    decoder: FrameDecoder
    pixels: SiglipImageProcessor
    gaze: AutoGaze
    gaze_pixels: AutoGazeImageProcessor

    @staticmethod
    def of(encoder: Path, gaze: Path, threads: int | None = None) -> Models:
        """Those in two folders."""
        config = SiglipVisionModel.from_pretrained(encoder, threads=threads)
        side = config.config.image_size
        return Models(
            config,
            FrameDecoder.from_pretrained(encoder, threads=threads),
            SiglipImageProcessor.from_pretrained(encoder),
            AutoGaze.from_pretrained(gaze, threads=threads),
            AutoGazeImageProcessor.from_pretrained(gaze, size=(side, side)),
        )

    @property
    def patches(self) -> int:
        """Number of tokens of a frame."""
        return self.encoder.config.patch_scales.patches


@dataclass(frozen=True)
class Rebuilt:
    """A clip as it was rebuilt.

    Attributes:
        frames: (T, S, S, 3) uint8.
        psnr: in dB, from the mean squared error over all frames.
        tokens: mean number of tokens of a frame.
    """

    frames: NDArray[np.uint8]
    psnr: float
    tokens: float


def rebuild(models: Models, clip: Clip, choose: Chooser) -> Rebuilt:
    """Encodes the chosen patches of a clip frame by frame and rebuilds each frame."""
    pixels = models.pixels(_rgb(clip))
    stream = models.encoder.stream(window=models.decoder.config.window)
    memory = FeatureMemory.of(models.decoder.config)
    rebuilt, errors, tokens = [], [], []
    for t, frame in enumerate(pixels):
        ids = choose(t)
        gaze = {
            "gazing_pos": ids[None],
            "if_padded_gazing": np.zeros((1, ids.size), np.bool_),
            "num_gazing_each_frame": np.array([ids.size]),
        }
        memory.add(stream.step(frame, gaze).last_hidden_state[0], ids)
        image = as_bytes(models.decoder.decode(memory.rows()))
        errors.append(float(np.square(image.astype(np.float64) - as_bytes(frame)).mean()))
        rebuilt.append(image)
        tokens.append(ids.size)
    psnr = 10 * math.log10(255**2 / max(float(np.mean(errors)), 1e-3))
    return Rebuilt(np.stack(rebuilt), psnr, float(np.mean(tokens)))


def as_bytes(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(S, S, 3) uint8 of pixels (3, S, S) in the range -1 .. 1."""
    levels: NDArray[np.uint8] = np.clip(np.rint((np.moveaxis(pixels, 0, -1) + 1) * 127.5), 0, 255).astype(
        np.uint8
    )
    return levels


def chooser(name: str, models: Models, clip: Clip, count: int, requirement: float = -math.inf) -> Chooser:
    """A way of choosing ``count`` tokens of each frame.

    Args:
        name: one of ``METHODS``, or ``all``.
        requirement: task loss at which AutoGaze ends a frame; by default it uses all tokens.
    """
    if name == "AutoGaze":
        video = models.gaze_pixels(_rgb(clip))
        stream = models.gaze.stream(gazing_ratio=1.0, task_loss_requirement=requirement, max_tokens=count)
        return lambda t: _real(stream.step(video[t]))
    if name == "patch-diff":
        return partial(_changed, clip, count, models.patches)
    if name == "random":
        return lambda t: np.random.default_rng(t).permutation(models.patches)[:count]
    return lambda _: np.arange(models.patches)


def page_chooser(models: Models, clip: Clip, keyframe: bool) -> Chooser:
    """What the page starts with.

    Args:
        keyframe: whether all patches of the first frame are encoded.
    """
    requirement = models.gaze.config.task_loss_requirement
    gaze = chooser("AutoGaze", models, clip, PAGE_TOKENS, -math.inf if requirement is None else requirement)

    def choose(t: int) -> Ids:
        chosen = gaze(t)
        return np.arange(models.patches) if keyframe and t == 0 else chosen

    return choose


def _real(gaze: Any) -> Ids:
    chosen: Ids = gaze.gazing_pos[0][~gaze.if_padded_gazing[0]]
    return chosen


def _changed(clip: Clip, count: int, patches: int, t: int) -> Ids:
    """The finest patches that changed most; of the first frame, where none has, by chance."""
    order = np.random.default_rng(0).permutation(GRID * GRID)
    if t:
        order = np.argsort(-patch_difference(clip[t - 1], clip[t], GRID).reshape(-1), kind="stable")
    chosen: Ids = order[:count].astype(np.int64) + (patches - GRID * GRID)
    return chosen


def _rgb(clip: Clip) -> NDArray[np.uint8]:
    return np.stack([frame[..., :3] for frame in clip])


def evaluate_encoder(
    folders: tuple[Path, Path], clips: list[Named], say: Callable[[str], None] = print, workers: int = 1
) -> dict[str, Any]:
    """All figures, ready for JSON: PSNR by kind of motion, share of the tokens and way of choosing.

    Args:
        folders: of the encoder and of AutoGaze.
        workers: processes among which to divide the clips.
    """
    patches = _loaded(folders).patches
    results: dict[str, Any] = {"ratios": list(SHARES), "tokens": _counts(patches), "kinds": {}}
    with mapping(workers) as mapped:
        measured = iter(mapped(_measure, [(folders, clip) for named in clips for clip in named.clips]))
        for named in clips:
            each = [next(measured) for _ in named.clips]
            kind = {"clips": len(each), **_mean_of(each)}
            results["kinds"][named.kind] = kind
            rows = "; ".join(f"{float(share):.0%} {row}" for share, row in kind["at"].items())
            say(f"{named.kind}: all {kind['all tokens']}; {rows}")
    return results


def _counts(patches: int) -> dict[str, int]:
    return {str(share): round(share * patches) for share in SHARES}


@cache
def _loaded(folders: tuple[Path, Path]) -> Models:
    return Models.of(*folders, threads=1)


def _measure(job: tuple[tuple[Path, Path], Clip]) -> dict[str, Any]:
    """The figures of one clip."""
    folders, clip = job
    models = _loaded(folders)

    def by(choose: Chooser) -> Rebuilt:
        return rebuild(models, clip, choose)

    page, keyed = (by(page_chooser(models, clip, keyframe=keyframe)) for keyframe in (False, True))
    return {
        "all tokens": by(chooser("all", models, clip, 0)).psnr,
        "at": {
            share: {method: by(chooser(method, models, clip, count)).psnr for method in METHODS}
            for share, count in _counts(models.patches).items()
        },
        "page": {"tokens": page.tokens, "psnr": page.psnr, "with keyframe": keyed.psnr},
    }


def _mean_of(each: list[Any]) -> Any:
    """The means of equal dictionaries of numbers, with their keys."""
    if isinstance(each[0], dict):
        return {name: _mean_of([one[name] for one in each]) for name in each[0]}
    return round(float(np.mean(each)), 2)


def sheet(models: Models, clip: Clip, frame: int) -> NDArray[np.uint8]:
    """(3 S, 5 S, 3) uint8: a frame of a clip as it was and from all tokens; by method and share of them."""
    pixels = models.pixels(_rgb(clip))
    whole = rebuild(models, clip, chooser("all", models, clip, 0)).frames[frame]
    rows = []
    for number, method in enumerate(METHODS):
        first = (as_bytes(pixels[frame]), whole, np.zeros_like(whole))[number]
        made = [
            rebuild(models, clip, chooser(method, models, clip, round(share * models.patches)))
            for share in SHARES
        ]
        rows.append(np.concatenate([first, *(each.frames[frame] for each in made)], 1))
    return np.concatenate(rows, 0)
