"""Runs of a vision encoder's graphs, on their way to JavaScript and back.

Nothing here needs a browser; ``wasm_bridge/model/loaded_encoder.mjs`` is the other side.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..encoder.cache import DistantCache
from ..encoder.config import SiglipConfig
from ..encoder.encoding import EncodedVideo, VideoEncoding
from ..readout.gazing_info import GazingInfo
from .bridge import Memory, pack_arrays

Floats = NDArray[np.float32]


class EncoderBridge(Protocol):
    """What executes the graphs of one encoder, and keeps the keys and values of its streams."""

    def execute(self, header: str, packed: Memory) -> Awaitable[Any]:
        """Executes a run that `execute_graph` packed.

        Resolves to a Float32Array: the milliseconds that the run took, then the outputs one after the other.
        """

    def forget(self, stream: str) -> None:
        """Frees a stream's keys and values once the runs before have ended; its next run must restart it."""


@dataclass(frozen=True)
class GraphRun:
    """One run of a graph.

    Attributes:
        graph: its kind in the manifest.
        feeds: its inputs, except cached keys and values.
        outputs: shapes of the outputs to return, by name.
        stream: whose keys and values are inputs; empty if there are none.
        restart: whether the stream begins with this run.
        kept: rows of the stream's last run whose keys and values are appended first.
        dropped: cached rows, from the oldest, that are dropped after that.
    """

    graph: str
    feeds: Mapping[str, NDArray[Any]]
    outputs: Mapping[str, tuple[int, ...]]
    stream: str = ""
    restart: bool = False
    kept: Sequence[int] = ()
    dropped: int = 0


async def execute_graph(bridge: EncoderBridge, run: GraphRun) -> tuple[dict[str, Floats], float]:
    """Executes a run; returns its outputs and the milliseconds that it took where it ran.

    Raises:
        ValueError: if it answers another number of values.
    """
    header = {
        "graph": run.graph,
        "stream": run.stream,
        "restart": run.restart,
        "kept": list(run.kept),
        "dropped": run.dropped,
        "outputs": list(run.outputs),
        "shapes": {name: array.shape for name, array in run.feeds.items()},
    }
    answer = await bridge.execute(*pack_arrays(header, run.feeds))
    values = np.asarray(answer.to_py(), np.float32)
    sizes = [math.prod(shape) for shape in run.outputs.values()]
    if values.size != 1 + sum(sizes):
        raise ValueError(
            f"the {run.graph} answered {values.size - 1} numbers where {sum(sizes)} were expected: "
            "make its graph again with this version's autogaze-web export"
        )
    parts = np.split(values[1:], np.cumsum(sizes)[:-1])
    outputs = {
        name: part.reshape(shape) for (name, shape), part in zip(run.outputs.items(), parts, strict=True)
    }
    return outputs, float(values[0])


class EncoderStream:
    """One video, encoded frame by frame: `VideoEncoding` with its keys and values beside the graph.

    Args:
        name: of the stream where the graph runs; another stream of that name replaces it.
        window, padding: see `VideoEncoding`.
    """

    def __init__(
        self,
        config: SiglipConfig,
        bridge: EncoderBridge,
        name: str,
        window: int | None = None,
        padding: bool = True,
    ) -> None:
        self._config, self._bridge, self._name = config, bridge, name
        self._cache = DistantCache()
        self._encoding = VideoEncoding(config, window, padding, self._cache)
        self._begun = False

    @property
    def cached_rows(self) -> int:
        """Rows of earlier frames whose keys and values are cached."""
        return self._encoding.cached_rows

    async def encode(self, video: Floats, gazing: GazingInfo, index: int = 0) -> tuple[EncodedVideo, float]:
        """Encodes the next frames; see `VideoEncoding.runs`.

        Returns:
            The result, and the milliseconds that it took, without waiting for others.
        """
        begun, total = time.perf_counter(), 0.0
        runs = self._encoding.runs(video, gazing, index)
        try:
            feeds = next(runs)
            while True:
                total += (time.perf_counter() - begun) * 1000
                outputs, ms = await self._run(feeds)
                total, begun = total + ms, time.perf_counter()
                feeds = runs.send(outputs)
        except StopIteration as stop:
            result: EncodedVideo = stop.value
            return result, total + (time.perf_counter() - begun) * 1000

    async def _run(self, feeds: Mapping[str, NDArray[Any]]) -> tuple[dict[str, Floats], float]:
        config = self._config
        outputs: dict[str, tuple[int, ...]] = {
            "last_hidden_state": (len(feeds["patch_ids"]), config.hidden_size)
        }
        if config.vision_use_head:
            heads, width = config.num_attention_heads, config.head_dim
            outputs |= {
                "pooler_output": (1, config.hidden_size),
                "pool_max": (heads, 1, 1),
                "pool_sum": (heads, 1, 1),
                "pool_value": (heads, 1, width),
            }
        kept, dropped = self._cache.changes()
        run = GraphRun("encoder", feeds, outputs, self._name, not self._begun, kept, dropped)
        self._begun = True
        return await execute_graph(self._bridge, run)
