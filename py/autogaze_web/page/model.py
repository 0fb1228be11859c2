"""A checkpoint in the page: read and checked here, executed by the bridge's ONNX Runtime.

Nothing here needs a browser; ``wasm_bridge/model/loaded_model.mjs`` is the other side.
"""

from __future__ import annotations

import json

from ..formats.safetensors import Buffer
from ..model.checkpoint import check_entries, weight_entries
from ..model.config import AutoGazeConfig
from ..model.graph_choice import choose_graphs
from ..model.processor import AutoGazeImageProcessor


class PageModel:
    """One checkpoint.

    Args:
        config, preprocessor: the texts of ``config.json`` and ``preprocessor_config.json``; the latter may
            be None, then the released model's processing applies.
        header: the first bytes of ``model.safetensors``: its header with the length before it.
        file_bytes: the size of the whole file.

    Raises:
        ValueError: if a file is damaged or does not fit the others; the message says which.
    """

    def __init__(self, config: str, preprocessor: str | None, header: Buffer, file_bytes: int) -> None:
        self.config = AutoGazeConfig.from_json(config)
        self.processor = _processor(preprocessor)
        self._entries = weight_entries(header, file_bytes)
        check_entries(self.config, self._entries)

    def weight_table(self) -> str:
        """Where the weights lie in the file, as JSON: name, dtype, first byte and end of each tensor."""
        entries = self._entries.items()
        return json.dumps([[name, entry.dtype, entry.start, entry.end] for name, entry in entries])

    def choose_graphs(
        self, manifest: str, max_tokens: int | None, more: bool = False, target: str = "cpu"
    ) -> str:
        """Which graphs of ``graphs.json`` to load, as JSON; see `graph_choice.choose_graphs`."""
        return choose_graphs(manifest, self.config, max_tokens, more, target)


def _processor(text: str | None) -> AutoGazeImageProcessor:
    return AutoGazeImageProcessor() if text is None else AutoGazeImageProcessor.from_json(text)
