"""The command line: ``autogaze-web trace | render | batch | plan | sweep | check | export``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..files.atomic_file import atomic_file, atomic_folder, check_outputs, write_atomically
from ..files.clip import Clip
from ..files.exports import metrics_csv, store_bytes, trace_text
from ..files.gaze_store import gaze_to_bytes, known_suffix, masks_to_bytes
from ..files.render import SUFFIXES, encode, rendered
from ..files.shown_frames import ASSUMED_RATE
from ..files.stored_gaze import StoredGaze
from ..files.video import open_clip
from ..limits import printable, shown
from ..live.pipeline import ProcessedFrame, process_frames
from ..live.record import FrameRecord, FrameRecords
from ..live.settings import LiveSettings
from ..live.sources import ComparisonSource, MaskSource
from ..panels.metrics import format_psnr, format_ratio
from .batch import add_batch
from .check import add_check
from .flags import PATCH_DIFF, add_run_flags, command, grid_size, panel_height, step_count
from .interrupts import sigterm_interrupts
from .progress import ProgressLine, progress
from .surveys import add_surveys

DONE, FAILED, DAMAGED = 0, 2, 3
_SIGPIPE = 13
_FILE_FLAGS = (
    *("--out", "--json", "--metrics-csv", "--store", "--gazing-info", "--keep-masks", "--model", "--config"),
)

_STATUS_HELP = """
The exit status is 0 when all frames were processed, 3 when the file is damaged or cut off and the frames
that can be decoded were, 2 when nothing was written, and 130 after Ctrl-C.
"""

_TRACE_HELP = """\
Runs a video through a mask source and reports what it chose of every frame: a line for each frame, or
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
  autogaze-web trace clip.mp4 --gazing-info gaze.npz --keep-masks keep.npz --keep-grid 27x27
      the input of a vision encoder, and which patches of its grid to keep (docs/encoder.md)
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
For the config.json of a SigLIP encoder it writes that encoder's graph and encoder_graphs.json, and the graph
of the frame decoder if decoder.json is beside it (docs/encoder.md).

example:
  autogaze-web export --config ~/AutoGaze/config.json --out graphs
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status.

    Errors that a user can mend end in one line and status 2. A damaged file whose good frames were processed
    gives 3, Ctrl-C 130 and SIGTERM 143.
    """
    options = _parser().parse_args(_names_with_dashes(sys.argv[1:] if arguments is None else arguments))
    try:
        with sigterm_interrupts():
            status: int = options.run(options)
    except MemoryError:
        print("error: there is not enough memory: give a smaller video or panel height", file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # whatever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + _SIGPIPE
    except (ValueError, ImportError) as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return FAILED
    except OSError as error:
        # A full disk and a network have no file's name.
        cause = "" if error.filename is None else f"cannot use {shown(error.filename)}: "
        print(f"error: {cause}{printable(error.strerror or str(error))}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt as interrupt:
        print("interrupted", file=sys.stderr)
        return int(getattr(interrupt, "status", 130))
    return status


def _names_with_dashes(arguments: Sequence[str]) -> list[str]:
    """Lets names of files begin with a dash, which argparse takes for flags."""
    words: list[str] = []
    for position, word in enumerate(arguments):
        before = words[-1] if words else ""
        if before == "--":
            return words + list(arguments[position:])
        is_dashed = word[:1] == "-" and word not in ("-", "--", "-h")
        if is_dashed and before in _FILE_FLAGS and (not word.startswith("--") or "." in word):
            words[-1] = f"{before}={word}"
        elif is_dashed and not before.startswith("--") and Path(word).is_file():
            words.append(f"./{word}")
        else:
            words.append(word)
    return words


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autogaze-web", description="AutoGaze: the few patches that matter in each frame of a video."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    trace = command(commands, "trace", "what is chosen of each frame, as JSON", _TRACE_HELP + _STATUS_HELP)
    _add_source(trace)
    trace.add_argument("--json", metavar="OUT", help="JSON file to write; - for the terminal")
    trace.add_argument("--metrics-csv", metavar="OUT", help="numbers of every frame; - for the terminal")
    trace.add_argument(
        "--store",
        metavar="OUT",
        type=Path,
        help="fixations for other AutoGaze tools: a .safetensors or .json file",
    )
    trace.add_argument(
        "--gazing-info",
        metavar="OUT",
        type=Path,
        help="gazing_info for a vision encoder: a .npz or .json file",
    )
    trace.add_argument(
        "--keep-masks",
        metavar="OUT",
        type=Path,
        help="which patches of a grid the cells touch: a .npz or .json file",
    )
    trace.add_argument(
        "--keep-grid",
        metavar="HxW",
        type=grid_size,
        nargs="+",
        default=[(14, 14)],
        help="patches of a frame for --keep-masks, one grid or more (14x14)",
    )
    trace.set_defaults(run=_trace)

    render = command(
        commands, "render", "input | mask | output as a picture or video", _RENDER_HELP + _STATUS_HELP
    )
    _add_source(render)
    render.add_argument("--out", required=True, type=Path, help=f"file to write: {', '.join(SUFFIXES)}")
    render.add_argument(
        "--panel-height", type=panel_height, default=240, metavar="PIXELS", help="of each panel (240)"
    )
    render.set_defaults(run=_render)

    add_batch(commands)
    add_surveys(commands)
    add_check(commands)

    export = command(commands, "export", "the model's graphs for a browser", _EXPORT_HELP)
    export.add_argument("--config", required=True, type=Path, help="a checkpoint's config.json")
    export.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write to")
    export.add_argument(
        "--frame-steps",
        type=step_count,
        nargs="+",
        metavar="S",
        help="decoder steps of the frame graphs, one graph for each number (2 3)",
    )
    export.add_argument(
        "--scales",
        help="of an encoder: pixels per side, for AutoGaze's gaze 32+64+112+224; by default config.json's",
    )
    export.set_defaults(run=_export)
    return parser


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("video", help="a video, an animated picture or a still one")
    add_run_flags(parser)


def _source(options: argparse.Namespace) -> MaskSource:
    if options.model == PATCH_DIFF:
        return ComparisonSource(LiveSettings.of(options.given).patch_diff)
    from ..native.sources import GazeSettings, LoadedModel, gaze_source

    settings = GazeSettings.of(options.given)
    line = ProgressLine()
    return gaze_source(
        LoadedModel.load(options.model, options.threads, options.device),
        settings,
        lambda tiles: line.show("tiles", tiles.done, tiles.total, rate=False),
    )


def _inputs(options: argparse.Namespace) -> list[Path]:
    """The files that a command reads, which no output may replace."""
    model = Path(options.model)
    return [Path(options.video), *(model.iterdir() if model.is_dir() else ())]


def _processed(
    clip: Clip, options: argparse.Namespace, source: MaskSource, bar: bool = True, draw_mask: bool = True
) -> Iterator[ProcessedFrame]:
    settings = LiveSettings.of(options.given)
    frames = process_frames(clip.frames(options.frames), source, settings, draw_mask)
    total = min(clip.expected_frames or options.frames or 0, options.frames or clip.expected_frames)
    return progress(frames, "frames", total) if bar else frames


def _status(clip: Clip, notes: Sequence[str] = ()) -> int:
    """Says what a user should know about a clip that was read, and whether it was whole."""
    for note in [*clip.notes, *notes]:
        print(f"note: {printable(note)}", file=sys.stderr)
    if clip.damage is None:
        return DONE
    damage = printable(clip.damage)
    print(f"warning: {damage}; the frames that can be decoded were processed", file=sys.stderr)
    return DAMAGED


def _trace(options: argparse.Namespace) -> int:
    if options.store is not None and options.store.suffix.lower() not in (".json", ".safetensors"):
        raise ValueError(f"--store {options.store.name} must end in .safetensors or .json")
    arrays = [out for out in (options.gazing_info, options.keep_masks) if out]
    for out in arrays:
        known_suffix(out.suffix)
    outputs = [out for out in (options.json, options.metrics_csv, options.store) if out] + arrays
    check_outputs([out for out in outputs if out != "-"], _inputs(options))
    clip = open_clip(options.video, options.stream)
    source = _source(options)
    description = source.describe()
    records = FrameRecords(None, None)
    height = width = 0
    if not outputs:
        grids = (f"{grid}x{grid}" for grid in description["grids"])
        print(_row("frame", "tokens", *grids, "update", "PSNR"))
    for processed in _processed(clip, options, source, bool(outputs), draw_mask=False):
        height, width = processed.frame.shape[:2]
        if outputs:
            records.add(processed.record, description)
        else:
            print(_summary(processed.record, description["grids"]))
    contents: list[tuple[str | Path, bytes]] = []
    if options.json:
        video = {
            "name": Path(options.video).name,
            "width": width,
            "height": height,
            "frames_per_second": clip.frames_per_second,
        }
        contents.append((options.json, trace_text(records, video).encode()))
    if options.metrics_csv:
        contents.append((options.metrics_csv, metrics_csv(records).encode()))
    if options.store:
        contents.append((options.store, store_bytes(records, options.store.suffix)))
    if arrays:
        gaze = StoredGaze.of_records(records, height, width)
        if options.gazing_info:
            contents.append((options.gazing_info, gaze_to_bytes(gaze, options.gazing_info.suffix)))
        if options.keep_masks:
            masks = masks_to_bytes(gaze, options.keep_grid, options.keep_masks.suffix)
            contents.append((options.keep_masks, masks))
    for out, data in contents:
        if out == "-":
            print(data.decode(), end="")
        else:
            write_atomically(out, data)
    return _status(clip)


def _summary(record: FrameRecord, grids: Sequence[int]) -> str:
    cells = record.choice.cells
    counts = [int((cells.grid == grid).sum()) for grid in grids]
    update, quality = format_ratio(record.update_ratio), format_psnr(record.psnr)
    return _row(record.index, len(cells), *counts, update, quality)


def _row(*columns: object) -> str:
    return " ".join(f"{column!s:>7}" for column in columns)


def _render(options: argparse.Namespace) -> int:
    suffix = options.out.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"--out {options.out.name} must end in {', '.join(SUFFIXES)}")
    check_outputs([options.out], _inputs(options))
    clip = open_clip(options.video, options.stream)
    source = _source(options)
    count = clip.count(options.frames) if suffix == ".png" else 0
    with atomic_file(options.out) as file:
        pictures = rendered(_processed(clip, options, source), options.panel_height)
        notes = encode(file, suffix, pictures, count, clip.time_base)
    if not clip.has_times and suffix != ".png":
        notes.append(f"{clip.path} states no times: it was rendered at {ASSUMED_RATE} frames a second")
    return _status(clip, notes)


def _export(options: argparse.Namespace) -> int:
    from ..encoder.config import is_encoder
    from ..model.config import AutoGazeConfig
    from ..model.graph_choice import MANIFEST

    if is_encoder(options.config):
        return _export_encoder(options)
    if options.scales is not None:
        raise ValueError("--scales is for the config.json of a SigLIP encoder: leave it out for AutoGaze")
    config = AutoGazeConfig.from_file(options.config)
    if options.out.is_dir():
        check_outputs([options.out / MANIFEST], [options.config])
    try:
        from ..graph.export import export
    except ModuleNotFoundError as error:
        raise ImportError(f"export needs {error.name}: pip install 'autogaze-web[native]'") from None
    with atomic_folder(options.out) as folder:
        for written in export(config, folder, options.frame_steps):
            size = written.path.stat().st_size
            print(f"{printable(str(options.out / written.path.name))}: {size:,} bytes, {written.nodes} nodes")
    return DONE


def _export_encoder(options: argparse.Namespace) -> int:
    from ..encoder.config import SiglipConfig
    from ..encoder.frame_decoder import CONFIG_NAME, FrameDecoderConfig
    from ..encoder.graph_files import MANIFEST

    if options.frame_steps is not None:
        raise ValueError("--frame-steps is for AutoGaze's config.json: leave it out for a SigLIP encoder")
    encoder = SiglipConfig.from_file(options.config, scales=options.scales)
    beside = options.config.with_name(CONFIG_NAME)
    decoder = FrameDecoderConfig.from_file(beside) if beside.exists() else None
    if decoder is not None and options.scales is not None and decoder.scales != encoder.scales:
        print(
            f"note: the graph of {CONFIG_NAME} was left out: it is for the scales "
            f"{'+'.join(map(str, decoder.scales))}",
            file=sys.stderr,
        )
        decoder = None
    if options.out.is_dir():
        check_outputs([options.out / MANIFEST], [options.config])
    try:
        from ..graph.export_encoder import export_encoder
    except ModuleNotFoundError as error:
        raise ImportError(f"export needs {error.name}: pip install 'autogaze-web[native]'") from None
    with atomic_folder(options.out) as folder:
        for written in export_encoder(encoder, decoder, folder):
            size = written.path.stat().st_size
            print(f"{printable(str(options.out / written.path.name))}: {size:,} bytes, {written.nodes} nodes")
    return DONE
