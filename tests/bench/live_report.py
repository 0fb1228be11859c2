"""The results of `make perf-live`: what several pages measured, merged, as JSON, tables and a chart."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from live_goals import model_goal_lines, plane_goal_lines
from perf_report import chart, common_options, without_options

NAME = "perf-live"

# The stages of a frame in the order in which they happen, as the keys of a summary name them.
STAGES = (
    *("capture", "upload", "preprocess", "model_run", "decode", "changes", "mask", "plan"),
    *("accumulate", "panel", "pixels", "metrics", "draw"),
)


@dataclass(frozen=True)
class Results:
    """What several pages measured, merged.

    Attributes:
        machine: browser, system and cores, as pages of the matrix say; None if only the model was measured.
        measured: the summaries of the cases of cameras and tiles.
        failed: the cases without one, with their `error`.
        models: the rows of browser_bench.
    """

    machine: Mapping[str, Any] | None
    measured: tuple[Mapping[str, Any], ...]
    failed: tuple[Mapping[str, Any], ...]
    models: tuple[Mapping[str, Any], ...]


def read_results(paths: Iterable[Path]) -> Results:
    """Reads and merges what pages measured.

    Args:
        paths: JSON files; each holds the `window.result` of a page, or an object whose values have such
            results under `result`, as programs write that open several pages.

    Raises:
        ValueError: if a file holds nothing of the kind, or if they are of different machines; the message is
            one sentence.
    """
    return merged((f"--results {path}", result) for path in paths for result in _results(path))


def merged(results: Iterable[tuple[str, Any]]) -> Results:
    """Merges the results of pages, each with a name for messages.

    Of a case that was measured twice the later summary counts, and an error only if there is no summary.

    Raises:
        ValueError: if they are of different machines; the message is one sentence.
    """
    machine: Mapping[str, Any] | None = None
    rows: dict[str, Any] = {}
    models: dict[tuple[str, str, str], Any] = {}
    for name, result in results:
        if isinstance(result, list):
            models |= {(row["backend"], row["budget"], row["context"]): row for row in result}
            continue
        if machine and result["machine"] != machine:
            raise ValueError(
                f"{name} was measured on {result['machine']}, the results before it on {machine}: "
                "merge results of one machine only"
            )
        machine = result["machine"]
        rows |= {row["case"]: row for row in result["rows"] if "error" not in row or row["case"] not in rows}
    measured = tuple(row for row in rows.values() if "error" not in row)
    failed = tuple(row for row in rows.values() if "error" in row)
    return Results(machine, measured, failed, tuple(models.values()))


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


def write_report(out: Path, results: Results) -> str:
    """Writes the JSON, the tables and the chart, and returns the tables."""
    measured = results.measured
    common = common_options(measured) if measured else {}
    text = {
        "machine": results.machine,
        "options": common,
        "cases": [without_options(row, common) for row in measured],
        "failed": results.failed,
        "model": results.models,
    }
    units = "Milliseconds; medians, unless a column says p95."
    tables = f"# Live, by size\n\n{title(results)}. {units}\n\n{all_tables(results)}"
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{NAME}.json").write_text(json.dumps(text, indent=1) + "\n", "utf-8")
    (out / f"{NAME}.md").write_text(tables + "\n", "utf-8")
    charted = [row for row in measured if not is_sweep(row)] or measured
    if charted:
        (out / f"{NAME}.svg").write_text(chart(charted, f"Milliseconds per frame, {title(results)}"), "utf-8")
    return tables


def title(results: Results) -> str:
    """What was measured: the GPU if one ran a model, the browser and the cores."""
    runners = [row["backend"] for row in results.measured] + [row.get("runner", "") for row in results.models]
    gpu = next((text.removeprefix("WebGPU on ") for text in runners if text.startswith("WebGPU on ")), "")
    machine = results.machine or {}
    cores = f"{machine['cores']} cores" if machine else ""
    return ", ".join(filter(None, (gpu, machine.get("browser"), cores))) or "The model alone"


def all_tables(results: Results) -> str:
    """A section for each kind of case that there is."""
    sweeps = [row for row in results.measured if is_sweep(row)]
    cameras = [row for row in results.measured if not is_sweep(row)]
    parts = []
    head = ["what", "goal, ms"]
    on_planes, of_models = (
        plane_goal_lines(results.measured),
        model_goal_lines(results.measured, results.models),
    )
    if on_planes or of_models:
        parts += ["## Goals", "Bold where reached."]
    if on_planes:
        parts.append(markdown([*head, "pixels=gpu", "pixels=cpu"], on_planes, text=1))
    if of_models:
        parts.append(markdown([*head, "measured"], of_models, text=1))
    if cameras:
        parts += ["## Camera with grain", camera_table(cameras)]
        parts += ["95th percentiles of the stages:", stage_table(cameras)]
    if sweeps:
        parts += ["## Sweeps of all tiles", sweep_table(sweeps)]
    if results.models:
        parts += ["## The model alone", model_table(results.models)]
    if results.failed:
        lines = [[row["case"], row["error"]] for row in results.failed]
        parts += ["## Not measured", markdown(["case", "error"], lines, text=2)]
    return "\n\n".join(parts)


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
    head = ["case", "size", "pixels by", "frames/s", "offered", "ms p50", "p95", *_titles(stages)]
    head += ["outside", "rest"]
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
                *(number(row.get(f"p50_{part}_ms")) for part in ("outside", "rest")),
            ]
        )
    return markdown(head, lines, text=3)


def stage_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The 95th percentiles of the stages, in milliseconds."""
    stages = [stage for stage in STAGES if any(row.get(f"p95_{stage}_ms") for row in rows)]
    lines = [
        [row["case"], *(number(row.get(f"p95_{stage}_ms")) for stage in (*stages, "outside", "rest"))]
        for row in rows
    ]
    return markdown(["case", *_titles(stages), "outside", "rest"], lines, text=1)


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
