"""What determines the results of a batch, and its fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import options
from ..live.settings import LiveSettings

PATCH_DIFF = "patch-diff"
TRACE, GAZING, MASKS = "trace", "gazing", "masks"
SUFFIXES = {TRACE: ".trace.json", GAZING: ".gazing.npz", MASKS: ".masks.zip"}
"""The outputs of a video by kind: what is added to its name."""

# Raised whenever the same settings lead to other bytes.
_VERSION = 2
# Colours, which no output has, and how often progress is shown.
_WITHOUT_EFFECT = {"palette", "mask-visualization", "blend-alpha", "tile-batch-size"}
_GROUPS = ("mask", "model", "panel", "output")


@dataclass(frozen=True)
class BatchSettings:
    """How each video of a batch is processed.

    Attributes:
        model: a checkpoint's folder, the id of a Hugging Face repository, or ``patch-diff``.
        given: options by name, as given (``options.json``).
        frames: most frames of a video; None for all.
        every: only every N-th frame is processed.
        stream: number of the video stream; None for the first video.
        outputs: kinds of outputs, keys of `SUFFIXES`.
        threads: CPU threads of the model.
        device: what runs the model.
        streams: videos that a process works on at a time; on a GPU they are computed as one batch.
    """

    model: str = PATCH_DIFF
    given: Mapping[str, str] = field(default_factory=dict)
    frames: int | None = None
    every: int = 1
    stream: int | None = None
    outputs: tuple[str, ...] = (TRACE, GAZING)
    threads: int | None = None
    device: str = "cpu"
    streams: int = 1

    def __post_init__(self) -> None:
        LiveSettings.of(self.given)

    @property
    def tiled(self) -> bool:
        """Whether AutoGaze processes frames in tiles."""
        return self.model != PATCH_DIFF and options.parse(self.given)["mode"] != options.REALTIME


def fingerprint(settings: BatchSettings, model_digest: str) -> str:
    """A digest of everything that the results depend on besides the video; hexadecimal.

    Threads, workers, streams and engine do not count, and neither do colours: they change no output.

    Args:
        model_digest: of the checkpoint's files; empty for patch-diff.

    >>> settings = BatchSettings(given={"patch-diff-threshold": "0.3"})
    >>> same = BatchSettings(given={"threshold": "0.30"}, threads=4)
    >>> fingerprint(settings, "") == fingerprint(same, "")
    True
    """
    values = options.parse(settings.given)
    counted = {
        name: value
        for name, value in values.items()
        if options.options()[name].group in _GROUPS and name not in _WITHOUT_EFFECT
    }
    document: dict[str, Any] = {
        "version": _VERSION,
        "options": counted,
        # An option that is not given is the checkpoint's own, which may differ from the default.
        "given": sorted({options.find(name).name for name in settings.given} - _WITHOUT_EFFECT),
        "model": model_digest,
        "device": settings.device if model_digest else "cpu",
        "frames": settings.frames,
        "every": settings.every,
        "stream": settings.stream,
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
