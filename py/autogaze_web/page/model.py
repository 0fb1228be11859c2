"""A checkpoint in the page: read and checked here, executed by the bridge's ONNX Runtime.

Nothing here needs a browser; ``wasm_bridge/model/page_model.mjs`` is the other side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..formats.safetensors import Buffer
from ..model.checkpoint import Checkpoint
from ..model.config import AutoGazeConfig
from ..model.graph_choice import choose_graphs
from ..model.processor import AutoGazeImageProcessor


class PageModel:
    """One checkpoint.

    Args:
        config, preprocessor: the texts of ``config.json`` and ``preprocessor_config.json``; the latter may
            be None, then the released model's processing applies.
        weights: the bytes of ``model.safetensors``.

    Raises:
        ValueError: if a file is damaged or does not fit the others; the message says which.
    """

    def __init__(self, config: str, preprocessor: str | None, weights: Buffer) -> None:
        self.config = AutoGazeConfig.from_json(config)
        self.processor = _processor(preprocessor)
        self._checkpoint: Checkpoint | None = Checkpoint.from_bytes(self.config, weights)

    def weight_names(self) -> list[str]:
        """Names of the tensors, by which the graphs know them."""
        return list(self._loaded().weights)

    def weight_memory(self, name: str) -> NDArray[np.uint8]:
        """A tensor as little-endian float32 bytes."""
        return np.ascontiguousarray(self._loaded().weights[name]).reshape(-1).view(np.uint8)

    def forget_weights(self) -> None:
        """Frees the weights, once ONNX Runtime has its own copy of them."""
        self._checkpoint = None

    def choose_graphs(
        self, manifest: str, max_tokens: int | None, more: bool = False, target: str = "cpu"
    ) -> str:
        """Which graphs of ``graphs.json`` to load, as JSON; see `graph_choice.choose_graphs`."""
        return choose_graphs(manifest, self.config, max_tokens, more, target)

    def _loaded(self) -> Checkpoint:
        if self._checkpoint is None:
            raise RuntimeError("the weights were freed")
        return self._checkpoint


def _processor(text: str | None) -> AutoGazeImageProcessor:
    return AutoGazeImageProcessor() if text is None else AutoGazeImageProcessor.from_json(text)
