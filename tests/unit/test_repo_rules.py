"""Rules for every tracked file: nothing in it holds on one machine or with one package index only."""

from __future__ import annotations

import re
import subprocess

import build_site

# In pieces, so that this file keeps the rule too.
_REGISTRIES = ("registry.npm" + "js", "pypi" + ".org", "python" + "hosted", "deb." + "debian")
_HOMES = ("/ro" + "ot/", "/ho" + "me/", "/Us" + "ers/", "/wo" + "rk/")
_FORBIDDEN = re.compile("|".join(re.escape(word) for word in (*_REGISTRIES, *_HOMES)))


def test_no_file_names_a_registry_or_a_folder_of_one_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=build_site.ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    paths = [build_site.ROOT / name for name in listed if name]
    assert len(paths) > 10
    found = []
    for path in paths:
        if not path.is_file() or b"\0" in (content := path.read_bytes())[:8192]:
            continue
        for number, line in enumerate(content.decode("utf-8").splitlines(), 1):
            if _FORBIDDEN.search(line):
                found.append(f"{path.relative_to(build_site.ROOT)}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


def test_the_page_uses_the_public_module_of_the_bridge_and_nothing_beneath_it() -> None:
    found = {
        (path.name, named)
        for path in (build_site.ROOT / "web").rglob("*.mjs")
        for named in re.findall(r"wasm_bridge/([\w/.]+)", path.read_text(encoding="utf-8"))
    }
    assert ("main.mjs", "autogaze.mjs") in found
    # The worker that records speaks with the bridge's own worker; it names the types of what they say.
    beneath = {("recording_worker.mjs", "panels/frame_tap.mjs")}
    assert {each for each in found if each[1] != "autogaze.mjs"} <= beneath


def test_actions_of_workflows_are_pinned_by_digest() -> None:
    for path in (build_site.ROOT / ".github" / "workflows").glob("*.yml"):
        for action in re.findall(r"uses: (\S+)", path.read_text("utf-8")):
            assert re.fullmatch(r"[\w-]+(/[\w-]+)+@[0-9a-f]{40}", action), f"{path.name}: {action}"
