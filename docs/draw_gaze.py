"""Draws the README's animation: the built-in model on NVIDIA's example clip: ``python docs/draw_gaze.py``.

It is a WebP, as a GIF of the same pictures, with 256 colours, is seven times as large.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from autogaze_web.files.render import rendered
from autogaze_web.files.video import open_clip
from autogaze_web.live.pipeline import process_frames
from autogaze_web.native.sources import GazeSettings, LoadedModel, gaze_source

ROOT = Path(__file__).resolve().parents[1]
CLIP = ROOT / "tests" / "data" / "example_input.webm"
MODEL = ROOT / "site" / "model"
FRAMES, PANEL_HEIGHT = 32, 200
QUALITY = 82
FILE = "gaze.webp"


def main(folder: Path) -> None:
    """Writes gaze.webp into a folder."""
    source = gaze_source(LoadedModel.load(MODEL), GazeSettings.of({}))
    pictures = [
        (Image.fromarray(picture.image), float(picture.duration or 0))
        for picture in rendered(process_frames(open_clip(CLIP).frames(FRAMES), source), PANEL_HEIGHT)
    ]
    images, seconds = zip(*pictures, strict=True)
    images[0].save(
        folder / FILE,
        save_all=True,
        append_images=images[1:],
        duration=[round(each * 1000) for each in seconds],
        loop=0,
        quality=QUALITY,
        method=6,
    )


if __name__ == "__main__":
    main(Path(*sys.argv[1:]) if sys.argv[1:] else Path(__file__).parent / "pictures")
