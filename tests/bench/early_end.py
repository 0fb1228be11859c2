"""What a frame that ends early costs, next to one with a budget of just its tokens.

    python tests/bench/early_end.py

NVIDIA's request (ratio 0.75, requirement 0.7) is streamed over the recorded clip generate_16, natively on one
thread, with frames divided into runs as in the page; then the same frames with the budgets that they took,
where nothing has to be predicted. Needs the full-size recordings (tests/parity/oracle.py).
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "py"), str(ROOT / "tests" / "parity")]

import oracle  # noqa: E402
import synthetic_formula as formula  # noqa: E402

from autogaze_web.graph.export import FRAME_STEPS, MORE_STEPS  # noqa: E402
from autogaze_web.model.checkpoint import Checkpoint  # noqa: E402
from autogaze_web.model.generation import Videos  # noqa: E402
from autogaze_web.model.lockstep import in_turn  # noqa: E402
from autogaze_web.native.runtime import NativeRuntime, NativeVideo, drive  # noqa: E402

REPEATS = 4


def stream(
    runtime: NativeRuntime, frames: np.ndarray, budgets: Sequence[int], requirement: float | None
) -> tuple[list[float], list[int]]:
    """Seconds and tokens of each frame of a stream."""
    video = Videos(runtime.checkpoint.config, 1, None, FRAME_STEPS, MORE_STEPS)
    tensors, seconds, tokens = [NativeVideo(runtime)], [], []
    for frame, budget in zip(frames, budgets, strict=True):
        start = time.perf_counter()
        slots = drive(in_turn(video.frame([frame[None]], budget, [requirement])), tensors)
        seconds.append(time.perf_counter() - start)
        tokens.append(slots.tokens.size)
    return seconds, tokens


def main() -> None:
    if not (oracle.FULL / "cases" / "full").exists():
        raise SystemExit(oracle.HOW_TO)
    case = oracle.read("full", "generate_16")
    frames = np.ascontiguousarray(oracle.video_of(case)[0])
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint.from_folder(formula.write_folder(oracle.recipe("full"), Path(folder)))
    runtime = NativeRuntime(checkpoint, threads=1)
    for graph, sizes in (("frame", FRAME_STEPS), ("steps", MORE_STEPS)):
        for steps in sizes:
            runtime.session(graph, steps)
    expected = case["expected"]["num_gazing_each_frame"]
    early, fixed = [], []
    for _ in range(REPEATS):  # in turn, so that both meet the same machine
        seconds, tokens = stream(runtime, frames, [198] * len(frames), 0.7)
        assert tokens == expected, tokens
        early.append(seconds)
        fixed.append(stream(runtime, frames, expected, None)[0])
    ended, budgeted = 1000 * np.min(early, 0), 1000 * np.min(fixed, 0)
    print("tokens\tends early, ms\tfixed budget, ms\tratio")
    for count, a, b in zip(expected, ended, budgeted, strict=True):
        print(f"{count}\t{a:.0f}\t{b:.0f}\t{a / b:.2f}")
    print(
        f"median ratio {statistics.median(ended / budgeted):.2f}, all frames {sum(ended) / sum(budgeted):.2f}"
    )


if __name__ == "__main__":
    main()
