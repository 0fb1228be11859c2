"""Measures batches: `python tests/bench/batch_bench.py`, or `make bench-batch`. Nothing is asserted.

Prints the table of docs/batch.md: videos a minute by workers and Ray nodes, what a batch costs over its model
alone, a 4K clip in tiles with its peak memory, and the time that ten hours of video would take.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "py"))

from autogaze_web.batch.settings import BatchSettings  # noqa: E402
from autogaze_web.batch.video_job import VideoWorker  # noqa: E402
from autogaze_web.cli.main import main  # noqa: E402
from autogaze_web.files.mp4_writer import encode_mp4  # noqa: E402
from autogaze_web.files.shown_frames import at_rate, shown_frames  # noqa: E402
from autogaze_web.files.video import read_frames  # noqa: E402
from autogaze_web.frames.rgba import as_frame  # noqa: E402
from autogaze_web.live.pipeline import synthetic_frames  # noqa: E402

MODEL = str(ROOT / "site" / "model")
TOKENS = "16"
FLAGS = ("--model", MODEL, "--max-tokens", TOKENS)


def write_video(path: Path, height: int, width: int, frames: int) -> None:
    """A clip of the synthetic pan."""
    images = (frame[..., :3] for frame in synthetic_frames("synthetic-pan", height, width, frames))
    with path.open("w+b") as file:
        encode_mp4(file, shown_frames(at_rate(images, 25)))


def seconds_of(sources: Path, out: Path, *flags: str) -> float:
    """Runs a batch in this process and its workers; returns its time."""
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        status = main(["batch", str(sources), "--out", str(out), *FLAGS, *flags])
    if status:
        raise SystemExit(f"the batch ended with status {status}")
    return time.perf_counter() - start


def model_seconds(sources: Path) -> float:
    """The time of the model alone on the same frames: no decoding, masks, numbers or files."""
    worker = VideoWorker(BatchSettings(MODEL, {"max-gaze-tokens-each-frame": TOKENS}))
    spent = 0.0
    for path in sorted(sources.iterdir()):
        source = worker.source()
        for image in read_frames(path):
            frame = as_frame(image).copy()
            start = time.perf_counter()
            source.choose(frame)
            spent += time.perf_counter() - start
    return spent


@contextlib.contextmanager
def ray_nodes(count: int) -> Iterator[str]:
    """A local cluster of nodes with a CPU each; its address."""
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    for _ in range(count - 1):
        cluster.add_node(num_cpus=1)
    try:
        yield cluster.address
    finally:
        ray.shutdown()
        cluster.shutdown()


def peak_of_4k(clip: Path, out: Path) -> tuple[float, int]:
    """Seconds and peak memory in bytes of a batch of one clip in tiles, in a process of its own."""
    code = (
        "import json, resource, sys, time; from autogaze_web.cli.main import main; "
        "start = time.perf_counter(); main(sys.argv[1:]); print(json.dumps([time.perf_counter() - start, "
        "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024)]))"
    )
    words = ["batch", str(clip), "--out", str(out), "--model", MODEL, "--tiles", "--max-tokens", "1"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words, "--frames-per-clip", "1"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "py")},
    )
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak


def measure(videos: int, frames: int, large_frames: int, folder: Path) -> Iterator[str]:
    """The rows of the table."""
    clips = folder / "clips"
    clips.mkdir()
    write_video(clips / "0.mp4", 240, 426, frames)
    for index in range(1, videos):
        shutil.copy(clips / "0.mp4", clips / f"{index}.mp4")
    seconds_of(clips, folder / "warm", "--frames", "1")
    yield f"| videos of {frames} frames, 426x240, {TOKENS} tokens a frame | {videos} |"
    # One thread in both, so that the second worker has a core of its own.
    one = seconds_of(clips, folder / "one", "--threads", "1")
    two = seconds_of(clips, folder / "two", "--threads", "1", "--workers", "2")
    yield f"| one worker | {60 * videos / one:.0f} videos a minute |"
    yield f"| two workers | {60 * videos / two:.0f} videos a minute, {one / two:.2f} times |"
    whole, alone = seconds_of(clips, folder / "whole"), model_seconds(clips)
    yield f"| time over the model alone | {100 * (whole / alone - 1):.0f} % |"
    hours = 10 * 3600 * 25 * whole / (videos * frames) / 3600
    yield f"| ten hours at 25 frames a second, projected | {hours:.1f} hours |"
    for nodes in (1, 2, 4):
        with ray_nodes(nodes) as address:
            flags = ("--engine", "ray", "--address", address)
            spent = seconds_of(clips, folder / f"ray{nodes}", *flags)
        yield f"| Ray, local nodes: {nodes} | {60 * videos / spent:.0f} videos a minute |"
    large = folder / "large.mp4"
    write_video(large, 2160, 3840, large_frames)
    seconds, peak = peak_of_4k(large, folder / "4k")
    yield (
        f"| {large_frames} frames of 3840x2160 in tiles, 1 token a tile | {seconds / 60:.1f} minutes, "
        f"peak memory {peak / 1e6:.0f} MB |"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, default=12)
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--large-frames", type=int, default=20, help="of the 4K clip (the goal's has 1000)")
    options = parser.parse_args()
    print("| measurement | result |\n| --- | --- |", flush=True)
    with tempfile.TemporaryDirectory() as name:
        for row in measure(options.videos, options.frames, options.large_frames, Path(name)):
            print(row, flush=True)
