"""What can be wrong with a model's files, and what is said about it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from model_client import CONFIG, PATH, PREPROCESSOR, WEIGHTS, assert_complete, assert_says, sha256
from model_server import SECONDS, Served

pytestmark = pytest.mark.browser


LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1600128\n"
ERROR_PAGE = b"<!doctype html><title>Sign in</title>"
CHECK_CONFIG = "give the address of the config.json itself as config-url."
CHECK_WEIGHTS = "give the address of the model.safetensors itself as weights-url."
# Yet longer than a busy machine takes to answer.
SHORT = {"download": 1500, "check": 1500}
HUGE_HEADER = (10**9).to_bytes(8, "little") + b"{" + bytes(100)


class TestWrongServers:
    @pytest.mark.parametrize(
        ("status", "sentence"),
        [
            (404, "There is no model.safetensors at {url} (404): check weights-url."),
            (
                401,
                "{host} does not give model.safetensors to everyone (401): the model is private, asks for "
                "consent first or does not exist. Download its files where you are logged in and drop them "
                "on the page, or check weights-url.",
            ),
            (403, "{host} does not give model.safetensors to everyone (403): "),
            (429, "{host} limits how much is downloaded (429): wait some minutes, "),
            (500, "{host} failed to send model.safetensors (500): try again later."),
            (503, "{host} failed to send model.safetensors (503): try again later."),
            (204, "{host} answered with status 204 instead of model.safetensors: check weights-url."),
            (418, "{host} answered with status 418 instead of model.safetensors: check weights-url."),
        ],
    )
    def test_a_refusal(self, client, status, sentence):
        client.recorded.expect_problem(f"{status}")
        client.server.files[PATH] = Served(b"", status=status)
        url = client.server.url + PATH[1:]
        expected = sentence.format(url=url, host=url.split("/")[2])
        said = client.fails()
        assert_says(said, expected)
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
        said = client.fails(silences=SHORT)
        host = client.server.url.split("/")[2]
        assert (
            said == f"{host} does not answer, so model.safetensors could not be downloaded: try again later."
        )
        assert client.server.of(PATH)[0].finished.wait(SECONDS)

    def test_a_server_that_falls_silent(self, client):
        client.server.files[PATH] = Served(WEIGHTS, stop_after=600_000)
        assert "broke off after 0.6 of 1.6 MB" in client.fails(silences=SHORT)
        assert client.server.of(PATH)[0].finished.wait(SECONDS)
        client.server.files[PATH] = Served(WEIGHTS)
        assert_complete(client.load())
        assert client.server.of(PATH)[1].headers["range"].startswith("bytes=")

    @pytest.mark.parametrize(
        ("name", "content", "sentence"),
        [
            (
                "model.safetensors",
                ERROR_PAGE,
                f"is a web page (HTML), not a model.safetensors: {CHECK_WEIGHTS}",
            ),
            ("config.json", ERROR_PAGE, f"is a web page (HTML), not a config.json: {CHECK_CONFIG}"),
            (
                "preprocessor_config.json",
                ERROR_PAGE,
                "is a web page (HTML), not a preprocessor_config.json: "
                "give the address of the preprocessor_config.json itself as config-url.",
            ),
            ("config.json", b"", f"is empty where a config.json should be: {CHECK_CONFIG}"),
            ("config.json", b'{"a": 1,', "is not valid JSON (Expected double-quoted property name"),
            ("config.json", b'{"a": "\xff"}', "is not valid JSON (it is not UTF-8 text)"),
            ("model.safetensors", LFS_POINTER, "is a Git LFS pointer to the model.safetensors, not the file"),
            ("model.safetensors", b'{"error": "no such revision"}', "is not a safetensors file: "),
            ("model.safetensors", b"PK\x03\x04" + bytes(900), "is not a safetensors file: "),
            ("model.safetensors", HUGE_HEADER, f"is not a safetensors file: {CHECK_WEIGHTS}"),
            ("model.safetensors", b"\x10\0\0\0\0\0\0\0{not json at all", "is not a safetensors file: "),
            ("model.safetensors", b"abc", "is not a safetensors file: "),
            (
                "model.safetensors",
                WEIGHTS[:-1],
                f"is truncated: it has {len(WEIGHTS) - 1:,} bytes of at least {len(WEIGHTS):,}: "
                + CHECK_WEIGHTS,
            ),
            ("model.safetensors", WEIGHTS[:20], "is truncated: it has 20 bytes of at least "),
        ],
    )
    def test_something_else_than_the_file(self, client, name, content, sentence):
        client.server.files[f"/model/{name}"] = Served(content)
        said = client.fails()
        prefix = f"{client.server.url}model/{name} "
        assert said.startswith(prefix)
        assert_says(said.removeprefix(prefix), sentence)
        assert name not in client.stored(), "a wrong file was kept"

    def test_a_download_without_a_length_that_ends_early(self, client):
        client.server.files[PATH] = Served(WEIGHTS, chunked=True, stop_after=700_000)
        client.start()
        client.wait_for_bytes(700_000)
        client.server.break_connections()
        said = client.finish()["error"]["message"]
        assert f" is truncated: it has 700,000 bytes of at least {len(WEIGHTS):,}: " in said
        assert "model.safetensors" not in client.stored()

    def test_a_page_about_the_file(self, client):
        client.server.files["/nvidia/AutoGaze/blob/main/model.safetensors"] = Served(ERROR_PAGE)
        url = client.server.url + "nvidia/AutoGaze/blob/main/model.safetensors"
        assert client.fails(weightsUrl=url).endswith(', on huggingface.co with "resolve" in place of "blob".')

    @pytest.mark.parametrize("chunked", [False, True])
    def test_weights_given_as_the_config(self, client, chunked):
        client.server.files[PATH] = replace(client.server.files[PATH], chunked=chunked)
        said = client.fails(configUrl=client.server.url + "model/model.safetensors")
        assert "MB, but a config.json of AutoGaze has at most 1.0: check config-url." in said

    @pytest.mark.parametrize(
        ("given", "problem"),
        [
            ("", "is no address"),
            ("https://", "is no address"),
            ("ftp://example.org/model.safetensors", "does not begin with https:// or http://"),
            ("C:\\models\\model.safetensors", "does not begin with https:// or http://"),
            ("https://me:secret@example.org/w", "holds a password, which browsers do not send"),
            ("http://example.org/w", "begins with http://, which a page opened by https may not load"),
            ("https://huggingface.co/nvidia/AutoGaze/", "is a folder"),
        ],
    )
    def test_addresses_that_cannot_be_one(self, client, given, problem):
        answer = client.page.evaluate(
            "(args) => call('urls', args)", {"base": "https://example.org/page/", "weightsUrl": given}
        )
        assert answer["error"]["message"] == (
            "weights-url is the address of a model.safetensors, such as "
            f'https://huggingface.co/nvidia/AutoGaze/resolve/main/model.safetensors; "{given}" {problem}.'
        )


# Loads what the file input holds.
LOAD_CHOSEN = """async () => call("load", { files: [...document.querySelector("input").files] })"""


class TestChosenFiles:
    def choose(self, client, *files):
        client.page.set_input_files(
            "input", [{"name": name, "mimeType": "", "buffer": content} for name, content in files]
        )
        return client.page.evaluate(LOAD_CHOSEN)

    @pytest.mark.parametrize(
        "names",
        [
            ("model.safetensors", "preprocessor_config.json", "config.json"),
            ("model (2).safetensors", "preprocessor_config (1).json", "config (3).json"),
            ("weights.bin", "one.txt", "two.txt"),
        ],
    )
    def test_in_any_order_and_under_any_name(self, client, names):
        answer = self.choose(client, *zip(names, (WEIGHTS, PREPROCESSOR, CONFIG), strict=True))
        model = answer["value"]
        assert_complete(model)
        assert model["notes"] == []
        assert model["progress"][-1] == [len(WEIGHTS) + len(PREPROCESSOR) + len(CONFIG)] * 2
        assert model["origins"]["weights"] == {
            "from": "file",
            "where": names[0],
            "bytes": len(WEIGHTS),
            "etag": None,
            "sha256": sha256(WEIGHTS),
            "kept": False,
        }
        assert client.server.asked == []

    def test_the_preprocessor_config_may_be_missing(self, client):
        answer = self.choose(client, ("config.json", CONFIG), ("model.safetensors", WEIGHTS))
        assert answer["value"]["preprocessor"] is None
        assert "has no preprocessor_config.json" in answer["value"]["notes"][0]

    @pytest.mark.parametrize(
        ("files", "sentence"),
        [
            (
                [("config.json", CONFIG)],
                "model.safetensors of the model is missing: choose all its files together.",
            ),
            (
                [("a.safetensors", WEIGHTS)],
                "config.json of the model is missing: choose all its files together.",
            ),
            (
                [("preprocessor_config.json", PREPROCESSOR)],
                "config.json and model.safetensors of the model is missing: choose all its files together.",
            ),
            (
                [("config.json", CONFIG), ("other.json", CONFIG), ("model.safetensors", WEIGHTS)],
                '"config.json" and "other.json" are both a config.json: choose one of them.',
            ),
            (
                [("config.json", CONFIG), ("bird.mp4", b"\0\0\0\x18ftypmp42")],
                '"bird.mp4" is not a file of an AutoGaze model: choose config.json and model.safetensors.',
            ),
            (
                [("config.json", b"{oops"), ("model.safetensors", WEIGHTS)],
                '"config.json" is not valid JSON (Expected property name',
            ),
            (
                [("config.json", CONFIG), ("model.safetensors", WEIGHTS[:5000])],
                '"model.safetensors" is truncated: it has 5,000 bytes of at least ',
            ),
            (
                [("config.json", CONFIG), ("model.safetensors", LFS_POINTER)],
                '"model.safetensors" is a Git LFS pointer to the model.safetensors, not the file itself',
            ),
        ],
    )
    def test_wrong_ones(self, client, files, sentence):
        said = self.choose(client, *files)["error"]["message"]
        assert_says(said, sentence)

    def test_a_file_that_is_gone(self, client, tmp_path):
        for name, content in (("config.json", CONFIG), ("model.safetensors", WEIGHTS)):
            (tmp_path / name).write_bytes(content)
        client.page.set_input_files("input", [tmp_path / "config.json", tmp_path / "model.safetensors"])
        (tmp_path / "model.safetensors").unlink()
        assert client.page.evaluate(LOAD_CHOSEN)["error"]["message"] == (
            '"model.safetensors" cannot be read: it is a folder, or was changed, moved or deleted; '
            "choose the file again."
        )
