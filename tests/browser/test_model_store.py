"""What a browser stores of a model: used, renewed, shown, deleted, noticed when damaged."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from chromium import flags_for_tests
from in_page import in_page
from model_client import (
    OTHER_WEIGHTS,
    PATH,
    WEIGHTS,
    ModelClient,
    assert_complete,
    sha256,
)
from model_server import SECONDS, Served
from recorded_page import RecordedPage

pytestmark = pytest.mark.browser


class TestKept:
    def test_after_a_reload_only_the_versions_are_asked_for(self, client):
        client.load()
        client.page.reload()
        client.wait_for_page()
        client.server.files = {
            path: replace(file, stop_after=0) for path, file in client.server.files.items()
        }
        model = client.load()
        assert_complete(model)
        config, preprocessor, weights = (
            model["origins"][name] for name in ("config", "preprocessor", "weights")
        )
        assert {origin["from"] for origin in (config, preprocessor, *weights)} == {"cache"}
        assert model["notes"] == []
        for asked in client.server.asked[3:]:
            assert asked.finished.wait(SECONDS)
            assert asked.gone, "the connection was left open"

    def test_after_the_browser_was_closed(self, launch, chromium_path, model_app, server, tmp_path):
        kind = launch().browser_type
        for expected in ("network", "cache"):
            context = kind.launch_persistent_context(
                tmp_path, executable_path=chromium_path, args=flags_for_tests()
            )
            try:
                recorded = RecordedPage(context.new_page())
                recorded.page.goto(model_app)
                model = ModelClient(recorded, server).load()
                assert_complete(model)
                assert model["origins"]["weights"][0]["from"] == expected
            finally:
                context.close()
            server.stop()

    def test_without_the_network(self, client):
        client.load()
        client.server.stop()
        client.recorded.expect_problem("ERR_CONNECTION_REFUSED")
        client.page.reload()
        client.wait_for_page()
        model = client.load()
        assert_complete(model)
        [note] = model["notes"]
        host = client.server.url.split("/")[2]
        assert re.fullmatch(
            rf"{host} does not give the model's files now \(no connection\), "
            r"so those stored on 20\d\d-\d\d-\d\d are used\.",
            note,
        )

    def test_a_new_version_takes_the_place_of_the_old(self, client):
        client.load()
        client.server.files[PATH] = Served(OTHER_WEIGHTS, etag='"w2"')
        model = client.load()
        assert_complete(model, OTHER_WEIGHTS)
        assert model["origins"]["config"]["from"] == "cache"
        assert model["origins"]["weights"][0]["from"] == "network"
        assert client.stored()["model.safetensors"]["etag"] == '"w2"'
        assert len(client.ask("stored")) == 3

    def test_what_is_stored_can_be_seen_and_deleted(self, client):
        assert client.stored() == {}
        client.load()
        stored = client.stored()
        assert set(stored) == {"config.json", "preprocessor_config.json", "model.safetensors"}
        weights = stored["model.safetensors"]
        assert re.match(r"20\d\d-\d\d-\d\dT", weights.pop("when"))
        assert weights == {
            "url": client.server.url + "model/model.safetensors",
            "bytes": len(WEIGHTS),
            "etag": '"w1"',
            "sha256": sha256(WEIGHTS),
            "complete": True,
        }
        client.ask("remove")
        assert client.stored() == {}
        assert in_page(client.page, "stored_files.names") == []
        assert client.load()["origins"]["weights"][0]["from"] == "network"

    def test_it_is_not_deleted_under_a_download(self, client):
        client.load(weightsUrl=client.server.url + "model/model.safetensors?old")
        client.server.files[PATH] = replace(client.server.files[PATH], stop_after=600_000)
        client.start()
        client.wait_for_bytes(600_000)
        answer = client.page.evaluate("call('remove')")
        assert answer["error"]["message"] == (
            "A model is being loaded, here or in another tab: cancel that, then delete it again."
        )
        client.ask("cancel")
        client.finish()
        assert "model.safetensors?old" not in client.stored()
        assert not client.stored()["model.safetensors"]["complete"]
        client.ask("remove")
        assert client.stored() == {}

    @pytest.mark.parametrize("damage", ["flip", "remove"])
    def test_a_damaged_copy_is_noticed_and_downloaded_when_asked(self, client, damage):
        client.load()
        in_page(client.page, "stored_files.damage", damage, len(WEIGHTS))
        assert client.fails() == (
            "The stored copy of model.safetensors was damaged and has been deleted: "
            "load the model again to download it."
        )
        assert "model.safetensors" not in client.stored()
        assert_complete(client.load())
        assert_complete(client.load())

    def test_a_full_disk(self, client):
        storage = client.page.context.new_cdp_session(client.page)
        origin = client.page.evaluate("location.origin")
        storage.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 500_000})
        model = client.load()
        assert_complete(model)
        assert model["notes"] == [
            "The model could not be stored for next time, because the browser has no more room for this "
            "page: delete its stored files, or free some disk space."
        ]
        assert not model["origins"]["weights"][0]["stored"]
        assert "model.safetensors" not in client.stored()
        storage.send("Storage.overrideQuotaForOrigin", {"origin": origin})
        assert client.load()["origins"]["weights"][0]["stored"]
        assert "model.safetensors" in client.stored()
