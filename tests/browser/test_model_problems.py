"""What a browser makes of wrong files and servers of a model; tests/javascript has every other case."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from model_client import CONFIG, PATH, PREPROCESSOR, WEIGHTS, assert_complete, assert_says, sha256
from model_server import SECONDS, Served

pytestmark = pytest.mark.browser


ERROR_PAGE = b"<!doctype html><title>Sign in</title>"
CHECK_CONFIG = "give the address of the config.json itself as config-url."
CHECK_WEIGHTS = "give the address of the model.safetensors itself as weights-url."
# Yet longer than a busy machine takes to answer.
SHORT = {"download": 1500, "check": 1500}


class TestWrongServers:
    def test_a_refusal(self, client):
        client.recorded.expect_problem("404")
        client.server.files[PATH] = Served(b"", status=404)
        url = client.server.url + PATH[1:]
        assert client.fails() == f"There is no model.safetensors at {url} (404): check weights-url."
        assert "model.safetensors" not in client.stored()

    def test_a_server_that_allows_no_other_pages(self, client):
        client.recorded.expect_problem("CORS|ERR_FAILED")
        client.server.files[PATH] = replace(client.server.files[PATH], cors=False)
        host = client.server.url.split("/")[2]
        assert client.fails() == (
            f"model.safetensors could not be downloaded: either {host} cannot be reached, or it does not "
            "allow other web pages to read the file (CORS). Check the connection and the address, or "
            "download the model's files yourself and drop them on the page."
        )

    def test_no_server(self, client):
        client.recorded.expect_problem("ERR_CONNECTION_REFUSED")
        client.server.stop()
        assert "cannot be reached" in client.fails()

    def test_no_network(self, client):
        client.recorded.expect_problem("ERR_INTERNET_DISCONNECTED")
        client.page.context.set_offline(True)
        said = client.fails()
        assert re.fullmatch(
            r"There is no network, so [\w.]+ could not be downloaded: "
            r"connect and try again, or drop the model's files on the page\.",
            said,
        )

    def test_a_silent_server(self, client):
        client.server.files[PATH] = Served(WEIGHTS, silent=True)
        said = client.fails(timeouts=SHORT)
        host = client.server.url.split("/")[2]
        assert (
            said == f"{host} does not answer, so model.safetensors could not be downloaded: try again later."
        )
        assert client.server.of(PATH)[0].finished.wait(SECONDS)

    def test_a_server_that_falls_silent(self, client):
        client.server.files[PATH] = Served(WEIGHTS, stop_after=600_000)
        assert "broke off after 0.6 of 1.6 MB" in client.fails(timeouts=SHORT)
        assert client.server.of(PATH)[0].finished.wait(SECONDS)
        client.server.files[PATH] = Served(WEIGHTS)
        assert_complete(client.load())
        assert client.server.of(PATH)[1].headers["range"].startswith("bytes=")

    @pytest.mark.parametrize(
        ("name", "content", "sentence"),
        [
            ("config.json", ERROR_PAGE, f"is a web page (HTML), not a config.json: {CHECK_CONFIG}"),
            ("config.json", b'{"a": 1,', "is not valid JSON: "),
            (
                "model.safetensors",
                WEIGHTS[:-1],
                f"is truncated: it has {len(WEIGHTS) - 1:,} bytes of at least {len(WEIGHTS):,}: "
                + CHECK_WEIGHTS,
            ),
        ],
    )
    def test_something_else_than_the_file(self, client, name, content, sentence):
        client.server.files[f"/model/{name}"] = Served(content)
        said = client.fails()
        prefix = f"{client.server.url}model/{name} "
        assert said.startswith(prefix)
        assert_says(said.removeprefix(prefix), sentence)
        assert name not in client.stored(), "a wrong file was stored"


# Loads what the file input holds.
LOAD_CHOSEN = """async () => call("load", { files: [...document.querySelector("input").files] })"""


class TestChosenFiles:
    def choose(self, client, *files):
        client.page.set_input_files(
            "input", [{"name": name, "mimeType": "", "buffer": content} for name, content in files]
        )
        return client.page.evaluate(LOAD_CHOSEN)

    def test_in_any_order_and_under_any_name(self, client):
        names = ("model (2).safetensors", "preprocessor_config (1).json", "config (3).json")
        answer = self.choose(client, *zip(names, (WEIGHTS, PREPROCESSOR, CONFIG), strict=True))
        model = answer["value"]
        assert_complete(model)
        assert model["notes"] == []
        assert model["progress"][-1] == [len(WEIGHTS) + len(PREPROCESSOR) + len(CONFIG)] * 2
        assert model["origins"]["weights"][0] == {
            "from": "file",
            "where": names[0],
            "bytes": len(WEIGHTS),
            "etag": None,
            "sha256": sha256(WEIGHTS),
            "stored": False,
        }
        assert client.server.asked == []

    def test_one_that_is_missing(self, client):
        said = self.choose(client, ("config.json", CONFIG))["error"]["message"]
        assert said == "model.safetensors of the model is missing: choose all its files together."

    def test_a_file_that_is_gone(self, client, tmp_path):
        for name, content in (("config.json", CONFIG), ("model.safetensors", WEIGHTS)):
            (tmp_path / name).write_bytes(content)
        client.page.set_input_files("input", [tmp_path / "config.json", tmp_path / "model.safetensors"])
        (tmp_path / "model.safetensors").unlink()
        assert client.page.evaluate(LOAD_CHOSEN)["error"]["message"] == (
            '"model.safetensors" cannot be read: it is a folder, or was changed, moved or deleted; '
            "choose the file again."
        )
