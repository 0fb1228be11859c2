"""The command ``batch``: many videos into a folder of results."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..batch import run as batch
from ..batch.engines import Engine, ProcessEngine, SerialEngine, threads_for
from ..batch.job_threads import ThreadEngine
from ..batch.manifest import Entry
from ..batch.settings import GAZING, MASKS, PATCH_DIFF, TRACE, BatchSettings
from ..batch.sources import find_sources
from ..limits import MAX_FRAMES, MAX_STREAMS, printable
from .flags import add_run_flags, command, whole_number
from .progress import BatchLine

DONE, SOME_FAILED, SOME_DAMAGED = 0, 1, 3
MAX_WORKERS = 4096
STREAMS_ON_GPU = 8

_BATCH_HELP = """\
Runs many videos through a mask source and writes, for each, a trace and the gazing_info of its patches
(docs/batch.md). What is there from an earlier run with the same settings is not done again: the file
manifest.jsonl in the folder says what was made of what.

examples:
  autogaze-web batch clips --out results --model ~/AutoGaze --max-tokens 16
      all videos in the folder clips and beneath
  autogaze-web batch 'clips/**/*.mp4' more.txt --out results --masks --workers 2
      what a pattern matches and a list names, with masks, by two processes
  autogaze-web batch clips --out results --model ~/AutoGaze --device cuda --streams 16
      on a GPU, sixteen videos at a time
  autogaze-web batch clips --out results --engine ray --address auto
      on the Ray cluster that this machine belongs to

The exit status is 0 when everything is there, 3 when some videos are damaged and the frames that can be
decoded were processed, 1 when some videos failed, 2 when nothing could be done, and 130 after Ctrl-C.
"""


def add_batch(commands: Any) -> None:
    """Adds the command to the parser's."""
    parser = command(commands, "batch", "many videos into a folder of results", _BATCH_HELP)
    add_sources(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write to")
    parser.add_argument("--masks", action="store_true", help="also write every frame's masked pixels (.zip)")
    parser.add_argument("--workers", type=worker_count, metavar="N", help="processes (1), or Ray tasks")
    parser.add_argument(
        "--streams",
        type=_streams,
        metavar="N",
        help="videos at a time in each process, which a GPU computes as one batch "
        f"({STREAMS_ON_GPU} on a GPU, else 1)",
    )
    parser.add_argument(
        "--engine", choices=("local", "ray"), default="local", help="where the work is done (local)"
    )
    parser.add_argument("--address", metavar="HOST:PORT", help="of the Ray cluster; auto for this machine's")
    parser.add_argument(
        "--segment-frames",
        type=_frames,
        metavar="N",
        help="split videos into segments of N frames, which workers share; in tiles only",
    )
    parser.set_defaults(run=_batch)


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Adds what the commands on many videos take."""
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="a video, a folder, a pattern, an address such as s3://bucket/clips, or a .txt list of them",
    )
    parser.add_argument("--every", type=_frames, default=1, metavar="N", help="process every N-th frame (1)")
    parser.add_argument("--tiles", action="store_true", help="short for --mode tiled")
    add_run_flags(parser)


def settings_of(options: argparse.Namespace, outputs: tuple[str, ...], threads: int | None) -> BatchSettings:
    """The settings that the flags ask for.

    Raises:
        ValueError: if flags contradict each other, or an option's value is wrong.
    """
    given = dict(options.given)
    if options.tiles:
        if given.setdefault("mode", "tiled").strip().lower() == "realtime":
            raise ValueError("--tiles and --mode realtime contradict each other: leave one of them out")
        if options.model == PATCH_DIFF:
            raise ValueError("--tiles needs a model: give --model, or leave --tiles out")
    return BatchSettings(
        options.model,
        given,
        options.frames,
        options.every,
        options.stream,
        outputs,
        threads,
        options.device,
    )


def _batch(options: argparse.Namespace) -> int:
    workers = options.workers or 1
    is_local = options.engine == "local"
    if options.address and is_local:
        raise ValueError("--address is that of a Ray cluster: add --engine ray, or leave it out")
    threads = options.threads
    if threads is None and (workers > 1 or not is_local):
        threads = threads_for(workers) if is_local else 1
    outputs = (TRACE, GAZING, MASKS) if options.masks else (TRACE, GAZING)
    settings = replace(settings_of(options, outputs, threads), streams=_streams_of(options))
    if options.segment_frames and not settings.tiled:
        raise ValueError(
            "--segment-frames needs a model and --tiles: a whole frame continues what was chosen in all "
            "frames before it, so a segment would differ; leave it out"
        )
    sources = find_sources(options.sources, options.out)
    folder = options.out.absolute()
    with batch.exclusive(folder):
        todo = batch.prepare(folder, settings, sources)
        line = BatchLine({source.name: batch.size_of(source) for source in todo.sources})
        summary = batch.Summary(skipped=todo.skipped)
        if todo.sources:
            engine = _engine(options, settings, len(todo.sources), line.frame)
            try:
                summary = batch.run(
                    todo, engine, settings, options.segment_frames, lambda entry: _show(entry, line)
                )
            finally:
                engine.close()
                line.close()
    return _end(summary, folder)


def _engine(
    options: argparse.Namespace, settings: BatchSettings, videos: int, on_frame: Callable[[int], object]
) -> Engine:
    workers = options.workers or 1
    if options.engine == "ray":
        from ..batch.ray_engine import RayEngine

        return RayEngine(settings, options.address, options.workers)
    if not options.segment_frames:
        workers = min(workers, videos)
        settings = replace(settings, streams=min(settings.streams, -(-videos // workers)))
    if workers > 1:
        return ProcessEngine(settings, workers)
    return ThreadEngine(settings, on_frame) if settings.streams > 1 else SerialEngine(settings, on_frame)


def _streams_of(options: argparse.Namespace) -> int:
    """How many videos a process works on at a time.

    Raises:
        ValueError: if there is no such device, or the flags contradict each other.
    """
    streams: int | None = options.streams
    if streams is not None and streams > 1:
        if options.engine == "ray":
            raise ValueError("a Ray task is one video: leave --streams out, or use --workers without Ray")
        if options.model == PATCH_DIFF:
            raise ValueError("--streams needs a model: give --model, or use --workers")
    if streams is None and options.engine == "local" and options.model != PATCH_DIFF:
        from ..native.runtime import is_gpu

        # Without asking for ONNX Runtime where the answer is known.
        return STREAMS_ON_GPU if options.device != "cpu" and is_gpu(options.device) else 1
    return streams or 1


def _show(entry: Entry, line: BatchLine) -> None:
    if entry.message:
        line.message(_sentence(entry))
    line.ended(entry.name)


def _sentence(entry: Entry) -> str:
    return printable(f"{entry.status}: {entry.name}: {entry.message}")


def _end(summary: batch.Summary, folder: Path) -> int:
    """Says what came of it, and what is wrong with what was there before."""
    before = [entry for entry in summary.skipped if entry.message]
    for entry in before:
        print(_sentence(entry), file=sys.stderr)
    counts = {
        "done": len(summary.done),
        "damaged": len(summary.damaged),
        "failed": len(summary.failed),
        "already there": len(summary.skipped),
    }
    text = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    print(f"{printable(str(folder))}: {text}")
    if summary.failed:
        return SOME_FAILED
    return SOME_DAMAGED if summary.damaged or before else DONE


def _frames(text: str) -> int:
    return whole_number(text, 1, MAX_FRAMES)


def _streams(text: str) -> int:
    return whole_number(text, 1, MAX_STREAMS)


def worker_count(text: str) -> int:
    """The value of a flag."""
    return whole_number(text, 1, MAX_WORKERS)
