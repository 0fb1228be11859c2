"""The manifest of a batch: what is read of lines that a batch did not write."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autogaze_web.batch.manifest import Entry, FileState, entry_line, head_line, parse_manifest


def test_a_manifest_survives_anything_but_another_head() -> None:
    state = FileState(1, "v", "d")
    entry = Entry("ä", "a", "s", "done", state, {"trace": state}, frames=2)
    lines = ["", "[]", "null", '{"name": 3}', "[" * 10_000, entry_line(entry)[:-9]]
    assert parse_manifest(head_line() + entry_line(entry) + "\n".join(lines)) == {"ä": entry}
    for text in ("", "{}", "[]", '{"format": "autogaze-batch", "version": 2}'):
        with pytest.raises(ValueError, match=r"it (does not begin with|has another version)"):
            parse_manifest(text)


@pytest.mark.parametrize(
    "change",
    [
        *(
            {"name": name}
            for name in ("../a.mp4", "/a.mp4", "a/../../b.mp4", "..\\a.mp4", "c:a.mp4", "", "\0")
        ),
        *({name: value} for name in ("seconds", "frames", "tokens", "status") for value in (None, [], {})),
        {"source": {"size": "1", "version": "v", "sha256": "d"}},
        {"outputs": {"trace": {"size": 1, "version": 1, "sha256": "d"}}},
    ],
)
def test_a_line_of_a_manifest_that_no_batch_wrote_counts_for_nothing(change: dict[str, Any]) -> None:
    line = json.dumps({**json.loads(entry_line(Entry("a", "a", "s", "done"))), **change})
    assert parse_manifest(head_line() + line) == {}
