"""Draws the tables of architecture.md as one picture: ``python docs/draw_architecture.py``.

Each table lists the steps of one path, and where each step runs (the page's thread, the worker, Python, ...).
A path is drawn as lanes, one for each place, with a box for each step and an arrow to the next. The tables
are the only source: a test compares the committed picture with a newly drawn one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path

DOCS = Path(__file__).parent
DOCUMENT = DOCS / "architecture.md"
PICTURE = DOCS / "pictures" / "architecture.svg"

MARGIN, LANE_WIDTH, LANE_GAP = 16, 262, 12
BOX_WIDTH = LANE_WIDTH - 16
TITLE_HEIGHT, LANE_HEAD, BOX_HEIGHT, BOX_GAP = 34, 30, 44, 14

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1c2330; }
  .title { font-size: 17px; font-weight: 650; }
  .place { font-weight: 600; fill: #4a5568; }
  .file { font: 11px ui-monospace, monospace; fill: #4a5568; }
  .lane { fill: #eef1f6; }
  .box { fill: #ffffff; stroke: #9aa7ba; }
  .arrow { fill: none; stroke: #d9730d; stroke-width: 1.5; }
  .head { fill: #d9730d; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e8ebf2; }
    .place, .file { fill: #a3aec2; }
    .lane { fill: #181c25; }
    .box { fill: #232936; stroke: #56617a; }
  }
"""

_SECTION = re.compile(r"^## (?P<title>[^\n]+)\n(?P<body>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(
    r"^\| (?P<number>\d+)\. \*\*(?P<name>[^*]+)\*\* \|(?P<what>[^|]*)\|(?P<place>[^|]*)\|(?P<files>[^|]*)\|$",
    re.MULTILINE,
)
_FILE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Step:
    """One row of a table.

    Attributes:
        number: position in the path, from 1.
        name: in a few words.
        place: where it runs, for instance "worker".
        files: paths from the repository's root.
    """

    number: int
    name: str
    place: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Flow:
    """A table: a title and its steps in order."""

    title: str
    steps: tuple[Step, ...]

    @property
    def places(self) -> list[str]:
        """The lanes, in the order of first use."""
        return list(dict.fromkeys(step.place for step in self.steps))


def flows_of(text: str) -> list[Flow]:
    """The tables of a document that have numbered steps.

    >>> (flow,) = flows_of("## A\\n\\n| 1. **Go** | It goes. | page | `web/main.mjs` |\\n")
    >>> flow.title, flow.steps[0].name, flow.steps[0].files
    ('A', 'Go', ('web/main.mjs',))
    """
    flows = []
    for section in _SECTION.finditer(text):
        steps = tuple(
            Step(int(row["number"]), row["name"], row["place"].strip(), tuple(_FILE.findall(row["files"])))
            for row in _ROW.finditer(section["body"])
        )
        if steps:
            flows.append(Flow(section["title"], steps))
    return flows


def svg_of(flows: Sequence[Flow]) -> str:
    """The picture, as the text of an SVG file."""
    lanes = max(len(flow.places) for flow in flows)
    width = 2 * MARGIN + lanes * LANE_WIDTH + (lanes - 1) * LANE_GAP
    parts: list[str] = []
    top = MARGIN
    for flow in flows:
        height = LANE_HEAD + len(flow.steps) * (BOX_HEIGHT + BOX_GAP) + BOX_GAP
        parts += [_text("title", MARGIN, top + 20, flow.title), *_band(flow, top + TITLE_HEIGHT, height)]
        top += TITLE_HEIGHT + height + MARGIN
    titles = " and ".join(flow.title[0].lower() + flow.title[1:] for flow in flows)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}" role="img">',
            f"<title>{escape(titles[0].upper() + titles[1:])}</title>",
            f"<style>{STYLE}</style>",
            '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto">'
            '<path class="head" d="M0 0 L8 4 L0 8 z" /></marker>',
            *parts,
            "</svg>",
            "",
        ]
    )


def _band(flow: Flow, top: int, height: int) -> Iterator[str]:
    lefts = {place: MARGIN + i * (LANE_WIDTH + LANE_GAP) for i, place in enumerate(flow.places)}
    for place, left in lefts.items():
        yield f'<rect class="lane" x="{left}" y="{top}" width="{LANE_WIDTH}" height="{height}" rx="8" />'
        yield _text("place", left + 12, top + 20, place[0].upper() + place[1:])
    boxes = []
    for index, step in enumerate(flow.steps):
        left, y = lefts[step.place] + 8, top + LANE_HEAD + index * (BOX_HEIGHT + BOX_GAP) + BOX_GAP // 2
        boxes.append((left, y))
        yield f'<rect class="box" x="{left}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6" />'
        yield _text("name", left + 10, y + 18, f"{step.number}. {step.name}")
        names = ", ".join(path.rstrip("/").rsplit("/", 1)[-1] for path in step.files)
        yield _text("file", left + 10, y + 35, names)
    for here, there in pairwise(boxes):
        yield _arrow(here, there)


def _arrow(here: tuple[int, int], there: tuple[int, int]) -> str:
    """From a box to the next: straight down within a lane, else out of its side and down onto the next."""
    (x0, y0), (x1, y1) = here, there
    if x0 == x1:
        path = f"M{x0 + BOX_WIDTH // 2} {y0 + BOX_HEIGHT} V{y1 - 1}"
    else:
        side = x0 + BOX_WIDTH if x1 > x0 else x0
        path = f"M{side} {y0 + BOX_HEIGHT // 2} H{x1 + BOX_WIDTH // 2} V{y1 - 1}"
    return f'<path class="arrow" d="{path}" marker-end="url(#head)" />'


def _text(kind: str, x: int, y: int, text: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(text)}</text>'


def main() -> None:
    """Writes the picture."""
    PICTURE.write_text(svg_of(flows_of(DOCUMENT.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
