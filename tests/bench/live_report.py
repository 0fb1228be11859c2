"""The results of `make perf-live`: what several pages measured, merged, as Markdown tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

# The stages of a frame, in the order in which they happen; the key of the summary of each is in the middle.
STAGES = (
    *("capture", "upload", "preprocess", "model_run", "decode", "changes", "mask", "plan"),
    *("accumulate", "panel", "pixels", "metrics", "draw"),
)


def read_results(paths: Iterable[Path]) -> dict[str, Any]:
    """Merges what pages measured.

    Args:
        paths: JSON files; each holds the `window.result` of a page, or an object whose values have such
            results under `result`, as programs write that open several pages.

    Returns:
        `machine`, as the first page of the matrix has it, or None; `rows`, one for each case, where a later
        one replaces an earlier one unless it failed; `model`, the rows of browser_bench.

    Raises:
        ValueError: if a file holds nothing of the kind; the message is one sentence.
    """
    machine: dict[str, Any] | None = None
    rows: dict[str, Any] = {}
    models: dict[tuple[str, str, str], Any] = {}
    for path in paths:
        results = _results(path)
        for result in results:
            if isinstance(result, list):
                models |= {(row["backend"], row["budget"], row["context"]): row for row in result}
                continue
            machine = machine or result["machine"]
            for row in result["rows"]:
                if "error" not in row or row["case"] not in rows:
                    rows[row["case"]] = row
    return {"machine": machine, "rows": list(rows.values()), "model": list(models.values())}


def _results(path: Path) -> list[Any]:
    wanted = (
        f'--results {path} must be the JSON of a perf page\'s window.result, or of several under "result"'
    )
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{wanted}: {error}") from None
    if _is_result(content):
        return [content]
    several = content.values() if isinstance(content, dict) else ()
    found = [each["result"] for each in several if isinstance(each, dict) and _is_result(each.get("result"))]
    if not found:
        raise ValueError(wanted)
    return found


def _is_result(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(
            isinstance(row, dict) and {"backend", "budget", "context"} <= row.keys() for row in value
        )
    return isinstance(value, dict) and {"machine", "rows"} <= value.keys()


def is_sweep(row: Mapping[str, Any]) -> bool:
    """Whether a case is a sweep of all tiles."""
    return "all tiles" in row["case"]


def pixels_text(row: Mapping[str, Any]) -> str:
    """What did the pixel work, and why not what was wanted."""
    on_gpu, frames = row["gpu_frames"], row["processed_frames"]
    who = "GPU" if on_gpu == frames else "CPU" if on_gpu == 0 else f"GPU for {on_gpu} of {frames} frames"
    why = row["pixels_note"] or row["pixels_failure"]
    return f"{who}: {why}" if why and on_gpu < frames else who


def camera_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The camera's cases: medians of whole frames and of each stage, in milliseconds."""
    stages = [stage for stage in STAGES if any(row.get(f"p50_{stage}_ms") for row in rows)]
    head = ["case", "size", "pixels by", "frames/s", "offered", "ms p50", "p95", *_titles(stages), "rest"]
    lines = []
    for row in rows:
        lines.append(
            [
                row["case"],
                f"{row['latest_width']}x{row['latest_height']}",
                pixels_text(row),
                *(
                    number(row[key])
                    for key in ("measured_fps", "avg_input_fps", "p50_total_ms", "p95_total_ms")
                ),
                *(number(row.get(f"p50_{stage}_ms")) for stage in stages),
                number(row.get("p50_rest_ms")),
            ]
        )
    return markdown(head, lines, text=3)


def stage_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The 95th percentiles of the stages, in milliseconds."""
    stages = [stage for stage in STAGES if any(row.get(f"p95_{stage}_ms") for row in rows)]
    lines = [
        [row["case"], *(number(row.get(f"p95_{stage}_ms")) for stage in (*stages, "rest"))] for row in rows
    ]
    return markdown(["case", *_titles(stages), "rest"], lines, text=1)


def sweep_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The sweeps: milliseconds from a frame to the cells of all its tiles."""
    head = ["case", "tiles", "tokens", "sweep ms p50", "p95", "frame to panels ms p50", "p95", "runs on"]
    lines = [
        [
            row["case"],
            str(row["latest_tiles"]),
            *(number(row[key]) for key in ("avg_tokens", "p50_model_ms", "p95_model_ms")),
            *(number(row[key]) for key in ("p50_total_ms", "p95_total_ms")),
            row["backend"],
        ]
        for row in rows
    ]
    return markdown(head, lines, text=1)


def model_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The model alone: medians in milliseconds."""
    lines = []
    for row in rows:
        stages = row.get("stages", {})
        lines.append(
            [
                row.get("runner", row["backend"]),
                row["budget"],
                "15 frames" if row["context"] == "full" else "none",
                *(number(stages.get(stage)) for stage in ("preprocess", "model", "decode", "pixels to mask")),
                row.get("error", ""),
            ]
        )
    head = ["runs on", "tokens", "context", "preprocess", "model", "decode", "pixels to mask", "error"]
    return markdown(head, lines, text=3)


def errors_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The cases that were not measured, and why."""
    return markdown(["case", "error"], [[row["case"], row["error"]] for row in rows], text=2)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]], text: int) -> str:
    """A Markdown table whose columns after the first `text` ones hold numbers."""
    rules = ["---"] * text + ["---:"] * (len(head) - text)
    return "\n".join(
        f"| {' | '.join(cell.replace('|', '/').replace(chr(10), ' ') for cell in line)} |"
        for line in (head, rules, *rows)
    )


def number(value: float | None) -> str:
    """One decimal, two below 10; nothing for None."""
    return "" if value is None else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _titles(stages: Iterable[str]) -> list[str]:
    return ["model" if stage == "model_run" else stage for stage in stages]
