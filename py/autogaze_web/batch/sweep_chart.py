"""A sweep as a chart (SVG): tokens against PSNR, with the frontier, the suggested setting and its curve."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ..limits import printable
from .sweep import Point, Setting

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 720, 440, 64, 48, 24, 56
_TICKS = 5
_INK, _FRONTIER, _OTHER, _SUGGESTED = "#333", "#0a6", "#999", "#c40"


def chart_svg(points: Sequence[Point], title: str) -> str:
    """The chart; points carry their numbers as tooltips.

    Args:
        title: text above the chart, such as the video's name.
    """
    x_end = max(point.tokens for point in points) * 1.05 or 1.0
    curve = next((point.curve for point in points if point.suggested), ())
    levels = [*(point.psnr for point in points), *(decibels for _, decibels in curve)]
    low, high = min(levels), max(levels)
    margin = max((high - low) * 0.08, 0.5)
    low, high = low - margin, high + margin

    def x(tokens: float) -> float:
        return round(_LEFT + tokens / x_end * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(psnr: float) -> float:
        return round(_TOP + (high - psnr) / (high - low) * (_HEIGHT - _TOP - _BOTTOM), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="12" fill="{_INK}">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        _text(_LEFT, 26, printable(title), size=15),
        _text(_WIDTH / 2, _HEIGHT - 12, "tokens per frame", "middle"),
        _text(_LEFT - 40, _TOP - 10, "PSNR (dB)"),
    ]
    for tick in range(_TICKS + 1):
        tokens, psnr = x_end * tick / _TICKS, low + (high - low) * tick / _TICKS
        parts.append(_line(x(tokens), _TOP, x(tokens), _HEIGHT - _BOTTOM))
        parts.append(_line(_LEFT, y(psnr), _WIDTH - _RIGHT, y(psnr)))
        parts.append(_text(x(tokens), _HEIGHT - _BOTTOM + 18, f"{tokens:.0f}", "middle"))
        parts.append(_text(_LEFT - 8, y(psnr) + 4, f"{psnr:.1f}", "end"))
    frontier = sorted((point.tokens, point.psnr) for point in points if point.on_frontier)
    corners = " ".join(f"{x(tokens)},{y(psnr)}" for tokens, psnr in frontier)
    parts.append(f'<polyline points="{corners}" fill="none" stroke="{_FRONTIER}" stroke-width="2"/>')
    if curve:
        corners = " ".join(f"{x(count)},{y(decibels)}" for count, decibels in curve if count <= x_end)
        parts.append(
            f'<polyline points="{corners}" fill="none" stroke="{_SUGGESTED}" stroke-dasharray="4 3">'
            "<title>the suggested setting, if each frame had added only its first tokens</title></polyline>"
        )
    for point in points:
        colour = _SUGGESTED if point.suggested else _FRONTIER if point.on_frontier else _OTHER
        parts.append(
            f'<circle cx="{x(point.tokens)}" cy="{y(point.psnr)}" r="{7 if point.suggested else 4}" '
            f'fill="{colour}"><title>{escape(describe(point))}</title></circle>'
        )
        if point.suggested:
            anchor = "end" if x(point.tokens) > _WIDTH / 2 else "start"
            shift = -12 if anchor == "end" else 12
            label = f"suggested: {setting_text(point.setting)}"
            parts.append(_text(x(point.tokens) + shift, y(point.psnr) + 20, label, anchor))
    return "\n".join([*parts, "</svg>", ""])


def describe(point: Point) -> str:
    """A point's numbers in a line."""
    return (
        f"{setting_text(point.setting)}: {point.tokens:.1f} tokens, {100 * point.update_ratio:.1f}% updated, "
        f"{point.psnr:.2f} dB, SSIM {point.ssim:.3f}, {point.milliseconds:.1f} ms"
    )


def setting_text(setting: Setting) -> str:
    """A setting in words.

    >>> setting_text(Setting(0.1, None, 0.7)), setting_text(Setting(None, 16, None))
    ('ratio 0.1, requirement 0.7', '16 tokens, requirement off')
    """
    limit = f"{setting.budget} tokens" if setting.ratio is None else f"ratio {setting.ratio:g}"
    return f"{limit}, requirement {'off' if setting.requirement is None else f'{setting.requirement:g}'}"


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#ddd"/>'
