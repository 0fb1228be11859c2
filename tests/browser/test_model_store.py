"""What is kept of a model for the next time: used, renewed, shown, deleted, noticed when damaged."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from chromium import flags_for_tests
from model_client import (
    OTHER_WEIGHTS,
    PATH,
    STORED_FILES,
    WEIGHTS,
    ModelClient,
    assert_complete,
    sha256,
)
from model_server import SECONDS, Served
from recorded_page import RecordedPage

pytestmark = pytest.mark.browser

# Harms the file of a certain size, or every record.
DAMAGE = """async ([damage, size]) => {
  const harm = async (folder) => {
    for await (const entry of folder.values()) {
      if (entry.kind === "directory") { await harm(entry); continue; }
      const file = await entry.getFile();
      if (damage === "records" ? entry.name !== "record.json" : file.size !== size) continue;
      if (damage === "remove") { await folder.removeEntry(entry.name); continue; }
      const bytes = new Uint8Array(await file.arrayBuffer());
      bytes[size >> 1] ^= 1;
      const writable = await entry.createWritable();
      await writable.write(damage === "flip" ? bytes : bytes.subarray(0, bytes.length - 1));
      await writable.close();
    }
  };
  await harm(await navigator.storage.getDirectory());
}"""


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
        assert {origin["from"] for origin in model["origins"].values()} == {"cache"}
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
                assert model["origins"]["weights"]["from"] == expected
            finally:
                context.close()
            server.stop()

    def test_a_weak_etag_says_enough_for_the_whole_file(self, client):
        client.server.files[PATH] = replace(client.server.files[PATH], etag='W/"w1"')
        client.load()
        assert client.load()["origins"]["weights"]["from"] == "cache"

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
            r"so those kept on 20\d\d-\d\d-\d\d are used\.",
            note,
        )

    def test_while_the_server_fails(self, client):
        client.load()
        client.recorded.expect_problem("503")
        client.server.files = {
            path: replace(file, status=503, body=b"busy") for path, file in client.server.files.items()
        }
        model = client.load()
        assert_complete(model)
        assert "does not give the model's files now (503)" in model["notes"][0]

    def test_while_the_server_is_silent(self, client):
        client.load()
        client.server.files = {path: replace(file, silent=True) for path, file in client.server.files.items()}
        model = client.load(silences={"download": 600_000, "check": 200})
        assert_complete(model)
        assert "(no connection)" in model["notes"][0]

    def test_a_new_version_takes_the_place_of_the_old(self, client):
        client.load()
        client.server.files[PATH] = Served(OTHER_WEIGHTS, etag='"w2"')
        model = client.load()
        assert_complete(model, OTHER_WEIGHTS)
        assert [model["origins"][name]["from"] for name in ("config", "weights")] == ["cache", "network"]
        assert client.stored()["model.safetensors"]["etag"] == '"w2"'
        assert len(client.ask("stored")) == 3

    def test_a_new_version_that_breaks_off_leaves_the_old(self, client):
        client.recorded.expect_problem("ERR_CONTENT_LENGTH_MISMATCH|ERR_CONNECTION_REFUSED")
        client.load()
        client.server.files[PATH] = Served(OTHER_WEIGHTS, etag='"w2"', stop_after=700_000)
        client.start()
        client.wait_for_bytes(700_000)
        client.server.break_connections()
        assert "broke off" in client.finish()["error"]["message"]
        client.server.stop()
        assert_complete(client.load())
        client.server.start()
        client.server.files[PATH] = Served(OTHER_WEIGHTS, etag='"w2"')
        assert_complete(client.load(), OTHER_WEIGHTS)
        assert 0 < client.server.ended(PATH)[-1].sent < len(WEIGHTS)

    def test_what_has_no_version_is_kept_for_the_time_without_network(self, client):
        client.server.files[PATH] = replace(client.server.files[PATH], etag=None)
        client.load()
        assert client.load()["origins"]["weights"]["from"] == "network"
        client.recorded.expect_problem("ERR_CONNECTION_REFUSED")
        client.server.stop()
        assert_complete(client.load())

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
        assert client.page.evaluate(STORED_FILES) == []
        assert client.load()["origins"]["weights"]["from"] == "network"

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

    @pytest.mark.parametrize("damage", ["flip", "shorten", "remove"])
    def test_a_damaged_copy_is_noticed_and_downloaded_when_asked(self, client, damage):
        client.load()
        client.page.evaluate(DAMAGE, [damage, len(WEIGHTS)])
        assert client.fails() == (
            "The kept copy of model.safetensors was damaged and has been deleted: "
            "load the model again to download it."
        )
        assert "model.safetensors" not in client.stored()
        assert_complete(client.load())
        assert_complete(client.load())

    def test_a_record_that_cannot_be_read_counts_as_none(self, client):
        client.load()
        client.page.evaluate(DAMAGE, ["records", 0])
        assert client.stored() == {}
        model = client.load()
        assert_complete(model)
        assert model["origins"]["weights"]["from"] == "network"
        assert len(client.page.evaluate(STORED_FILES)) == 6, "files without a record stay behind"

    def test_a_full_disk(self, client):
        storage = client.page.context.new_cdp_session(client.page)
        origin = client.page.evaluate("location.origin")
        storage.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 500_000})
        model = client.load()
        assert_complete(model)
        assert model["notes"] == [
            "The model is not kept for the next time, because the browser has no more room for this page: "
            "delete what it keeps, or free some disk space."
        ]
        assert not model["origins"]["weights"]["kept"]
        assert "model.safetensors" not in client.stored()
        storage.send("Storage.overrideQuotaForOrigin", {"origin": origin})
        assert client.load()["origins"]["weights"]["kept"]
        assert "model.safetensors" in client.stored()

    def test_a_browser_that_keeps_nothing(self, client):
        model = client.load(store=False)
        assert_complete(model)
        assert model["notes"][0].startswith("This browser keeps no files for this page")
        assert not model["origins"]["weights"]["kept"]
        assert client.page.evaluate(STORED_FILES) == []
