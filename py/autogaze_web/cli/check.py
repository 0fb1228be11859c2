"""The command ``check``: whether a checkpoint does what NVIDIA's QUICK_START prints."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..limits import printable
from .flags import PATCH_DIFF, add_model_flags, command

HOLDS, DIFFERS = 0, 1

RELEASED_ID = "nvidia/AutoGaze"
_RELEASED = "These are NVIDIA's weights, so it should hold: please report this."
_OTHER = "That was to be expected unless these are NVIDIA's released weights."

_HELP = """\
Runs NVIDIA's example clip, which comes with this package, through a model, and compares the tokens that it
chooses with the numbers in NVIDIA's QUICK_START. Those are the released model's: other checkpoints differ.
The exit status is 0 when they agree and 1 when they differ.

example:
  autogaze-web check --model ~/AutoGaze
"""


def add_check(commands: Any) -> None:
    """Adds the command to the parser's."""
    parser = command(commands, "check", "does a model do what NVIDIA's QUICK_START says?", _HELP)
    add_model_flags(parser, required=True)
    parser.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    if options.model == PATCH_DIFF:
        raise ValueError("patch-diff has no model to check: give --model the folder or id of a checkpoint")
    from ..native.example_check import check_example, expected, expected_counts
    from ..native.sources import LoadedModel

    loaded = LoadedModel.load(options.model, options.threads, options.device)
    clip, wanted = expected(), expected_counts()
    counts = check_example(loaded.model, loaded.processor)
    name = options.model if not Path(options.model).is_dir() else Path(options.model).resolve().name
    print(
        f"NVIDIA's example clip, {clip['frames']} frames, gazing ratio {clip['gazing_ratio']}, "
        f"task loss requirement {clip['task_loss_requirement']}"
    )
    print(f"expected: {wanted}")
    print(f"{printable(name)}: {counts}")
    difference = counts.difference(wanted)
    if not difference:
        print("It holds: this model chooses as many tokens as NVIDIA's QUICK_START prints.")
        return HOLDS
    print(f"It does not hold. {difference} {_RELEASED if options.model == RELEASED_ID else _OTHER}")
    return DIFFERS
