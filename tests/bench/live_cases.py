"""The cases of `make perf-live`: cameras with grain up to 4K on both planes, and sweeps of all their tiles.

A browser's fake camera plays one file, so a size is a work of its own, measured by one start of the browser.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

from grain_camera import SIZES

CAMERA_FRAMES, CAMERA_WARM_UP = 90, 8
SWEEPS, SWEEP_WARM_UP = 20, 2
SWEEP_SIZES = ((1280, 720), (1920, 1080), (3840, 2160))
# The work of the model alone, which browser_bench measures, and the query of its page.
MODEL_WORK = "model"
MODEL_QUERY = "budgets=8,16,64,full&contexts=full"

_TOKENS, _TILE_TOKENS = 16, 24
# Without this a frame or tile is given all its tokens.
_NO_STOP = {"task-loss-requirement": "off"}


@dataclass(frozen=True)
class LiveCase:
    """What the site is opened with.

    Attributes:
        work: the work to which the case belongs, a camera's size.
        name: of the case in the results.
        options: of the site, without those of the measurement.
        frames: to measure.
        warm_up: frames before them.
    """

    work: str
    name: str
    frames: int
    warm_up: int
    options: dict[str, str] = field(default_factory=dict)

    @property
    def query(self) -> str:
        """The query string of the site's address."""
        measured = {
            "perf-summary-frames": str(self.frames),
            "perf-summary-warmup-frames": str(self.warm_up),
        }
        return urlencode({**self.options, **measured})


def camera_cases(frames: int = CAMERA_FRAMES, warm_up: int = CAMERA_WARM_UP) -> Iterator[LiveCase]:
    """The camera at each size: patch-diff and AutoGaze with 16 tokens, pixels on the GPU and not."""
    gaze = {"max-gaze-tokens-each-frame": str(_TOKENS), "mask-timing": "own", **_NO_STOP}
    for width, height in SIZES:
        size = f"{width}x{height}"
        for pixels in ("gpu", "cpu"):
            for mask_source in ("patch-diff", "autogaze"):
                options = {
                    **_camera(width, height),
                    "mask-source": mask_source,
                    "pixels": pixels,
                    **(gaze if mask_source == "autogaze" else {}),
                }
                yield LiveCase(size, f"{size}, {mask_source}, pixels={pixels}", frames, warm_up, options)


def sweep_cases(sweeps: int = SWEEPS, warm_up: int = SWEEP_WARM_UP) -> Iterator[LiveCase]:
    """Sweeps of all tiles, 24 tokens for each: as the model stops by default, and with all tokens."""
    for width, height in SWEEP_SIZES:
        size = f"{width}x{height}"
        for stops, rule in ((True, {}), (False, _NO_STOP)):
            options = {
                **_camera(width, height),
                "mask-source": "autogaze",
                "mode": "tiled",
                "mask-timing": "own",
                "frames-per-clip": "2",
                "max-gaze-tokens-each-frame": str(_TILE_TOKENS),
                **rule,
            }
            name = f"{size}, all tiles, {'tiles may stop early' if stops else 'all tokens'}"
            yield LiveCase(size, name, sweeps, warm_up, options)


def _camera(width: int, height: int) -> dict[str, str]:
    """Options for a camera of a size, at that size."""
    return {
        "source": "camera",
        "camera-width": str(width),
        "camera-height": str(height),
        "inference-width": str(width),
    }
