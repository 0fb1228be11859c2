"""The bridge of `page/encoder_runs.py` in Python: what JavaScript does, on native ONNX Runtime."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from autogaze_web.encoder.checkpoint import SiglipCheckpoint
from autogaze_web.native.runtime import create_session
from autogaze_web.page.encoder_model import PageEncoder


def page_encoder(folder: Path, **overrides: Any) -> PageEncoder:
    """The encoder of a folder as the page reads it: texts, and the headers of its weights."""
    preprocessor, index = folder / "preprocessor_config.json", folder / "model.safetensors.index.json"
    encoder = PageEncoder(
        (folder / "config.json").read_text(),
        preprocessor.read_text() if preprocessor.exists() else None,
        index=index.read_text() if index.exists() else None,
        **overrides,
    )
    heads = []
    for name in encoder.files():
        data = (folder / name).read_bytes()
        heads.append((name, data[: 8 + int.from_bytes(data[:8], "little")], len(data)))
    encoder.read_heads(heads)
    return encoder


class Answer:
    """A JavaScript array."""

    def __init__(self, values: np.ndarray) -> None:
        self._values = values

    def to_py(self) -> np.ndarray:
        return self._values


class NativeBridge:
    """Runs graphs and keeps the keys and values of streams, as the runner of `wasm_bridge` does."""

    def __init__(self, graphs: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
        values = {name: ort.OrtValue.ortvalue_from_numpy(array) for name, array in weights.items()}
        self._sessions = {kind: create_session(graph, values, None) for kind, graph in graphs.items()}
        self._weights = values
        self._past: dict[str, dict[str, np.ndarray]] = {}
        self._fresh: dict[str, dict[str, np.ndarray]] = {}
        self.headers: list[dict[str, Any]] = []
        self.runs_at_once = self.most_at_once = 0
        self.gate: asyncio.Event | None = None

    @staticmethod
    def of(folder: Path, encoder: PageEncoder) -> NativeBridge:
        from autogaze_web.graph.encoder import encoder_graph

        weights = SiglipCheckpoint.from_folder(folder).weights
        return NativeBridge({"encoder": encoder_graph(encoder.config)}, dict(weights))

    async def execute(self, header: str, packed: np.ndarray) -> Answer:
        self.runs_at_once += 1
        self.most_at_once = max(self.most_at_once, self.runs_at_once)
        run, data = json.loads(header), packed.tobytes()
        self.headers.append(run)
        await asyncio.sleep(0)
        if self.gate is not None:
            await self.gate.wait()
        feeds = {}
        for name, dtype, start, size in run["feeds"]:
            values = np.frombuffer(data[start : start + size], dtype)
            feeds[name] = values.reshape(run["shapes"][name])
        session = self._sessions[run["graph"]]
        feeds |= self._cached(run, session)
        names = [output.name for output in session.get_outputs()]
        outputs = dict(zip(names, session.run(names, feeds), strict=True))
        self._fresh[run["stream"]] = {name: outputs[name] for name in names if name.startswith("new_")}
        self.runs_at_once -= 1
        answered = [outputs[name].reshape(-1) for name in run["outputs"]]
        return Answer(np.concatenate([np.array([1.5], np.float32), *answered]))

    def forget(self, stream: str) -> None:
        self._past.pop(stream, None)
        self._fresh.pop(stream, None)

    @property
    def streams(self) -> set[str]:
        """Streams whose keys and values are kept."""
        return {stream for stream, rows in self._past.items() if rows}

    def _cached(self, run: dict[str, Any], session: ort.InferenceSession) -> dict[str, np.ndarray]:
        shapes = {each.name: each.shape for each in session.get_inputs() if "past_" in each.name}
        shapes = {name: shape for name, shape in shapes.items() if isinstance(shape[1], str)}
        if run["restart"]:
            self._past[run["stream"]] = {
                name: np.zeros((heads, 1, width), np.float32) for name, (heads, _, width) in shapes.items()
            }
        past = self._past.setdefault(run["stream"], {})
        for name in shapes:
            if run["kept"]:
                new = self._fresh[run["stream"]][name.replace("past_", "new_")][:, run["kept"]]
                past[name] = np.concatenate([past[name], new], axis=1)
            past[name] = np.delete(past[name], np.s_[1 : 1 + run["dropped"]], axis=1)
        return past
