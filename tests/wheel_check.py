"""Checks an installed wheel on any system: `python tests/wheel_check.py`, with the extras `[native,video]`.

A batch of two clips by one process and by two is compared byte for byte.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from autogaze_web.cli.main import main
from autogaze_web.files.mp4_writer import write_mp4
from autogaze_web.live.pipeline import synthetic_frames

MODEL = Path(__file__).resolve().parents[1] / "site" / "model"


def results(folder: Path) -> dict[str, bytes]:
    """Everything but the manifest, which has times."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.jsonl"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def check(folder: Path) -> None:
    """Raises unless both runs write the same."""
    frames = np.stack([frame[..., :3].copy() for frame in synthetic_frames("synthetic-pan", 64, 96, 3)])
    (folder / "clips" / "deep").mkdir(parents=True)
    for name in ("first clip.mp4", "deep/second.mp4"):
        write_mp4(folder / "clips" / name, frames, 10)
    for out, workers in (("one", "1"), ("two", "2")):
        flags = ["--model", str(MODEL), "--max-tokens", "7", "--masks", "--workers", workers]
        if main(["batch", str(folder / "clips"), "--out", str(folder / out), *flags]) != 0:
            raise SystemExit(f"the batch of {workers} workers failed")
    written = results(folder / "one")
    if len(written) != 6 or written != results(folder / "two"):
        raise SystemExit(f"the runs differ: {sorted(written)}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        check(Path(name))
