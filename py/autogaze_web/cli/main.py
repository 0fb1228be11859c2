"""The command line: ``autogaze-web trace | render | export``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..files.exports import metrics_csv, store_bytes, trace_text
from ..files.render import SUFFIXES, rendered, write
from ..files.video import read_frames, video_info
from ..live.pipeline import process_frames
from ..live.record import FrameRecord, FrameRecords
from ..live.sources import ComparisonSource, MaskSource
from ..live.view import LiveSettings
from ..options import Value, parse, requirement
from ..panels.metrics import format_psnr, format_ratio
from ..tiles.inference_mode import InferenceMode
from .flags import add_option_flags
from .progress import ProgressLine, progress

PATCH_DIFF = "patch-diff"

_TRACE_HELP = """\
Runs a video through a mask source and says what it chose of every frame: a line for each frame, or
everything in files (docs/trace.md).

examples:
  autogaze-web trace clip.mp4
      patch-diff, which needs no model
  autogaze-web trace clip.mp4 --model ~/AutoGaze --max-tokens 16 --json trace.json
      AutoGaze from a Hugging Face folder, at most 16 tokens a frame
  autogaze-web trace clip.mp4 --model ~/AutoGaze --task-loss 0.5 --json -
      stop each frame at a predicted loss of 0.5; JSON to the terminal
  autogaze-web trace clip.mp4 --model ~/AutoGaze --mode tiled --max-tokens 24
      every frame in tiles of the model's size, at most 24 tokens in each
  autogaze-web trace clip.mp4 --metrics-csv numbers.csv --store fixations.safetensors
      the numbers of every frame as a table, and the fixations for other AutoGaze tools
"""

_RENDER_HELP = """\
Runs a video through a mask source and draws input | mask | output side by side.

examples:
  autogaze-web render clip.mp4 --out panels.gif
  autogaze-web render clip.mp4 --model ~/AutoGaze --frames 64 --out panels.mp4
  autogaze-web render clip.mp4 --model ~/AutoGaze --out sheet.png
      a .png shows up to eight frames below one another
"""

_EXPORT_HELP = """\
Writes the weight-free ONNX graphs of an architecture, and graphs.json, which describes them (docs/graph.md).
A page needs them for a checkpoint whose config.json differs from the shipped one's.

example:
  autogaze-web export --config ~/AutoGaze/config.json --out graphs
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; errors that a user can mend end in one line and the exit status 2."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, ImportError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autogaze-web", description="AutoGaze: the few patches that matter in each frame of a video."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    trace = _command(commands, "trace", "what is chosen of each frame, as JSON", _TRACE_HELP)
    _add_source(trace)
    trace.add_argument("--json", metavar="OUT", help="JSON file to write; - for the terminal")
    trace.add_argument("--metrics-csv", metavar="OUT", help="numbers of every frame; - for the terminal")
    trace.add_argument(
        "--store",
        metavar="OUT",
        type=Path,
        help="fixations for other AutoGaze tools: a .safetensors or .json file",
    )
    trace.set_defaults(run=_trace)

    render = _command(commands, "render", "input | mask | output as a picture or video", _RENDER_HELP)
    _add_source(render)
    render.add_argument("--out", required=True, type=Path, help=f"file to write: {', '.join(SUFFIXES)}")
    render.add_argument(
        "--panel-height", type=_positive, default=240, metavar="PIXELS", help="of each panel (240)"
    )
    render.set_defaults(run=_render)

    export = _command(commands, "export", "the model's graphs for a browser", _EXPORT_HELP)
    export.add_argument("--config", required=True, type=Path, help="a checkpoint's config.json")
    export.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write to")
    export.add_argument(
        "--frame-steps",
        type=_positive,
        nargs="+",
        metavar="S",
        help="decoder steps of the frame graphs, one graph for each number (2, and what the budget needs)",
    )
    export.set_defaults(run=_export)
    return parser


def _command(commands: Any, name: str, summary: str, description: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    return parser


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", help="a video file; its rotation is honoured")
    parser.add_argument(
        "--model",
        default=PATCH_DIFF,
        metavar="DIR|ID|patch-diff",
        help="folder with config.json, preprocessor_config.json and model.safetensors; "
        "or the Hugging Face id of a model, such as nvidia/AutoGaze; "
        "or patch-diff (the default): cells that changed, no model",
    )
    parser.add_argument("--frames", type=_positive, metavar="N", help="stop after so many frames")
    parser.add_argument("--threads", type=_positive, metavar="N", help="CPU threads (ONNX Runtime's choice)")
    add_option_flags(parser)


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return value


def _source(options: argparse.Namespace) -> MaskSource:
    values = parse(options.given)
    if options.model == PATCH_DIFF:
        return ComparisonSource(LiveSettings.of(values).patch_diff)
    from ..native.sources import autogaze_source

    # Without a flag the checkpoint's own configuration counts, not the page's defaults.
    given = set(options.given)
    loss = requirement(values)
    asked_loss = {
        "task-loss-requirement",
        "task-loss-requirement-db",
        "disable-task-loss-requirement",
    } & given
    line = ProgressLine()
    return autogaze_source(
        options.model,
        max_tokens=_max_tokens(values) if given & {"max-gaze-tokens-each-frame"} else None,
        task_loss=loss if asked_loss else None,
        early_stop=loss is not None or not asked_loss,
        threads=options.threads,
        mode=InferenceMode.of(values),
        on_tiles=lambda tiles: line.show("tiles", tiles.done, tiles.total, rate=False),
    )


def _max_tokens(values: Mapping[str, Value]) -> int | None:
    """None, for no limit but the model's, instead of 0."""
    return int(values["max-gaze-tokens-each-frame"]) or None


def _processed(options: argparse.Namespace, source: MaskSource, bar: bool = True) -> Any:
    info = video_info(options.video)
    total = min(info.frames or options.frames or 0, options.frames or info.frames)
    settings = LiveSettings.of(options.given)
    frames = process_frames(read_frames(options.video, options.frames), source, settings)
    return info, progress(frames, "frames", total) if bar else frames


def _trace(options: argparse.Namespace) -> None:
    if options.store is not None and options.store.suffix.lower() not in (".json", ".safetensors"):
        raise ValueError(f"--store {options.store.name} must end in .safetensors or .json")
    source = _source(options)
    table = not (options.json or options.metrics_csv or options.store)
    info, frames = _processed(options, source, bar=not table)
    description = source.describe()
    records = FrameRecords(None, None)
    height = width = 0
    if table:
        grids = (f"{grid}x{grid}" for grid in description["grids"])
        print(_row("frame", "tokens", *grids, "update", "PSNR"))
    for processed in frames:
        height, width = processed.frame.shape[:2]
        if table:
            print(_summary(processed.record, description["grids"]))
        else:
            records.add(processed.record, description)
    if options.json:
        video = {
            "name": Path(options.video).name,
            "width": width,
            "height": height,
            "frames_per_second": info.frames_per_second,
        }
        _save(options.json, trace_text(records, video))
    if options.metrics_csv:
        _save(options.metrics_csv, metrics_csv(records))
    if options.store:
        options.store.write_bytes(store_bytes(records, options.store.suffix))


def _save(out: str | Path, text: str) -> None:
    if out == "-":
        print(text, end="")
    else:
        Path(out).write_text(text, "utf-8", newline="")


def _summary(record: FrameRecord, grids: Sequence[int]) -> str:
    cells = record.choice.cells
    counts = [int((cells.grid == grid).sum()) for grid in grids]
    update, quality = format_ratio(record.update_ratio), format_psnr(record.psnr)
    return _row(record.index, len(cells), *counts, update, quality)


def _row(*columns: object) -> str:
    return " ".join(f"{column!s:>7}" for column in columns)


def _render(options: argparse.Namespace) -> None:
    if options.out.suffix.lower() not in SUFFIXES:
        raise ValueError(f"--out {options.out.name} must end in {', '.join(SUFFIXES)}")
    info, frames = _processed(options, _source(options))
    write(options.out, rendered(frames, options.panel_height), info.frames_per_second)


def _export(options: argparse.Namespace) -> None:
    from ..model.config import AutoGazeConfig

    config = AutoGazeConfig.from_file(options.config)
    try:
        from ..graph.export import export
    except ModuleNotFoundError as error:
        raise ImportError(f"export needs {error.name}: pip install 'autogaze-web[native]'") from None
    for written in export(config, options.out, options.frame_steps):
        print(f"{written.path}: {written.path.stat().st_size:,} bytes, {written.nodes} nodes")
