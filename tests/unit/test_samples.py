"""The sample clips: which there are, how large and long they are, and that the first one has no hard cut."""

from __future__ import annotations

from itertools import pairwise

import av
import numpy as np
import pytest

import build_site
from autogaze_web import options

SAMPLES = build_site.ROOT / "site" / "samples"
# NVIDIA's example is a test's data, too, and has no still.
NAMES = {choice.value for choice in options.find("sample").choices} - {"news"}


def test_every_choice_has_a_clip_a_still_and_its_author() -> None:
    assert {path.stem for path in SAMPLES.glob("*.webm")} == NAMES
    assert {path.stem for path in SAMPLES.glob("*.webp")} == NAMES
    assert f"sample/{options.find('sample').default}.webm" == build_site.SAMPLE_CLIP
    table = (SAMPLES / "README.md").read_text(encoding="utf-8")
    assert not [name for name in NAMES if f"\n| {name} |" not in table]


def test_together_they_are_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) <= 3e6


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_clip_is_short_and_small(name: str) -> None:
    path = SAMPLES / f"{name}.webm"
    assert path.stat().st_size <= 600e3
    with av.open(str(path)) as container:
        (stream,) = container.streams
        packets = [packet for packet in container.demux(stream) if packet.pts is not None]
    times = [float(packet.pts * packet.time_base) for packet in packets]
    steps = [later - earlier for earlier, later in pairwise(times)]
    assert max(steps) - min(steps) < 0.0011, "its rate is constant, in whole milliseconds"
    assert 5 <= times[-1] + 1 / 30 <= 10


def test_the_first_clip_has_no_hard_cut() -> None:
    with av.open(str(SAMPLES / "bunny.webm")) as container:
        pictures = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    frames = [picture[::8, ::8].astype(int) for picture in pictures]
    changes = [np.abs(later - earlier).mean() for earlier, later in pairwise(frames)]
    assert max(changes) < 4 * np.median(changes) + 10
