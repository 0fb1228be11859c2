"""Serves the built site on this machine: `make demo`, and the browser tests.

Any static server will do (`python -m http.server -d site/dist`); this one sends every file with its right
type whatever the system's tables say, finds a free port and stops without a traceback.
"""

from __future__ import annotations

import argparse
import errno
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

DIST = Path(__file__).resolve().parent / "dist"
PORTS_TO_TRY = 20

# Without these no page may use threads in WebAssembly. Static hosts send none, so neither do we by default.
ISOLATION_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


class PortError(Exception):
    """No port could be had; the message is one sentence for a person."""


class SiteHandler(SimpleHTTPRequestHandler):
    """Serves a folder below a prefix of the address, with the types that modules and WebAssembly need."""

    protocol_version = "HTTP/1.1"
    extensions_map = {  # noqa: RUF012 (the base class has it so)
        **SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".js": "text/javascript",
        ".json": "application/json",
        ".wasm": "application/wasm",
        ".webmanifest": "application/manifest+json",
        ".whl": "application/zip",
    }

    def __init__(
        self, *args: object, prefix: str = "/", headers: dict[str, str] | None = None, directory: str
    ) -> None:
        self.prefix = prefix
        self.extra_headers = headers or {}
        super().__init__(*args, directory=directory)  # type: ignore[arg-type]

    def translate_path(self, path: str) -> str:
        """The file for the path of a request; one that cannot exist for a path outside the prefix."""
        if not path.startswith(self.prefix):
            return str(Path(self.directory) / "no such file")
        return super().translate_path("/" + path.removeprefix(self.prefix))

    def end_headers(self) -> None:
        """Add our own headers to those of every answer."""
        # A page that is being worked on must never be a mixture of old and new modules.
        self.send_header("Cache-Control", "no-cache")
        for name, value in self.extra_headers.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the terminal is for the address, and the browser shows its own requests."""


class SiteServer(ThreadingHTTPServer):
    """One thread for each request; two servers never share a port."""

    daemon_threads = True
    # Newer Pythons set it, and then the system hands requests to either of two servers on one port.
    allow_reuse_port = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Reports what went wrong, but for a browser that hangs up, as it does on a cancelled download."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def make_server(
    dist: Path = DIST, port: int = 0, prefix: str = "/", headers: dict[str, str] | None = None
) -> SiteServer:
    """A server of `dist` on this machine alone, not yet running; port 0 is any free one.

    Args:
        dist: the folder to serve.
        port: 0 .. 65535.
        prefix: the path below which it appears, starting and ending with a slash.
        headers: further headers of every answer.

    Raises:
        OSError: if the port is in use or may not be used.
    """
    handler = partial(SiteHandler, prefix=prefix, headers=headers, directory=str(dist))
    return SiteServer(("127.0.0.1", port), handler)


def make_server_near(dist: Path, port: int) -> SiteServer:
    """A server on `port`, or on the next free one after it.

    Raises:
        PortError: if none of the next ports is free either, or the port may not be used.
    """
    last = min(port + PORTS_TO_TRY, 65535)
    for candidate in range(port, last + 1):
        try:
            return make_server(dist, candidate)
        except OSError as error:
            if error.errno == errno.EACCES:
                raise PortError(f"port {candidate} needs an administrator's rights: try PORT=8000") from None
            if error.errno != errno.EADDRINUSE:
                raise
    raise PortError(f"ports {port} to {last} are all taken: choose another one with PORT=...")


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve site/dist on this machine.")
    parser.add_argument("--port", default="8000", help="the port, or the first one to try (default 8000)")
    wanted = parser.parse_args().port
    if not wanted.isdecimal() or not 1 <= int(wanted) <= 65535:
        sys.exit(f"error: PORT={wanted} is no port: give a number from 1 to 65535")
    if not (DIST / "index.html").is_file():
        sys.exit("error: site/dist holds no page yet: run 'make site' first, or 'make demo' for both")
    try:
        server = make_server_near(DIST, int(wanted))
    except PortError as error:
        sys.exit(f"error: {error}")
    port = server.server_address[1]
    if port != int(wanted):
        print(f"Port {wanted} is taken; using the next free one.")
    print(f"AutoGaze is at http://localhost:{port}/  (Ctrl-C stops it)", flush=True)
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("\nStopped.")


if __name__ == "__main__":
    main()
