"""A server of model files that fails in every way real ones do, and remembers what it was asked.

By default it answers as the file servers of Hugging Face do: any page may read its files, their ETag and
their ranges, but a preflight is not granted, so that a request which needs one fails.
"""

from __future__ import annotations

import gzip
import re
import select
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHUNK = 16_384
SECONDS = 60
"""How long a test waits for a client, at most."""


@dataclass
class Served:
    """What the server does with requests for one path.

    Attributes:
        body: the file.
        status: of the answer; with one that is not 200 the body is sent as it is.
        content_type: the type it claims.
        etag, last_modified: its version; None leaves the header out.
        ranges: whether range requests are understood; otherwise the whole file is sent.
        cors: whether pages of other origins may read it.
        expose: the response headers that those may read besides the usual ones.
        stop_after: so many bytes are sent, then nothing more; None sends all.
        silent: no answer at all comes.
        chunked: the length is not told.
        compressed: sent with Content-Encoding: gzip.
        redirect: the address to which the client is sent.
        delay: seconds between chunks of 16 KiB.
    """

    body: bytes
    status: int = 200
    content_type: str = "application/octet-stream"
    etag: str | None = '"1"'
    last_modified: str | None = None
    ranges: bool = True
    cors: bool = True
    expose: str = "Accept-Ranges, Content-Range, Content-Type, ETag"
    stop_after: int | None = None
    silent: bool = False
    chunked: bool = False
    compressed: bool = False
    redirect: str | None = None
    delay: float = 0


@dataclass
class Asked:
    """One request: its method, path and headers (lower case), and what became of it.

    Attributes:
        broken: set when its connection is to end.
        sent: bytes of the body that were sent.
        gone: whether the client ended the connection before the answer was complete.
        finished: set when nothing more happens to it.
    """

    method: str
    path: str
    headers: dict[str, str]
    broken: threading.Event
    sent: int = 0
    gone: bool = False
    finished: threading.Event = field(default_factory=threading.Event)


class ModelServer:
    """Serves `files` by their path at `url`, an origin of its own, until it is stopped."""

    def __init__(self) -> None:
        self.files: dict[str, Served] = {}
        self.asked: list[Asked] = []
        self.broken = threading.Event()
        self._port = 0
        self._http: ThreadingHTTPServer | None = None
        self.start()

    @property
    def url(self) -> str:
        """The address, with a slash at its end."""
        return f"http://127.0.0.1:{self._port}/"

    def start(self) -> None:
        """Listen, on the same port as before if it was stopped."""
        self._http = _Http(("127.0.0.1", self._port), _Handler)
        self._http.model_server = self  # type: ignore[attr-defined]
        self._port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Refuse every connection from now on."""
        self.break_connections()
        if self._http:
            self._http.shutdown()
            self._http.server_close()
            self._http = None

    def break_connections(self) -> None:
        """End the connections on which something is still owed, now or once they have come to that."""
        self.broken.set()
        self.broken = threading.Event()

    def of(self, path: str) -> list[Asked]:
        """The requests for a path, in order."""
        return [asked for asked in self.asked if asked.path == path]

    def ended(self, path: str) -> list[Asked]:
        """The same, once nothing more happens to them: a client may have all before the server knows."""
        requests = self.of(path)
        for asked in requests:
            assert asked.finished.wait(SECONDS), f"{path} is still being sent"
        return requests


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """A running server, stopped at the end."""
    server = ModelServer()
    try:
        yield server
    finally:
        server.stop()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_port = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: clients that go away belong to the tests."""


class _Handler(BaseHTTPRequestHandler):
    """One request on one connection, so that a connection ends with its request."""

    def do_GET(self) -> None:
        asked = self._remember()
        try:
            self._answer(asked)
        except OSError:
            asked.gone = True
        finally:
            asked.finished.set()

    def do_OPTIONS(self) -> None:
        asked = self._remember()
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()
        asked.finished.set()

    def _remember(self) -> Asked:
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, self._server.broken)
        self._server.asked.append(asked)
        return asked

    @property
    def _server(self) -> ModelServer:
        return self.server.model_server  # type: ignore[attr-defined, no-any-return]

    def _answer(self, asked: Asked) -> None:
        served = self._server.files.get(self.path.split("?")[0])
        if served is None:
            served = Served(b"no such file", status=404, content_type="text/plain", etag=None)
        if served.silent:
            self._wait_for_end(asked)
            return
        body, status, content_range = served.body, served.status, None
        wanted = self._range() if served.ranges and status == 200 else None
        if wanted and wanted.start >= len(body):
            status, body, content_range = 416, b"", f"bytes */{len(served.body)}"
        elif wanted:
            status, body = 206, body[wanted.start : wanted.stop]
            end = wanted.start + len(body) - 1
            content_range = f"bytes {wanted.start}-{end}/{len(served.body)}"
        if served.compressed:
            body = gzip.compress(body, 1)
        if served.redirect:
            status, body = 302, b""
        self.send_response(status)
        headers = {
            "Content-Type": served.content_type,
            "Content-Length": None if served.chunked else str(len(body)),
            "Content-Encoding": "gzip" if served.compressed else None,
            "Content-Range": content_range,
            "ETag": served.etag,
            "Last-Modified": served.last_modified,
            "Location": served.redirect,
            "Access-Control-Allow-Origin": "*" if served.cors else None,
            "Access-Control-Expose-Headers": served.expose if served.cors else None,
        }
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self._send(asked, body, served)

    def _range(self) -> range | None:
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        return range(int(found[1]), int(found[2] or sys.maxsize - 1) + 1) if found else None

    def _send(self, asked: Asked, body: bytes, served: Served) -> None:
        end = len(body) if served.stop_after is None else min(served.stop_after, len(body))
        for position in range(0, end, CHUNK):
            chunk = body[position : min(position + CHUNK, end)]
            self.wfile.write(chunk)
            asked.sent += len(chunk)
            time.sleep(served.delay)
        if end < len(body):
            self._wait_for_end(asked)

    def _wait_for_end(self, asked: Asked) -> None:
        """Stays silent until the client ends the connection, or `break_connections` does."""
        while not asked.broken.is_set():
            if select.select([self.connection], [], [], 0.02)[0]:
                asked.gone = not self.connection.recv(1)
                return

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""
