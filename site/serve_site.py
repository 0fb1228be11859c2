"""Serves the built site on this machine, for `make demo` and the browser tests.

Any static server works (`python -m http.server -d site/dist`). This one sends the correct type of every file
regardless of the system's tables, finds a free port and stops without a traceback.
"""

from __future__ import annotations

import argparse
import errno
import re
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

DIST = Path(__file__).resolve().parent / "dist"
PORTS_TO_TRY = 20

# WebAssembly threads require these headers. Like static hosts, this server does not send them by default.
ISOLATION_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}

# Other sites cannot show the page in a frame, where a click could be stolen. No <meta> element can say so.
FRAME_ANCESTORS = "frame-ancestors 'self'"
_POLICY = re.compile(r'<meta\s+http-equiv="Content-Security-Policy"\s+content="([^"]*)"')


def policy_of(document: Path) -> str:
    """The Content-Security-Policy in the `<meta>` element of a document, empty if there is none."""
    found = _POLICY.search(document.read_text(encoding="utf-8")) if document.is_file() else None
    return found[1] if found else ""


def policy_of_files(page: str) -> str:
    """The policy of a site's modules, given that of its page.

    Workers that the page starts inherit its `worker-src blob:`. A page that uses the JavaScript API may start
    its worker from the network, and that worker starts the model's in the same way.
    """
    return page.replace("worker-src blob:", "worker-src 'self' blob:")


class PortError(Exception):
    """No port is available; the message is one sentence for the user."""


class SiteHandler(SimpleHTTPRequestHandler):
    """Serves a folder under a path prefix, with the types that modules and WebAssembly need."""

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
        self,
        *args: object,
        prefix: str = "/",
        headers: dict[str, str] | None = None,
        with_policy: bool = False,
        directory: str,
    ) -> None:
        self.prefix = prefix
        self.extra_headers = headers or {}
        self.with_policy = with_policy
        super().__init__(*args, directory=directory)  # type: ignore[arg-type]

    def translate_path(self, path: str) -> str:
        """The file for a request's path; a file that cannot exist if the path is outside the prefix."""
        if not path.startswith(self.prefix):
            return str(Path(self.directory) / "no such file")
        return super().translate_path("/" + path.removeprefix(self.prefix))

    def end_headers(self) -> None:
        """Add our own headers to every response."""
        # During development a page must never mix old and new modules.
        self.send_header("Cache-Control", "no-cache")
        for name, value in self.extra_headers.items():
            self.send_header(name, value)
        if self.with_policy:
            self.send_header("Content-Security-Policy", self._policy())
        super().end_headers()

    def _policy(self) -> str:
        """The policy of the requested document, or, for any other file, that of the site's modules."""
        page = Path(self.directory) / "index.html"
        document = Path(self.translate_path(getattr(self, "path", "/")))  # a malformed request has none
        if document.is_dir():
            document /= "index.html"
        own = policy_of(document) if document.suffix == ".html" else ""
        policy = own or policy_of_files(policy_of(page))
        return "; ".join(filter(None, [policy, FRAME_ANCESTORS]))

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the terminal shows the address, and the browser shows its requests."""


class SiteServer(ThreadingHTTPServer):
    """Uses one thread per request; two servers never share a port."""

    daemon_threads = True
    # Newer Python versions set it; requests would then be distributed over two servers on one port.
    allow_reuse_port = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report errors, except closed connections, which cancelled downloads cause."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def make_server(
    dist: Path = DIST, port: int = 0, prefix: str = "/", headers: dict[str, str] | None = None
) -> SiteServer:
    """A server of `dist` that only this machine can reach, not yet running.

    Every response has the page's Content-Security-Policy as a header, so that workers are under it, too.

    Args:
        dist: the folder to serve.
        port: 0 .. 65535; 0 selects a free port.
        prefix: the path under which the folder appears, starting and ending with a slash.
        headers: additional headers of every response.

    Raises:
        OSError: if the port is in use or not permitted.
    """
    handler = partial(SiteHandler, prefix=prefix, headers=headers, with_policy=True, directory=str(dist))
    return SiteServer(("127.0.0.1", port), handler)


def make_server_near(dist: Path, port: int) -> SiteServer:
    """A server on `port`, or on the next free port after it.

    Raises:
        PortError: if none of the following ports is free either, or the port is not permitted.
    """
    last = min(port + PORTS_TO_TRY, 65535)
    for candidate in range(port, last + 1):
        try:
            return make_server(dist, candidate)
        except OSError as error:
            if error.errno == errno.EACCES:
                raise PortError(f"port {candidate} requires administrator rights: try PORT=8000") from None
            if error.errno != errno.EADDRINUSE:
                raise
    raise PortError(f"ports {port} to {last} are all taken: choose another one with PORT=...")


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve site/dist on this machine.")
    parser.add_argument("--port", default="8000", help="the first port to try (default 8000)")
    wanted = parser.parse_args().port
    if not wanted.isdecimal() or not 1 <= int(wanted) <= 65535:
        sys.exit(f"error: PORT={wanted} is no port: give a number from 1 to 65535")
    if not (DIST / "index.html").is_file():
        sys.exit("error: site/dist has not been built: run 'make site' or 'make demo' first")
    try:
        server = make_server_near(DIST, int(wanted))
    except PortError as error:
        sys.exit(f"error: {error}")
    port = server.server_address[1]
    if port != int(wanted):
        print(f"Port {wanted} is taken; using the next free one.")
    print(f"AutoGaze is at http://localhost:{port}/  (press Ctrl-C to stop)", flush=True)
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("\nStopped.")


if __name__ == "__main__":
    main()
