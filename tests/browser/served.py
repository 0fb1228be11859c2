"""A folder served on this machine while a block runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import serve_site

# The server checks this often whether it is to end.
_LOOK_SECONDS = 0.02

MODULES = Path(__file__).parent / "pages"


class _Handler(serve_site.SiteHandler):
    """The folder, and at /tests/ the modules that tests call in a page (`in_page.py`)."""

    def translate_path(self, path: str) -> str:
        """The file for the path of a request."""
        if path.startswith("/tests/"):
            return str(MODULES / Path(path).name)
        return super().translate_path(path)


@contextmanager
def served(
    folder: Path = serve_site.DIST,
    prefix: str = "/",
    isolated: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """The address of a folder on a free port; it ends in the prefix.

    Args:
        folder: what to serve; the site if nothing is given.
        prefix: the path below which it appears, starting and ending with a slash.
        isolated: whether answers have the headers that allow threads and exact clocks, and the page's policy.
        headers: further ones.
    """
    isolation = serve_site.ISOLATION_HEADERS if isolated else {}
    handler = partial(
        _Handler,
        prefix=prefix,
        headers={**isolation, **(headers or {})},
        with_policy=isolated,
        directory=str(folder),
    )
    with serve_site.SiteServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(_LOOK_SECONDS,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}{prefix}"
        finally:
            server.shutdown()
