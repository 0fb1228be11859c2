"""The options of ``options.json`` as flags of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from .. import options
from ..files import gaze_export
from ..limits import (
    MAX_FRAMES,
    MAX_PANEL_HEIGHT,
    MAX_STREAM,
    MAX_THREADS,
    MAX_UNROLLED_LAYERS,
    shown,
)

PATCH_DIFF = "patch-diff"

_GROUPS = ("mask", "model", "panel", "output")
# Options that only mean something in the page.
_PAGE_ONLY = {
    "mask-source",
    "mask-timing",
    "top-k",
    "backend",
    "load-model",
    "config-url",
    "weights-url",
    "graphs-url",
}


def command(commands: Any, name: str, summary: str, description: str) -> argparse.ArgumentParser:
    """Adds a subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # or a flag of another command is taken for the beginning of one of this
    )
    return parser


def add_option_flags(parser: argparse.ArgumentParser) -> None:
    """Adds a flag for every option that applies to a file and a checkpoint's folder.

    The parsed namespace gets ``given``: the text of each flag by option name, for `options.parse`.
    Aliases work but are not listed.
    """
    parser.set_defaults(given={})
    for group in _GROUPS:
        section = parser.add_argument_group(options.groups()[group])
        for option in options.options().values():
            if option.group == group and option.name not in _PAGE_ONLY:
                _add(section, option)
    for option in options.shorthands().values():
        if option.name != "preset" and not option.note:
            _add(parser, option, listed=False)


def _add(section: Any, option: options.Option, listed: bool = True) -> None:
    metavar = {"integer": "N", "number": "X", "boolean": "true|false"}.get(option.type, "NAME")
    text = f"{option.help} ({option.accepted()})".replace("%", "%%")
    how: dict[str, Any] = {"action": _AddGiven, "dest": "given", "metavar": metavar, "const": option.name}
    section.add_argument(f"--{option.name}", help=text if listed else argparse.SUPPRESS, **how)
    if option.aliases:
        section.add_argument(*(f"--{alias}" for alias in option.aliases), help=argparse.SUPPRESS, **how)


def add_run_flags(parser: argparse.ArgumentParser) -> None:
    """Adds what every command that runs a mask source takes: the model, how it runs, and all options."""
    parser.add_argument(
        "--stream",
        type=stream_number,
        metavar="N",
        help="number of the video stream, counting all streams of the file from 0 (the first video)",
    )
    parser.add_argument("--frames", type=frame_count, metavar="N", help="stop after N frames")
    add_model_flags(parser)
    add_option_flags(parser)


def add_model_flags(parser: argparse.ArgumentParser, required: bool = False) -> None:
    """Adds the model and how it runs.

    Args:
        required: whether there has to be a model; else patch-diff is the default.
    """
    source = (
        "folder with config.json, preprocessor_config.json and model.safetensors; "
        "or the Hugging Face id of a model, such as nvidia/AutoGaze"
    )
    parser.add_argument(
        "--model",
        required=required,
        default=None if required else PATCH_DIFF,
        metavar="DIR|ID" if required else "DIR|ID|patch-diff",
        help=source if required else f"{source}; or patch-diff (the default): cells that changed, no model",
    )
    parser.add_argument(
        "--threads", type=thread_count, metavar="N", help="CPU threads (ONNX Runtime's choice)"
    )
    parser.add_argument(
        "--device",
        choices=("cpu", "cuda", "auto"),
        default="cpu",
        help="what runs the model: cpu (the default), cuda, or auto for cuda where it is installed",
    )


def frame_count(text: str) -> int:
    """The value of a flag."""
    return whole_number(text, 1, MAX_FRAMES)


def thread_count(text: str) -> int:
    """The value of a flag."""
    return whole_number(text, 1, MAX_THREADS)


def step_count(text: str) -> int:
    """The value of a flag."""
    return whole_number(text, 1, MAX_UNROLLED_LAYERS)


def panel_height(text: str) -> int:
    """The value of a flag."""
    return whole_number(text, 1, MAX_PANEL_HEIGHT)


def stream_number(text: str) -> int:
    """The value of a flag."""
    return whole_number(text, 0, MAX_STREAM)


def grid_size(text: str) -> tuple[int, int]:
    """The value of a flag: height and width of a grid."""
    try:
        return gaze_export.grid_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def whole_number(text: str, least: int, most: int) -> int:
    """The value of a flag that is a number within bounds.

    Raises:
        argparse.ArgumentTypeError: in a sentence, for anything else.
    """
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"expected a whole number of {least} to {most}, got {shown(text)}")
    return value


class _AddGiven(argparse.Action):
    """Adds the flag's text to the namespace's ``given``, under the option's name."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        setattr(namespace, self.dest, {**getattr(namespace, self.dest), str(self.const): values})
