"""The choices of a segment's frames, stored until the segments of a video are put together."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..files.atomic_file import atomic_file
from ..frames.rgba import Rgba
from ..masks.choice import Choice, Description
from ..masks.fixations import Fixations


class StoredChoices:
    """A mask source that repeats what was chosen before, from the files of `write_choices`."""

    def __init__(self, description: Description, files: tuple[str, ...]) -> None:
        self._description = description
        self._choices = (choice for file in files for choice in read_choices(Path(file)))

    def describe(self) -> Description:
        """See `live.sources.MaskSource`."""
        return self._description

    def choose(self, _frame: Rgba) -> Choice:
        """See `live.sources.MaskSource`."""
        return next(self._choices)


def write_choices(path: Path, choices: list[Choice]) -> None:
    """Stores choices of tiled frames."""
    cells = [choice.cells for choice in choices]
    fixations = [each for each in cells if isinstance(each, Fixations)]
    assert len(fixations) == len(choices)
    joined = Fixations.concatenate(fixations)
    with atomic_file(path) as file:
        np.savez(
            file,
            start=joined.start,
            end=joined.end,
            parts=joined.parts,
            grid=joined.grid,
            confidence=joined.confidence,
            numbers=np.array([(len(c.cells), c.padded, c.steps) for c in choices], np.int64).reshape(-1, 3),
        )


def read_choices(path: Path) -> list[Choice]:
    """What `write_choices` stored."""
    with np.load(path) as stored:
        fields = [stored[name] for name in ("start", "end", "parts", "grid", "confidence")]
        numbers = stored["numbers"].tolist()
    choices, at = [], 0
    for count, padded, steps in numbers:
        part = Fixations(*(values[at : at + count] for values in fields))
        choices.append(Choice.of(part, padded, steps))
        at += count
    return choices
