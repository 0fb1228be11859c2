"""How much memory the page's Python takes for large frames, with everything that works on them at once."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from native_bridge import Bridge

from autogaze_web import AutoGaze
from autogaze_web.page.live_session import PageSession
from autogaze_web.page.model import PageModel

MODEL = Path(__file__).parents[2] / "site" / "model"
CAPACITY = 400
GRAPHS = json.dumps([{"kind": kind, "steps": 1, "capacity": CAPACITY} for kind in ("frame", "steps")])
HOOK = "def on_frame(frame, trace, output):\n    output[0] = 9\n    return output.copy()"
SIDE = 1024
FRAMES = 3

# What does not grow with the frame: rows of it that are resized at once, the model's values, records.
CONSTANT = 8_000_000


@pytest.mark.parametrize(("mode", "rival"), [("realtime", "patch-diff"), ("full-resolution", "block-motion")])
def test_model_comparison_and_function_take_ten_frames(mode: str, rival: str) -> None:
    """Ten frames of 4096x4096 have 671 MB; SECURITY.md promises it."""
    texts = [(MODEL / name).read_text() for name in ("config.json", "preprocessor_config.json")]
    weights = (MODEL / "model.safetensors").read_bytes()
    checkpoint = PageModel(*texts, [("model.safetensors", weights, len(weights))])
    bridge = Bridge(AutoGaze.from_pretrained(MODEL), CAPACITY)
    session = PageSession()
    session.configure(json.dumps({"mode": mode, "mask-timing": "own"}))
    session.set_model(checkpoint, GRAPHS, bridge, 1, lambda _: None)
    session.compare(rival)
    session.set_hook(HOOK)
    random = np.random.default_rng(0)

    async def play() -> list[dict[str, Any]]:
        reports = []
        for _ in range(FRAMES):
            frame = session.frame_memory(SIDE, SIDE)
            frame[:] = random.integers(0, 256, frame.shape, np.uint8)
            reports.append(json.loads(await session.process_with_model()))
        return reports

    tracemalloc.start()
    reports = asyncio.run(play())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    for report in reports:
        assert (report["gazes"], report["tiles"] > 0) == (report["index"] + 1, mode != "realtime")
        assert report["compared"]["index"] == report["index"]
        assert report["hook"]["problem"] == ""
    assert peak < 10 * SIDE * SIDE * 4 + CONSTANT
