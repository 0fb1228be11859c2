"""A batch on a Ray cluster of several nodes on this machine."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
from ray.cluster_utils import Cluster

from autogaze_web.batch.manifest import parse_manifest
from autogaze_web.cli.main import main
from autogaze_web.files.mp4_writer import write_mp4
from autogaze_web.live.pipeline import synthetic_frames

MODEL = Path(__file__).parents[2] / "site" / "model"


def run(*words: object) -> int:
    return main(["batch", *map(str, words), "--model", str(MODEL), "--max-tokens", "7"])


def results(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.jsonl"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def tasks_of(node: Any) -> list[int]:
    """The processes of a node that run a task at the moment."""
    raylet = node.all_processes["raylet"][0].process.pid
    children = Path(f"/proc/{raylet}/task/{raylet}/children").read_text().split()
    return [pid for pid in map(int, children) if b"run_job" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_writes_the_same_bytes(tmp_path: Path) -> None:
    clips, out = tmp_path / "clips", tmp_path / "out"
    clips.mkdir()
    frames = np.stack([frame[..., :3].copy() for frame in synthetic_frames("synthetic-pan", 64, 96, 6)])
    for index in range(8):
        write_mp4(clips / f"{index}.mp4", np.roll(frames, 8 * index, axis=2), 10)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    other = cluster.add_node(num_cpus=1)
    killed = []

    def kill_a_worker() -> None:
        """Kills the process of a task once the first video is done."""
        while not (out / "manifest.jsonl").exists() or (out / "manifest.jsonl").read_bytes().count(b"\n") < 2:
            ended.wait(0.02)
        while not killed:
            for pid in tasks_of(other):
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    ended = threading.Event()
    killer = threading.Thread(target=kill_a_worker, daemon=True)
    killer.start()
    try:
        assert run(clips, "--out", out, "--engine", "ray", "--address", cluster.address) == 0
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert killed
    lines = (out / "manifest.jsonl").read_text().splitlines()
    assert len(lines) == 1 + 8
    assert {entry.status for entry in parse_manifest("\n".join(lines)).values()} == {"done"}
    assert run(clips, "--out", tmp_path / "one") == 0
    assert results(out) == results(tmp_path / "one")


def test_an_address_without_a_cluster_ends_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"")
    assert run(tmp_path / "clip.mp4", "--out", tmp_path, "--engine", "ray", "--address", "127.0.0.1") == 2
    assert "start one with 'ray start --head', or correct --address" in capsys.readouterr().err
