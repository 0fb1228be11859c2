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
        # The three come together, in any order. Only the weights are longer than the small ones' sum.
        small = len(CONFIG) + len(PREPROCESSOR)
        assert any(small < step < total for step in loaded), "steps within the weights"
        assert model["progress"][-1] == [total, total]
        assert {step[1] for step in model["progress"]} <= {0, total}
        origin = model["origins"]["weights"][0]
        assert origin == {
            "from": "network",
            "where": client.server.url + "model/model.safetensors",
            "bytes": len(WEIGHTS),
            "etag": '"w1"',
            "sha256": sha256(WEIGHTS),
            "stored": True,
        }

    def test_nothing_is_told_to_the_server_beyond_the_request(self, client):
        client.load()
        assert len(client.server.asked) == 3
        for asked in client.server.asked:
            assert asked.method == "GET"
            assert not {"referer", "cookie", "authorization"} & set(asked.headers)

    def test_a_redirect_to_another_host(self, client):
        with model_server() as cdn:
            cdn.files["/blobs/7"] = client.server.files["/model/model.safetensors"]
            weights = Served(b"", redirect=cdn.url + "blobs/7")
            client.server.files["/model/model.safetensors"] = weights
            assert_complete(client.load())
            assert_complete(client.load())
            assert [asked.method for asked in cdn.asked] == ["GET", "GET"]


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

    def test_in_a_new_page_too(self, client):
        break_off(client)
        client.page.reload()
        client.wait_for_page()
        assert_complete(client.load())
        assert "range" in client.server.of(PATH)[1].headers

    @pytest.mark.parametrize("body", [OTHER_WEIGHTS, WEIGHTS[:1000]], ids=["other bytes", "shorter"])
    def test_a_changed_file_is_downloaded_whole(self, client, body):
        break_off(client)
        if len(body) < len(WEIGHTS):
            client.recorded.expect_problem("416")
            body = save({"w": np.arange(250, dtype=np.float32)})
        client.server.files[PATH] = Served(body, etag='"w2"')
        assert_complete(client.load(), body)
        assert "range" not in client.server.of(PATH)[-1].headers


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
        assert model["origins"]["weights"][0]["from"] == "cache"
        assert_complete(client.finish()["value"])
