"""Which of the exported graphs to load for a checkpoint, a budget and a backend."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Final

from .clips import Graphs
from .config import AutoGazeConfig, architecture_differences
from .controls import resolve_controls

MANIFEST: Final = "graphs.json"
VERSION: Final = 2
"""Of the manifest and of the graphs' inputs and outputs."""


def choose_graphs(
    manifest: str, config: AutoGazeConfig, max_tokens: int | None, more: bool, target: str
) -> str:
    """Which graphs of ``graphs.json`` to load, as a JSON list of its entries.

    The smallest frame graph that covers a frame's budget in one run; where none does, or ``more`` is set, the
    steps graph that shares its context as well.

    Args:
        manifest: the text of ``graphs.json``.
        max_tokens: limit on a frame's tokens besides the config's own; None for no limit.
        more: whether a batch is to be padded, which takes further steps.
        target: ``cpu`` or ``gpu``, where they will run.

    Raises:
        ValueError: if the graphs are those of another architecture, or were made by another version.
    """
    listed = json.loads(manifest)
    if listed.get("version") != VERSION:
        raise ValueError(
            f"the graphs at hand are of version {listed.get('version')}, expected {VERSION}: make them again "
            "with this version's autogaze-web export"
        )
    different = architecture_differences(asdict(config), listed["architecture"])
    if different:
        raise ValueError(
            "the graphs at hand are for another architecture than this checkpoint's "
            f"({'; '.join(different)}): make its own with autogaze-web export --config config.json "
            "--out FOLDER and name their folder with graphs-url"
        )
    graphs = [graph for graph in listed["graphs"] if graph["target"] == target]
    budget = max(resolve_controls(config, None, None, 1, 1).budgets)
    if max_tokens is not None:
        budget = min(budget, max_tokens)
    wanted = -(-budget // config.decoder.num_multi_token_pred)
    frames = sorted((g for g in graphs if g["kind"] == "frame"), key=lambda g: int(g["steps"]))
    frame = next((g for g in frames if g["steps"] >= wanted), frames[-1])
    chosen = [frame]
    if more or frame["steps"] < wanted:
        chosen += [g for g in graphs if g["kind"] == "steps" and g["capacity"] == frame["capacity"]]
    return json.dumps(chosen)


def graphs_of(chosen: str) -> Graphs:
    """What generation must know of the graphs that `choose_graphs` answered."""
    entries = json.loads(chosen)
    return Graphs(
        tuple(entry["steps"] for entry in entries if entry["kind"] == "frame"),
        tuple(entry["steps"] for entry in entries if entry["kind"] == "steps") or (1,),
        entries[0]["capacity"],
    )
