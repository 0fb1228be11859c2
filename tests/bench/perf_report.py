"""The results of the perf matrix: plausibility checks, a Markdown table and an SVG chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

Summary = Mapping[str, Any]

_ROW, _LABEL, _BAR, _FOOT = 26, 330, 420, 34
_SPREADS = ("total", "model")
_RATIOS = ("avg_mask_update_ratio", "avg_output_update_ratio", "latest_mask_update_ratio")


def problems(summary: Summary, hardware: bool = False) -> list[str]:
    """The implausible values in a summary, as sentences; an empty list if there are none.

    Args:
        summary: what the page reports (docs/benchmarking.md).
        hardware: whether the model must have run on a hardware adapter.
    """
    found = []
    if summary["processed_frames"] != summary["target_frames"]:
        found.append(f"{summary['processed_frames']} frames, not {summary['target_frames']}")
    for name in _SPREADS:
        times = [summary[f"{rank}_{name}_ms"] for rank in ("p50", "p95", "p99", "max")]
        if None in times:
            if name == "total" or summary["avg_tokens"] is not None:
                found.append(f"no {name} times")
        elif times != sorted(times) or times[0] < 0:
            found.append(f"{name} times are not in order: {times}")
    for name in _RATIOS:
        value = summary[name]
        if value is not None and not 0 <= value <= 1:
            found.append(f"{name} is {value}")
    if summary["latest_psnr_infinite"] and summary["latest_psnr_db"] is not None:
        found.append("PSNR is infinite and a number")
    if hardware and summary["avg_tokens"] is not None and not summary["backend"].startswith("WebGPU"):
        found.append(f"the model ran on {summary['backend']}")
    on_gpu = summary.get("gpu_frames", 0)
    if (
        hardware
        and summary.get("options", {}).get("pixels") == "gpu"
        and on_gpu < summary["processed_frames"]
    ):
        found.append(f"the graphics card did the pixel work of {on_gpu} frames")
    return found


def common_options(rows: Sequence[Summary]) -> dict[str, Any]:
    """The options that have the same value in all cases."""
    first, *others = (row["options"] for row in rows)
    return {name: value for name, value in first.items() if all(o.get(name) == value for o in others)}


def without_options(row: Summary, common: Mapping[str, Any]) -> dict[str, Any]:
    """A case without the options that all cases share."""
    own = {name: value for name, value in row["options"].items() if name not in common}
    return {**row, "options": own}


def table(rows: Sequence[Summary]) -> str:
    """The cases as a Markdown table."""
    head = ("case", "size", "ms per frame, p50", "p95", "max", "frames/s", "model ms, p50", "p95", "age")
    head += ("cells", "masked", "PSNR dB", "backend")
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join(['---'] * len(head))} |"]
    for row in rows:
        cells = [
            row["case"],
            f"{row['latest_width']}x{row['latest_height']}",
            *(_number(row[f"{rank}_total_ms"]) for rank in ("p50", "p95", "max")),
            _number(row["measured_fps"]),
            *(_number(row[f"{rank}_model_ms"]) for rank in ("p50", "p95")),
            _number(row["avg_mask_age_frames"]),
            _number(row["avg_cells"]),
            f"{row['avg_mask_update_ratio'] * 100:.1f} %",
            "equal" if row["ema_psnr_infinite"] else _number(row["ema_psnr_db"]),
            row["backend"],
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def chart(rows: Sequence[Summary], title: str) -> str:
    """An SVG bar chart: median and 95th percentile of the time per frame, one bar per case."""
    most = max(row["p95_total_ms"] for row in rows) or 1
    width, height = _LABEL + _BAR + 130, _FOOT + _ROW * (len(rows) + 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        ' font-family="system-ui, sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="20" font-weight="600">{escape(title)}</text>',
    ]
    for index, row in enumerate(rows):
        top = _FOOT + index * _ROW
        p50, p95 = (row[f"{rank}_total_ms"] for rank in ("p50", "p95"))
        parts += [
            f'<text x="{_LABEL - 10}" y="{top + 15}" text-anchor="end">{escape(row["case"])}</text>',
            f'<rect x="{_LABEL}" y="{top + 3}" width="{_BAR * p95 / most:.1f}" height="16" fill="#dcb8ea"/>',
            f'<rect x="{_LABEL}" y="{top + 3}" width="{_BAR * p50 / most:.1f}" height="16" fill="#7a1fa2"/>',
            f'<text x="{_LABEL + _BAR * p95 / most + 8:.1f}" y="{top + 15}">'
            f"{_number(p50)} / {_number(p95)} ms</text>",
        ]
    parts += [f'<text x="{_LABEL}" y="{height - 8}" fill="#545a68">median / 95th percentile</text>', "</svg>"]
    return "\n".join(parts) + "\n"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
