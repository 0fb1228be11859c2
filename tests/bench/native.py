"""Measures the speed of the native model: `python tests/bench/native.py [--json OUT]`. Nothing is asserted.

Measures one streamed frame of the released architecture: wall time by threads, budget and frames of context,
MFLOP/s, load time and peak memory. The weights are random, because speed does not depend on them.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "py"), str(ROOT / "tests" / "unit")]

from released import RELEASED  # noqa: E402

from autogaze_web.model.checkpoint import Checkpoint, expected_tensors  # noqa: E402
from autogaze_web.model.config import AutoGazeConfig  # noqa: E402
from autogaze_web.native.autogaze import AutoGaze  # noqa: E402

BUDGETS = (7, 16, 198)
CONTEXTS = (0, 8, 15)


def released_checkpoint() -> Checkpoint:
    """Random weights of about the size of a trained model's."""
    config = AutoGazeConfig.from_dict(RELEASED)
    stream = np.random.default_rng(0)
    weights = {}
    for name, shape in expected_tensors(config).items():
        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 1
        values = stream.standard_normal(shape, np.float32) / np.float32(fan_in**0.5)
        weights[name] = np.ones(shape, np.float32) if "norm.weight" in name or "layernorm" in name else values
    return Checkpoint(config, weights)


def flop(config: AutoGazeConfig, budget: int, context: int) -> float:
    """Floating-point operations of one streamed frame, with dense attention."""
    vision, d = config.vision, config.decoder
    tokens, heads = config.vision_tokens, d.num_multi_token_pred
    steps = -(-budget // heads)
    trunk = 3 * vision.kernel_size**2 + vision.out_dim
    taps = vision.trunk_temporal_kernel_size * vision.trunk_spatial_kernel_size**2
    trunk += vision.depth * taps * vision.hidden_dim
    q, kv = d.num_attention_heads * d.head_dim, 2 * d.num_key_value_heads * d.head_dim
    row = d.num_hidden_layers * (d.hidden_size * (2 * q + kv) + 3 * d.hidden_size * d.intermediate_size)
    pending = 0 if context == 0 else budget - (steps - 1) * heads
    cached = context * (tokens + budget) - pending
    fed = [tokens + pending] + [heads] * (steps - 1)
    total = tokens * trunk * vision.hidden_dim
    for rows in fed:
        cached += rows
        total += rows * row + 2 * d.num_hidden_layers * q * rows * cached
        total += heads * (config.vocab_size + 1) * d.hidden_size
    return 2.0 * total


def frame_times(model: AutoGaze, budget: int, context: int, repeats: int) -> list[float]:
    """Seconds for the frame after ``context`` earlier frames, each time in a new stream."""
    video = np.random.default_rng(1).standard_normal((context + 1, 3, 224, 224)).astype(np.float32)
    times = []
    for _ in range(repeats):
        stream = model.stream(1.0, None, None, max_tokens=budget)
        for frame in video[:-1]:
            stream.step(frame)
        start = time.perf_counter()
        stream.step(video[-1])
        times.append(time.perf_counter() - start)
    return times


def measure(threads: list[int], repeats: int) -> dict[str, Any]:
    checkpoint = released_checkpoint()
    rows, load = [], {}
    for count in threads:
        start = time.perf_counter()
        model = AutoGaze(checkpoint, count)
        model.runtime.session("frame", 1)
        model.runtime.session("steps", 1)
        load[count] = time.perf_counter() - start
        frame_times(model, 16, 1, 2)
        for budget in BUDGETS:
            for context in CONTEXTS:
                seconds = statistics.median(frame_times(model, budget, context, repeats))
                work = flop(checkpoint.config, budget, context)
                rows.append(
                    {
                        "threads": count,
                        "tokens": budget,
                        "context_frames": context,
                        "ms": round(seconds * 1e3, 1),
                        "mflop": round(work / 1e6),
                        "mflop_per_s": round(work / seconds / 1e6),
                    }
                )
                print(*rows[-1].values(), sep="\t", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"load_s": load, "peak_memory_mib": round(peak), "frames": rows}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args()
    print("threads\ttokens\tcontext\tms\tMFLOP\tMFLOP/s")
    result = measure(options.threads, options.repeats)
    print({name: result[name] for name in ("load_s", "peak_memory_mib")})
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
