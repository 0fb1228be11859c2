"""The evaluation's figures as a Markdown table and as a plot in SVG."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from .evaluation import METHODS, Means, averages

COLOURS = dict(zip(METHODS, ("#76b900", "#d55e00", "#888888", "#bbbbbb", "#0072b2", "#aa3377"), strict=True))


def table(results: dict[str, Any]) -> str:
    """Markdown: PSNR by kind of motion and update ratio, then tokens by requirement."""
    ratios = [str(ratio) for ratio in results["ratios"]]
    lines = ["PSNR of the output in dB at equal update ratio; the best in bold.", ""]
    lines.append("| motion | ratio | " + " | ".join(METHODS) + " |")
    lines.append("|---|---|" + "---|" * len(METHODS))
    rows: list[tuple[str, Any]] = [("**all, on average**", averages(results))]
    rows += [(kind, values["at"]) for kind, values in results["kinds"].items()]
    for kind, at in rows:
        reached = [ratio for ratio in ratios if at[ratio]["AutoGaze"] is not None]
        for ratio in reached:
            best = max(at[ratio].values())
            cells = [f"**{v:.1f}**" if v == best else f"{v:.1f}" for v in at[ratio].values()]
            name = kind if ratio == reached[0] else ""
            lines.append(f"| {name} | {float(ratio):.0%} | {' | '.join(cells)} |")
        if not reached:
            lines.append(f"| {kind} | not reached |" + " |" * len(METHODS))
    lines += [
        "",
        "Effect of the task-loss requirement, averaged over all kinds (at most 50 tokens per frame).",
        "",
    ]
    return "\n".join(lines) + "\n" + requirement_table(results["requirements"])


def requirement_table(requirements: dict[str, Means]) -> str:
    """Markdown: tokens, update ratio and PSNR by requirement."""
    lines = ["| requirement | tokens per frame | update ratio | PSNR, dB |", "|---|---|---|---|"]
    for requirement, mean in requirements.items():
        lines.append(f"| {requirement} | {mean['tokens']:.1f} | {mean['ratio']:.1%} | {mean['psnr']:.1f} |")
    return "\n".join(lines) + "\n"


def plot(results: dict[str, Any], colours: dict[str, str] = COLOURS) -> str:
    """SVG: one chart per kind of motion, PSNR over the update ratio, one line per method.

    Args:
        results: with ``kinds``, of which each has rows of PSNR by method ``at`` several ratios.
        colours: the methods to show, ``AutoGaze`` among them, and the colours of their lines.
    """
    width, height, across = 220, 170, 4
    reached = {
        kind: {ratio: row for ratio, row in values["at"].items() if row["AutoGaze"] is not None}
        for kind, values in results["kinds"].items()
    }
    charts = [(kind, at) for kind, at in reached.items() if len(at) > 1]
    rows = -(-len(charts) // across)
    total = (across * width, rows * height + 30)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total[0]}" height="{total[1]}" '
        f'viewBox="0 0 {total[0]} {total[1]}" font-family="sans-serif" font-size="10">',
        f'<rect width="{total[0]}" height="{total[1]}" fill="#ffffff"/>',
    ]
    for number, (method, colour) in enumerate(colours.items()):
        x = 20 + 150 * number
        parts.append(f'<path d="M{x} 15h22" stroke="{colour}" stroke-width="2.5"/>')
        parts.append(f'<text x="{x + 28}" y="19">{escape(method)}</text>')
    for number, (kind, at) in enumerate(charts):
        x, y = number % across * width, number // across * height + 30
        parts.append(f'<g transform="translate({x} {y})">{_chart(kind, at, width, height, colours)}</g>')
    return "\n".join([*parts, "</svg>", ""])


def _chart(
    kind: str, at: dict[str, dict[str, float]], width: int, height: int, colours: dict[str, str]
) -> str:
    left, right, top, bottom = 34, width - 12, 22, height - 26
    values = [row[method] for row in at.values() for method in colours]
    low, high = min(values) - 0.5, max(values) + 0.5
    ratios = [float(ratio) for ratio in at]
    start = min(ratios) / 2

    def place(ratio: float, value: float) -> str:
        x = left + (right - left) * (ratio - start) / (max(ratios) - start)
        return f"{x:.1f} {bottom - (bottom - top) * (value - low) / (high - low):.1f}"

    parts = [
        f'<text x="{left}" y="14" font-weight="bold">{escape(kind)}</text>',
        f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="#999999"/>',
        f'<text x="{left - 4}" y="{top + 8}" text-anchor="end">{high:.0f} dB</text>',
        f'<text x="{left - 4}" y="{bottom}" text-anchor="end">{low:.0f}</text>',
    ]
    for ratio in ratios:
        x = place(ratio, low).split()[0]
        parts.append(f'<text x="{x}" y="{bottom + 13}" text-anchor="middle">{ratio:.0%}</text>')
    for method, colour in reversed(colours.items()):
        points = [place(float(ratio), row[method]) for ratio, row in at.items()]
        parts.append(f'<path d="M{"L".join(points)}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
    return "".join(parts)
