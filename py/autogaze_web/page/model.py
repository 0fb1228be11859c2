"""A checkpoint in the page: read and checked here, executed by the bridge's ONNX Runtime.

Nothing here needs a browser; ``wasm_bridge/model/loaded_model.mjs`` is the other side.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..formats.safetensors import Buffer
from ..formats.safetensors_index import read_index
from ..model.checkpoint import check_entries, shard_entries, weight_entries
from ..model.config import AutoGazeConfig
from ..model.graph_choice import choose_graphs
from ..model.processor import AutoGazeImageProcessor


class PageModel:
    """One checkpoint.

    Args:
        config, preprocessor: the texts of ``config.json`` and ``preprocessor_config.json``; the latter may
            be None, then the released model's processing applies.
        files: ``model.safetensors``, or its shards: of each file the name, the first bytes (the header with
            its length before it) and the size.
        index: the text of ``model.safetensors.index.json``; None if the weights are one file.

    Raises:
        ValueError: if a file is damaged or does not fit the others; the message says which.
    """

    def __init__(
        self,
        config: str,
        preprocessor: str | None,
        files: Sequence[tuple[str, Buffer, int]],
        index: str | None = None,
    ) -> None:
        self.config: AutoGazeConfig = AutoGazeConfig.from_json(config)
        self.processor: AutoGazeImageProcessor = _processor(preprocessor)
        if index is None:
            self._files = [weight_entries(header, size) for _, header, size in files]
        else:
            shards = {name: (header, size) for name, header, size in files}
            self._files = list(shard_entries(read_index(index), shards).values())
        check_entries(self.config, {name: entry for file in self._files for name, entry in file.items()})

    def weight_tables(self) -> str:
        """Where the tensors lie in each file, as JSON: the name, dtype, first byte and end of each."""
        return json.dumps(
            [
                [[name, entry.dtype, entry.start, entry.end] for name, entry in file.items()]
                for file in self._files
            ]
        )

    def choose_graphs(
        self, manifest: str, max_tokens: int | None, more: bool = False, target: str = "cpu"
    ) -> str:
        """Which graphs of ``graphs.json`` to load, as JSON; see `graph_choice.choose_graphs`."""
        return choose_graphs(manifest, self.config, max_tokens, more, target)


def _processor(text: str | None) -> AutoGazeImageProcessor:
    return AutoGazeImageProcessor() if text is None else AutoGazeImageProcessor.from_json(text)
