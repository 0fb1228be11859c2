"""A model's files from a server to a worker: progress, redirects, resuming, cancelling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from model_client import (
    CONFIG,
    OTHER_WEIGHTS,
    PATH,
    PREPROCESSOR,
    WEIGHTS,
    ModelClient,
    assert_complete,
    sha256,
    wait_until,
)
from model_server import Served, model_server
from safetensors.numpy import save

from autogaze_web import options

pytestmark = pytest.mark.browser


class TestDownload:
    def test_three_files_with_progress_in_bytes(self, client):
        client.server.files[PATH] = replace(client.server.files[PATH], delay=0.002)
        model = client.load()
        assert_complete(model)
        assert model["notes"] == []
        total = len(CONFIG) + len(PREPROCESSOR) + len(WEIGHTS)
        loaded = [step[0] for step in model["progress"]]
        assert loaded == sorted(loaded)
        assert len(set(loaded)) > 5
        assert model["progress"][-1] == [total, total]
        assert {step[1] for step in model["progress"]} <= {0, total}
        origin = model["origins"]["weights"]
        assert origin == {
            "from": "network",
            "where": client.server.url + "model/model.safetensors",
            "bytes": len(WEIGHTS),
            "etag": '"w1"',
            "sha256": sha256(WEIGHTS),
            "kept": True,
        }

    def test_nothing_is_told_to_the_server_beyond_the_request(self, client):
        client.load()
        assert len(client.server.asked) == 3
        for asked in client.server.asked:
            assert asked.method == "GET"
            assert not {"referer", "cookie", "authorization"} & set(asked.headers)

    def test_without_addresses_it_is_the_released_model(self, client):
        # The page's own default is the built-in one.
        assert options.defaults()["config-url"] == "./built-in/config.json"
        assert options.defaults()["weights-url"] == "./built-in/model.safetensors"
        release = "https://huggingface.co/nvidia/AutoGaze/resolve/main/"
        assert client.ask("urls", {"base": "http://localhost/page/"}) == {
            "config": release + "config.json",
            "preprocessor": release + "preprocessor_config.json",
            "weights": release + "model.safetensors",
        }

    def test_addresses_beside_the_page(self, client):
        given = {"configUrl": "./a/config.json?x=1", "weightsUrl": "/b/w.safetensors#top"}
        assert client.ask("urls", {"base": "http://localhost/page/", **given}) == {
            "config": "http://localhost/page/a/config.json?x=1",
            "preprocessor": "http://localhost/page/a/preprocessor_config.json",
            "weights": "http://localhost/b/w.safetensors",
        }

    def test_a_redirect_to_another_host(self, client):
        with model_server() as cdn:
            cdn.files["/blobs/7"] = client.server.files["/model/model.safetensors"]
            weights = Served(b"", redirect=cdn.url + "blobs/7")
            client.server.files["/model/model.safetensors"] = weights
            assert_complete(client.load())
            assert_complete(client.load())
            assert [asked.method for asked in cdn.asked] == ["GET", "GET"]

    @pytest.mark.parametrize("how", [{"chunked": True}, {"compressed": True}], ids=["no length", "gzip"])
    def test_a_server_that_does_not_tell_the_size(self, client, how):
        client.server.files[PATH] = replace(client.server.files[PATH], **how)
        model = client.load()
        assert_complete(model)
        assert model["progress"][-1][0] == model["progress"][-1][1]

    def test_a_model_without_a_preprocessor_config(self, client):
        client.recorded.expect_problem("404")
        del client.server.files["/model/preprocessor_config.json"]
        model = client.load()
        assert model["preprocessor"] is None
        assert model["origins"]["preprocessor"] is None
        assert model["notes"] == [
            "The model has no preprocessor_config.json, so frames are prepared as for NVIDIA's release."
        ]


def break_off(client: ModelClient, **how: Any) -> str:
    """Has a download break off after 700,000 bytes; what is said about it."""
    client.recorded.expect_problem("ERR_CONTENT_LENGTH_MISMATCH")
    whole = replace(client.server.files[PATH], **how)
    client.server.files[PATH] = replace(whole, stop_after=700_000)
    client.start()
    client.wait_for_bytes(700_000)
    client.server.break_connections()
    client.server.files[PATH] = whole
    return client.finish()["error"]["message"]


class TestResume:
    def test_it_goes_on_where_it_broke_off(self, client):
        sentence = break_off(client)
        assert sentence == (
            "The download of model.safetensors broke off after 0.7 of 1.6 MB: "
            "load the model again, which goes on from there where it can."
        )
        kept = client.stored()["model.safetensors"]
        assert not kept["complete"]
        assert kept["sha256"] is None
        assert kept["bytes"] == 700_000
        model = client.load()
        assert_complete(model)
        first, second = client.server.ended(PATH)
        assert "range" not in first.headers
        assert second.headers["range"] == f"bytes={kept['bytes']}-"
        assert second.sent == len(WEIGHTS) - kept["bytes"]
        assert client.stored()["model.safetensors"]["sha256"] == sha256(WEIGHTS)
        assert model["progress"][-1][0] == model["progress"][-1][1]

    def test_it_is_never_tried_again_by_itself(self, client):
        break_off(client)
        client.page.wait_for_timeout(500)
        assert len(client.server.of(PATH)) == 1

    def test_in_a_new_page_too(self, client):
        break_off(client)
        client.page.reload()
        client.wait_for_page()
        assert_complete(client.load())
        assert "range" in client.server.of(PATH)[1].headers

    def test_by_its_date_where_there_is_no_etag(self, client):
        break_off(client, etag=None, last_modified="Sat, 21 Nov 2026 10:00:00 GMT")
        assert_complete(client.load())
        assert client.server.ended(PATH)[1].sent < len(WEIGHTS)

    def test_where_the_range_cannot_be_read(self, client):
        break_off(client, expose="ETag")
        assert_complete(client.load())
        assert client.server.ended(PATH)[1].sent < len(WEIGHTS)

    def test_a_server_without_ranges_sends_the_whole(self, client):
        break_off(client, ranges=False)
        assert_complete(client.load())
        assert client.server.ended(PATH)[1].sent == len(WEIGHTS)

    @pytest.mark.parametrize("body", [OTHER_WEIGHTS, WEIGHTS[:1000]], ids=["other bytes", "shorter"])
    def test_a_changed_file_is_downloaded_whole(self, client, body):
        break_off(client)
        if len(body) < len(WEIGHTS):
            client.recorded.expect_problem("416")
            body = save({"w": np.arange(250, dtype=np.float32)})
        client.server.files[PATH] = Served(body, etag='"w2"')
        assert_complete(client.load(), body)
        assert "range" not in client.server.of(PATH)[-1].headers

    @pytest.mark.parametrize(
        "how",
        [{"etag": None}, {"etag": 'W/"w1"'}, {"chunked": True}],
        ids=["no version", "weak", "no length"],
    )
    def test_what_cannot_be_continued_safely_begins_anew(self, client, how):
        if "chunked" in how:  # where the end of the connection is the end of the file
            client.server.files[PATH] = replace(client.server.files[PATH], delay=0.002, **how)
            answer = client.page.evaluate("(a) => call('load', a)", client.arguments(cancelAt=500_000))
            assert answer["error"]["name"] == "AbortError"
        else:
            break_off(client, **how)
        assert_complete(client.load())
        assert client.server.ended(PATH)[-1].sent == len(WEIGHTS)


class TestCancel:
    def cancel(self, client):
        client.ask("cancel")
        outcome = client.finish()
        assert outcome["error"]["name"] == "AbortError"

    def assert_all_connections_ended(self, server):
        for asked in list(server.asked):
            server.ended(asked.path)

    def test_in_the_middle(self, client):
        client.server.files[PATH] = replace(client.server.files[PATH], stop_after=600_000)
        client.start()
        client.wait_for_bytes(600_000)
        self.cancel(client)
        self.assert_all_connections_ended(client.server)
        assert client.server.of(PATH)[0].gone
        seen = client.page.evaluate("progress.length")
        kept = client.stored()["model.safetensors"]["bytes"]
        assert kept > 0
        client.server.files[PATH] = Served(WEIGHTS, etag='"w1"')
        assert client.page.evaluate("progress.length") == seen
        assert_complete(client.load())
        assert client.server.of(PATH)[1].headers["range"] == f"bytes={kept}-"

    def test_before_any_answer(self, client):
        client.server.files[PATH] = Served(WEIGHTS, silent=True)
        client.start()
        wait_until(lambda: client.server.of(PATH))
        self.cancel(client)
        self.assert_all_connections_ended(client.server)
        assert client.server.of(PATH)[0].gone

    def test_while_another_tab_downloads(self, client):
        slow = replace(client.server.files[PATH], stop_after=600_000)
        client.server.files[PATH] = slow
        client.start()
        client.wait_for_bytes(600_000)
        other = client.beside()
        other.start()
        wait_until(lambda: len(client.server.of("/model/config.json")) == 2)
        self.cancel(other)
        assert len(client.server.of(PATH)) == 1, "two tabs downloaded the same file"
        self.cancel(client)

    def test_two_tabs_download_once(self, client):
        client.server.files[PATH] = replace(client.server.files[PATH], delay=0.005)
        other = client.beside()
        client.start()
        client.wait_for_bytes(100_000)
        model = other.load()
        assert_complete(model)
        assert model["origins"]["weights"]["from"] == "cache"
        assert_complete(client.finish()["value"])

    def test_one_wrong_file_ends_the_others(self, client):
        client.recorded.expect_problem("404")
        client.server.files[PATH] = replace(client.server.files[PATH], stop_after=0)
        del client.server.files["/model/config.json"]
        assert "There is no config.json" in client.fails()
        self.assert_all_connections_ended(client.server)
