"""Encodes the frames of one video, at once or in a stream, without what executes the graph.

`VideoEncoding.runs` yields the inputs of one run of the graph after the other and is sent its outputs. Keys
and values of earlier frames are cached for each layer, so a frame costs its own rows only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.context import HIDDEN
from ..readout.encoder_input import gazed_patches
from ..readout.gazing_info import GazingInfo
from .cache import ArrayCache, Arrays, RowCache
from .config import SiglipConfig
from .rows import Rows, attention_bias, plan_rows

Floats = NDArray[np.float32]
Pool = tuple[Floats, Floats, Floats]

# Scores of a layer in one run, over all heads: 64 MB. Longer clips are encoded in several runs.
MOST_SCORES = 2**24


@dataclass(frozen=True)
class EncodedVideo:
    """The result for one video.

    Attributes:
        last_hidden_state: (n, hidden) of each entry of the gaze; 0 for padding that is not encoded.
        pooler_output: (hidden,), None without a head.
        hidden_states: (layers + 1, n, hidden), None unless they were probed.
        rows: number of rows that the graph was given.
    """

    last_hidden_state: Floats
    pooler_output: Floats | None
    hidden_states: Floats | None
    rows: int


class VideoEncoding:
    """One video: its cached keys and values, and what its pooled vector needs to know of earlier frames.

    Args:
        window: frames that a frame attends to, itself included, and that are pooled; None for all.
        padding: whether padding is encoded.
        cache: where its keys and values are; by default an `ArrayCache`.
    """

    def __init__(
        self,
        config: SiglipConfig,
        window: int | None = None,
        padding: bool = True,
        cache: RowCache | None = None,
    ) -> None:
        self._config, self._window, self._padding = config, window, padding
        self._cache: RowCache = ArrayCache(config) if cache is None else cache
        self._cached: deque[int] = deque()
        self._pools: deque[Pool] = deque()
        self._first_patch: Floats | None = None

    @property
    def cached_rows(self) -> int:
        """Rows whose keys and values are cached."""
        return sum(self._cached)

    def runs(self, video: Floats, gazing: GazingInfo, index: int) -> Generator[Arrays, Arrays, EncodedVideo]:
        """Encodes the next frames.

        Args:
            video: (B, T, C, H, W), the frames of all videos of the batch.
            gazing: the gaze at these frames; positions count from the first of them.
            index: this video's number in the batch.

        Yields:
            The inputs of a run (``docs/encoder.md``); expects its outputs.
        """
        config = self._config
        rows = plan_rows(gazing, index, config, self._padding)
        patches = self._patches(video, index, rows)
        parts: list[Floats] = []
        layers: list[Floats] = []
        pooled: Floats | None = None
        for frames, chosen in self._chunks(rows, gazing.num_gazing_each_frame.size):
            outputs = yield self._inputs(rows, chosen, patches)
            size = chosen.stop - chosen.start
            parts.append(outputs["last_hidden_state"][:size])
            pooled = outputs.get("pooler_output")
            if "layer_output_0" in outputs:
                names = (f"layer_output_{i}" for i in range(config.num_hidden_layers + 1))
                layers.append(np.stack([outputs[name][:size] for name in names]))
            self._remember(rows, chosen, frames, outputs)
        place = rows.row_of_entry
        return EncodedVideo(
            _entries(np.concatenate(parts), place),
            None if pooled is None else pooled.reshape(-1),
            _entries(np.concatenate(layers, axis=1), place) if layers else None,
            len(rows),
        )

    def _patches(self, video: Floats, index: int, rows: Rows) -> Floats:
        """(m, C * p^2): the pixels of each row; a pad's are those of the clip's very first patch."""
        scales = self._config.patch_scales
        wanted = rows.position
        if self._first_patch is None:
            wanted = np.concatenate([wanted, [0]])
        info = GazingInfo(wanted[None], np.zeros((1, wanted.size), np.bool_), np.array([wanted.size]))
        patches = gazed_patches(video[index : index + 1], info, scales)[0]
        if self._first_patch is None:
            self._first_patch = patches[-1].copy()
        chosen: Floats = patches[: len(rows)]
        chosen[rows.padded] = self._first_patch
        return chosen

    def _chunks(self, rows: Rows, frames: int) -> Iterator[tuple[int, slice]]:
        """Numbers of frames, and the rows of each of them, such that a run's scores fit into memory."""
        config = self._config
        if config.attn_type != "block_causal":
            yield frames, slice(0, len(rows))
            return
        ends = np.searchsorted(rows.slot, np.arange(frames), side="right")
        start, first = 0, 0
        for frame in range(frames):
            last = frame + 1 == frames
            size = 0 if last else int(ends[frame + 1]) - start
            keys = self.cached_rows + size
            if last or self._window is not None or config.num_attention_heads * size * keys > MOST_SCORES:
                yield frame + 1 - first, slice(start, int(ends[frame]))
                start, first = int(ends[frame]), frame + 1
        if not frames:
            yield 0, slice(0, 0)

    def _inputs(self, rows: Rows, chosen: slice, patches: Floats) -> Arrays:
        config = self._config
        ids = rows.position[chosen] % config.patch_scales.patches
        inputs: Arrays = {
            "patches": patches[chosen],
            "patch_ids": ids.astype(np.int32),
            "attention_bias": attention_bias(rows, chosen, self.cached_rows, config),
        }
        count = rows.count[chosen].astype(np.float32)
        if not count.size:  # A run has at least one row: this one is seen by none and pooled by none.
            hidden = np.full((1, self.cached_rows + 2), HIDDEN, np.float32)
            hidden[0, -1] = 0
            inputs = {
                "patches": np.zeros((1, config.patch_values), np.float32),
                "patch_ids": np.zeros(1, np.int32),
                "attention_bias": hidden,
            }
            count = np.zeros(1, np.float32)
        if config.vision_use_head:
            inputs["row_count"] = count[None]
            inputs.update(zip(("past_max", "past_sum", "past_value"), self._pooled(), strict=True))
        return inputs | self._cache.inputs()

    def _pooled(self) -> Pool:
        """The pooling head's sums over all frames up to now."""
        config = self._config
        shape = (config.num_attention_heads, 1, 1)
        merged = (
            np.full(shape, HIDDEN, np.float32),
            np.zeros(shape, np.float32),
            np.zeros((*shape[:2], config.head_dim), np.float32),
        )
        for pool in self._pools:
            merged = merge_pools(merged, pool)
        return merged

    def _remember(self, rows: Rows, chosen: slice, frames: int, outputs: Arrays) -> None:
        config = self._config
        if config.vision_use_head:
            pool = outputs["pool_max"], outputs["pool_sum"], outputs["pool_value"]
            if self._window is None and self._pools:
                pool = merge_pools(self._pools.pop(), pool)
            self._pools.append(pool)
        padded = rows.padded[chosen]
        seen_later = np.ones_like(padded) if config.attn_type == "causal" else ~padded
        if config.frame_independent_encoding or config.attn_type == "bidirectional":
            seen_later = np.zeros_like(padded)
        kept = np.flatnonzero(seen_later)
        self._cached.append(kept.size)
        if kept.size:
            self._cache.append(outputs, kept)
        assert frames <= 1 or self._window is None
        if self._window is not None:
            self._forget(self._window - 1)

    def _forget(self, frames: int) -> None:
        """Drops all but the newest frames."""
        while len(self._pools) > frames:
            self._pools.popleft()
        dropped = 0
        while len(self._cached) > frames:
            dropped += self._cached.popleft()
        if dropped:
            self._cache.drop(dropped)


def merge_pools(first: Pool, second: Pool) -> Pool:
    """The sums of a softmax over two sets of rows: largest score, sum of weights, weighted values."""
    largest = np.maximum(first[0], second[0])
    weights = np.exp(first[0] - largest), np.exp(second[0] - largest)
    total, value = (first[i] * weights[0] + second[i] * weights[1] for i in (1, 2))
    return largest, total, value


def _entries(encoded: Floats, row_of_entry: NDArray[np.int64]) -> Floats:
    """(..., n, hidden): each entry's row; zeros for those without."""
    if not encoded.shape[-2]:
        return np.zeros((*encoded.shape[:-2], row_of_entry.size, encoded.shape[-1]), np.float32)
    entries = encoded[..., row_of_entry, :]
    entries[..., row_of_entry < 0, :] = 0
    return entries
