"""Measures batches: `python tests/bench/batch_bench.py`, or `make bench-batch`. Nothing is asserted.

Prints the table of docs/batch.md: videos a minute by workers and Ray nodes, whether all of them wrote the
same bytes, what an interrupted batch does when it is run again, what a batch costs over its model alone, a 4K
clip in tiles with its peak memory, and the time that ten hours of video would take.

Wall-clock times mean something only on an idle machine; CPU times vary less. With ``--rounds N`` what is
compared is run N times in turn, and the shortest times count.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "py"))

from autogaze_web.batch.manifest import DONE  # noqa: E402
from autogaze_web.batch.manifest import NAME as MANIFEST  # noqa: E402
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
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT / "py"), os.environ.get("PYTHONPATH")])),
}
# The last digits of the model's numbers depend on the threads that share its sums, from eight on.
ONE_THREAD = ("--threads", "1")


def write_video(path: Path, height: int, width: int, frames: int) -> None:
    """A clip of the synthetic pan."""
    images = (frame[..., :3] for frame in synthetic_frames("synthetic-pan", height, width, frames))
    with path.open("w+b") as file:
        encode_mp4(file, shown_frames(at_rate(images, 25)))


class Spent(NamedTuple):
    """Seconds on the wall clock, and of all cores together."""

    wall: float
    cpu: float


def least(spent: Iterable[Spent]) -> Spent:
    """The least of each, over rounds."""
    walls, cpus = zip(*spent, strict=True)
    return Spent(min(walls), min(cpus))


def spent_by(sources: Path, out: Path, *flags: str, one_core: bool = False) -> Spent:
    """Runs a batch as a user would, from the start of Python to its end; on one core if that is wanted."""
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "autogaze_web", "batch", str(sources), "--out", str(out), *FLAGS, *flags]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    hold = partial(os.sched_setaffinity, 0, {min(os.sched_getaffinity(0))}) if one_core else None
    subprocess.run(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True, preexec_fn=hold)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(time.perf_counter() - start, cpu)


def spent_here(sources: Path, out: Path, *flags: str) -> Spent:
    """Runs a batch in this process, without what Python and its imports take."""
    shutil.rmtree(out, ignore_errors=True)
    start, cpu = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        status = main(["batch", str(sources), "--out", str(out), *FLAGS, *flags])
    if status:
        raise SystemExit(f"the batch ended with status {status}")
    return Spent(time.perf_counter() - start, time.process_time() - cpu)


def spent_by_model(sources: Path, threads: int | None) -> Spent:
    """The model alone on the same frames, which are decoded: resizing, normalising, running, choosing.

    That leaves out decoding, conversion to RGBA, masks, outputs, numbers and files, and loading the model.
    """
    worker = VideoWorker(BatchSettings(MODEL, {"max-gaze-tokens-each-frame": TOKENS}, threads=threads))
    wall = cpu = 0.0
    for path in sorted(sources.iterdir()):
        source = worker.source()
        for image in read_frames(path):
            frame = as_frame(image)
            start, cpu_start = time.perf_counter(), time.process_time()
            source.choose(frame)
            wall += time.perf_counter() - start
            cpu += time.process_time() - cpu_start
    return Spent(wall, cpu)


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


def digest(out: Path) -> str:
    """Of the names and bytes of all outputs; the manifest also has times."""
    digests = [
        f"{path.relative_to(out)} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    ]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def finished(out: Path) -> int:
    """How many videos the manifest has."""
    manifest = out / MANIFEST
    lines = manifest.read_text().splitlines() if manifest.exists() else []
    # The header has no status, and the last line may be in the making.
    return sum(f'"status": "{DONE}"' in line for line in lines)


def interrupted_batch(sources: Path, out: Path, videos: int) -> tuple[int, int]:
    """Stops a batch with two workers after a third of its videos and runs it again; what each run did."""
    command = [
        sys.executable,
        "-m",
        "autogaze_web",
        "batch",
        str(sources),
        "--out",
        str(out),
        *FLAGS,
        *ONE_THREAD,
    ]
    # A background job of a shell ignores SIGINT, and so would its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    batch = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    while finished(out) < videos // 3 and batch.poll() is None:
        time.sleep(0.05)
    batch.send_signal(signal.SIGINT)
    if batch.wait() != 130:
        raise SystemExit(f"the interrupted batch ended with status {batch.returncode}")
    before = finished(out)
    subprocess.run(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True)
    return before, finished(out) - before


def peak_of_4k(clip: Path, out: Path) -> tuple[float, int]:
    """Seconds and peak memory in bytes of a batch of one clip in tiles, in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--measure-4k", str(clip), str(out)],
        capture_output=True,
        text=True,
        check=True,
        env=ENVIRONMENT,
    )
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak


def measure_4k(clip: str, out: str) -> None:
    """The work of `peak_of_4k`'s process, which prints what it took."""
    start = time.perf_counter()
    flags = ("--model", MODEL, "--tiles", "--max-tokens", "1", "--frames-per-clip", "1")
    main(["batch", clip, "--out", out, *flags])
    seconds = time.perf_counter() - start
    status = Path("/proc/self/status")
    if status.exists():  # on Linux, ru_maxrss begins with the peak of the parent
        match = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        assert match
        peak = int(match[1]) * 1024
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([seconds, peak]))


def measure(videos: int, frames: int, large_frames: int, rounds: int, folder: Path) -> Iterator[str]:
    """The rows of the table."""
    clips = folder / "clips"
    clips.mkdir()
    for index in range(min(videos, 4)):  # clips of four lengths
        write_video(clips / f"{index}.mp4", 240, 426, frames - index)
    for index in range(4, videos):
        shutil.copy(clips / f"{index % 4}.mp4", clips / f"{index}.mp4")
    total = sum(frames - index % 4 for index in range(videos))
    yield f"| videos of about {frames} frames, 426x240, {TOKENS} tokens a frame | {videos} |"
    # The model has one thread in all, so that a second worker has a core of its own. A worker alone uses a
    # second core for what it does beside the model, so it is measured on one core, too.
    can_hold = hasattr(os, "sched_setaffinity")
    rows = [
        (
            spent_by(clips, folder / "held", *ONE_THREAD, one_core=can_hold),
            spent_by(clips, folder / "one", *ONE_THREAD),
            spent_by(clips, folder / "two", *ONE_THREAD, "--workers", "2"),
        )
        for _ in range(rounds)
    ]
    held, one, two = (least(spent) for spent in zip(*rows, strict=True))
    rates = [f"{60 * videos / spent.wall:.0f} videos a minute" for spent in (held, one, two)]
    if can_hold:
        yield f"| one worker on one core | {rates[0]}, {held.cpu:.1f} s of CPU |"
    yield f"| one worker with one thread for the model | {rates[1]}, {one.cpu:.1f} s of CPU |"
    times = [f"{spent.wall / two.wall:.2f}" for spent in (held, one)]
    yield f"| two such workers | {rates[2]}, {' and '.join(times)} times, {two.cpu:.1f} s of CPU |"
    spent_here(clips, folder / "warm", "--frames", "1")
    for threads, flags in ((1, ONE_THREAD), (None, ())):
        pairs = [
            (spent_here(clips, folder / f"whole{threads}", *flags), spent_by_model(clips, threads))
            for _ in range(rounds)
        ]
        whole, alone = (least(spent) for spent in zip(*pairs, strict=True))
        more = [f"{100 * (a / b - 1):.0f} % more" for a, b in zip(whole, alone, strict=True)]
        name = "one thread" if threads else "all cores"
        yield f"| a batch over the model alone, {name} | {more[0]} time, {more[1]} CPU time |"
    yield f"| ten hours at 25 frames a second, projected | {250 * whole.wall / total:.1f} hours |"
    all_nodes = (1, 2, 4) if find_spec("ray") else ()
    if not all_nodes:
        yield "| Ray | not measured, because it is not installed |"
    for nodes in all_nodes:
        with ray_nodes(nodes) as address:
            spent = spent_here(clips, folder / f"ray{nodes}", "--engine", "ray", "--address", address).wall
        yield f"| Ray, local nodes: {nodes} | {60 * videos / spent:.0f} videos a minute |"
    before, after = interrupted_batch(clips, folder / "interrupted", videos)
    yield f"| interrupted after {before} videos, run again | did the other {after} |"
    outs = [folder / name for name in ("held", "one", "two", "whole1", "interrupted")]
    outs += [folder / f"ray{nodes}" for nodes in all_nodes]
    same = len({digest(out) for out in outs}) == 1
    yield f"| results of all runs with one thread | {'the same bytes' if same else 'DIFFERENT'} |"
    large = folder / "large.mp4"
    write_video(large, 2160, 3840, large_frames)
    seconds, peak = peak_of_4k(large, folder / "4k")
    yield (
        f"| {large_frames} frames of 3840x2160 in tiles, 1 token a tile | {seconds / 60:.1f} minutes, "
        f"peak memory {peak / 1e6:.0f} MB |"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, default=100)
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--large-frames", type=int, default=20, help="of the 4K clip (the goal's has 1000)")
    parser.add_argument("--rounds", type=int, default=1, help="of what is compared")
    parser.add_argument("--measure-4k", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure_4k:
        measure_4k(*options.measure_4k)
        sys.exit()
    print("| measurement | result |\n| --- | --- |", flush=True)
    with tempfile.TemporaryDirectory() as name:
        for row in measure(options.videos, options.frames, options.large_frames, options.rounds, Path(name)):
            print(row, flush=True)
