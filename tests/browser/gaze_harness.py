"""The model in a browser's worker, for tests: checkpoints and data served beside the site."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from in_page import in_page
from numpy.typing import NDArray
from playwright.sync_api import Page, Route


class GazeWorker:
    """A worker with Python and at most one model. Files are answered from ``files`` by their path."""

    def __init__(self, page: Page, site_url: str) -> None:
        self._page, self._site = page, site_url
        self.files: dict[str, bytes] = {}
        page.route("**/test-data/**", self._answer)
        # Any page of the origin will do; this one runs nothing.
        page.goto(site_url + "options.json")
        self._call("start")

    def load(self, folder: dict[str, bytes], **options: Any) -> dict[str, Any]:
        """Loads a checkpoint, given its files; ``options`` are those of ``LoadedModel.load``."""
        self.files |= {f"checkpoint/{name}": content for name, content in folder.items()}
        options = {"maxTokens": None, "graphsUrl": self._site + "graphs/", **options}
        return dict(self._call("load", folder=f"{self._site}test-data/checkpoint", **options))

    def serve(self, name: str, folder: Path) -> str:
        """Serves a folder's files and returns their address."""
        self.files |= {
            f"{name}/{path.name}": path.read_bytes() for path in folder.iterdir() if path.is_file()
        }
        return f"{self._site}test-data/{name}/"

    def run(self, source: str, array: NDArray[np.float32]) -> tuple[Any, dict[str, int]]:
        """Runs ``async def main(model, graphs, bridge, data)`` on an array; its JSON and the counters."""
        buffer = io.BytesIO()
        np.save(buffer, array)
        self.files["array.npy"] = buffer.getvalue()
        answer = self._call("run", source=source, data=self._site + "test-data/array.npy")
        return answer["result"], answer["counters"]

    def load_encoder(self, folder: Path, graphs: Path, **options: Any) -> dict[str, Any]:
        """Loads a folder's encoder with the graphs of another; options are `EncoderOptions`."""
        self.serve("encoder", folder)
        return dict(
            self._call(
                "loadEncoder",
                folder=f"{self._site}test-data/encoder",
                graphsUrl=self.serve("encoder-graphs", graphs),
                **options,
            )
        )

    def encode(self, source: str, arrays: dict[str, NDArray[Any]]) -> tuple[Any, dict[str, int]]:
        """Runs ``async def main(encoder, bridge, data)`` on an .npz; its JSON and the counters."""
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]  # the keyword allow_pickle is none of them
        self.files["arrays.npz"] = buffer.getvalue()
        answer = self._call("encode", source=source, data=self._site + "test-data/arrays.npz")
        return answer["result"], answer["counters"]

    def python(self, source: str) -> str:
        """Runs Python there and returns the string that its last line is."""
        return str(self._call("python", source=source))

    def close_model(self) -> None:
        """Frees the model."""
        self._call("close")

    def _call(self, command: str, **options: Any) -> Any:
        return in_page(self._page, "gaze_client.call", command, options, 290)

    def _answer(self, route: Route) -> None:
        content = self.files.get(route.request.url.split("/test-data/")[1])
        if content is None:
            route.fulfill(status=404, body="not here")
        else:
            route.fulfill(body=content, content_type="application/octet-stream")
