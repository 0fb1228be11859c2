"""The local server: ports that are taken, paths outside the site, types."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import serve_site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("not part of the site")
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "index.html").write_text("<title>the page</title>")
    (dist / "module.mjs").write_text("export {};")
    return dist


@pytest.fixture
def server(folder: Path) -> Iterator[serve_site.SiteServer]:
    with serve_site.make_server(folder, prefix="/sub/path/") as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def get(server: serve_site.SiteServer, path: str) -> tuple[int, str | None, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}{path}") as reply:
            return reply.status, reply.headers["Content-Type"], reply.read()
    except urllib.error.HTTPError as error:
        return error.code, None, b""


def test_files_are_served_below_the_prefix_only(server: serve_site.SiteServer) -> None:
    assert get(server, "/sub/path/") == (200, "text/html", b"<title>the page</title>")
    assert get(server, "/sub/path/module.mjs?v=1") == (200, "text/javascript", b"export {};")
    for path in (
        "/",
        "/index.html",
        "/sub/index.html",
        "/sub/path/../../secret.txt",
        "/sub/path/%2e%2e/secret.txt",
    ):
        assert get(server, path)[0] == 404, path


def test_the_next_free_port_is_taken(folder: Path) -> None:
    with serve_site.make_server(folder) as first:
        port = first.server_address[1]
        with serve_site.make_server_near(folder, port) as second:
            assert port < second.server_address[1] <= port + serve_site.PORTS_TO_TRY


def test_no_free_port_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve_site, "PORTS_TO_TRY", 0)
    with (
        serve_site.make_server(folder) as first,
        pytest.raises(serve_site.PortError, match=r"taken: choose another one with PORT="),
    ):
        serve_site.make_server_near(folder, first.server_address[1])


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", ""])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    done = subprocess.run(
        [sys.executable, serve_site.__file__, "--port=" + port],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert done.returncode == 1
    assert done.stderr == f"error: PORT={port} is no port: give a number from 1 to 65535\n"


def test_every_response_has_the_policy_of_the_page(folder: Path) -> None:
    meta = '<meta http-equiv="Content-Security-Policy" content="%s" />'
    (folder / "index.html").write_text(meta % "worker-src blob:")
    (folder / "frame.html").write_text(meta % "connect-src https:")
    (folder / "example").mkdir()
    (folder / "example" / "index.html").write_text(meta % "worker-src 'self'")
    with serve_site.make_server(folder) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        for path, policy in (
            ("", "worker-src blob:"),
            ("module.mjs", "worker-src 'self' blob:"),
            ("example/", "worker-src 'self'"),
            ("frame.html", "connect-src https:"),
        ):
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}/{path}") as reply:
                assert reply.headers["Content-Security-Policy"] == f"{policy}; frame-ancestors 'self'"
        with socket.create_connection(("127.0.0.1", server.server_address[1])) as connection:
            connection.sendall(b"nonsense\r\n\r\n")
            assert b"400" in connection.recv(4096)
        server.shutdown()
