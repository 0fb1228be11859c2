"""The clips and requests on which the built-in model was run in NVIDIA's code: the same bytes everywhere.

All come from the sixteen frames of NVIDIA's example video that are kept losslessly, 224x224, and from integer
arithmetic on them. So nothing depends on a decoder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import oracle
from numpy.typing import NDArray

Frames = NDArray[np.uint8]


@dataclass(frozen=True)
class Request:
    """Arguments of a generation; None: not given.

    Attributes:
        gazing_ratio: for all frames, or one for each.
        streamed: frame by frame with what was kept, as for a live stream; else all frames in one call.
    """

    gazing_ratio: float | tuple[float, ...] | None
    task_loss_requirement: float | None
    streamed: bool = False


def example() -> Frames:
    """(16,224,224,3): NVIDIA's example video as it is."""
    return oracle.frames_224()


def pan() -> Frames:
    """(4,168,298,3): a camera that moves sideways over a still picture twice as wide; not square."""
    still = example()[0]
    wide = np.concatenate([still, still[:, ::-1]], axis=1)[28:196]
    return np.stack([wide[:, 13 * t : 13 * t + 298] for t in range(4)])


def moving_square() -> Frames:
    """(4,224,224,3): a square of one frame that travels over another, and grain that changes."""
    frames = example()
    clip = np.repeat(frames[12:13, :, ::-1], 4, axis=0).copy()
    y, x = np.mgrid[0:224, 0:224]
    for t, frame in enumerate(clip):
        frame[20 + 12 * t : 76 + 12 * t, 150 - 16 * t : 206 - 16 * t] = frames[5, 80:136, 90:146]
        frame ^= ((x * 7 + y * 13 + t * 29) % 11 == 0).astype(np.uint8)[..., None]
    return clip


CLIPS = {"example": example, "pan": pan, "moving square": moving_square}

REQUESTS = {
    "the config's own": Request(None, None),
    "ten tokens": Request(0.04, None),
    "a tenth of the tokens": Request(0.1, 0.5),
    "a requirement alone": Request(None, 0.8),
    "very strict": Request(0.75, 0.3),
    "another budget each frame": Request((0.06, 0.25, 0.0, 0.4), 0.6),
    "streamed": Request(0.2, 0.7, streamed=True),
}

CASES = {
    f"{clip}, {request}": (clip, request)
    for clip, request in (
        ("example", "the config's own"),
        ("example", "ten tokens"),
        ("example", "a requirement alone"),
        ("example", "streamed"),
        ("pan", "the config's own"),
        ("pan", "a tenth of the tokens"),
        ("pan", "another budget each frame"),
        ("moving square", "the config's own"),
        ("moving square", "very strict"),
        ("moving square", "streamed"),
    )
}
