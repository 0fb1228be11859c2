"""The site's build: what it verifies, what it ships, and that a failed one changes nothing."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import assemble_kernels
import build_site
import fetch_runtime
import page_parts
import runtime_lock
from runtime_lock import RuntimeFile, RuntimeFileError

CONTENT = b"the bytes of a wheel"
WHEEL = RuntimeFile("runtime/pyodide/x.whl", None, "x", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def source(content: bytes, calls: list[int] | None = None) -> fetch_runtime.Source:
    def fetch(files: list[RuntimeFile]) -> fetch_runtime.Fetched:
        if calls is not None:
            calls.append(len(files))
        return {file.path: content for file in files}

    return ("a test's source", fetch)


def unreachable(_: list[RuntimeFile]) -> fetch_runtime.Fetched:
    raise OSError("no route to host")


class TestWheels:
    def test_the_first_source_that_answers_is_used_and_the_cache_serves_the_next_build(
        self, tmp_path: Path
    ) -> None:
        calls: list[int] = []
        sources = [("nowhere", unreachable), source(CONTENT, calls)]
        for _ in range(2):
            assert fetch_runtime.obtain_wheels([WHEEL], tmp_path, sources) == {WHEEL.path: CONTENT}
        assert calls == [1]

    def test_wrong_bytes_are_named_and_not_kept(self, tmp_path: Path) -> None:
        wrong = b"another wheel"
        with pytest.raises(RuntimeFileError) as error:
            fetch_runtime.obtain_wheels([WHEEL], tmp_path, [source(wrong)])
        for part in ("x.whl", "a test's source", WHEEL.sha256, hashlib.sha256(wrong).hexdigest()):
            assert part in str(error.value)
        assert list(tmp_path.iterdir()) == []

    def test_a_damaged_file_in_the_cache_is_fetched_again(self, tmp_path: Path) -> None:
        fetch_runtime.obtain_wheels([WHEEL], tmp_path, [source(CONTENT)])
        (tmp_path / WHEEL.sha256).write_bytes(CONTENT[:-1])
        calls: list[int] = []
        assert fetch_runtime.obtain_wheels([WHEEL], tmp_path, [source(CONTENT, calls)]) == {
            WHEEL.path: CONTENT
        }
        assert calls == [1]

    def test_no_reachable_source_is_one_sentence_with_every_reason(self, tmp_path: Path) -> None:
        with pytest.raises(RuntimeFileError, match=r"wheels of x .*check the network.*no route to host"):
            fetch_runtime.obtain_wheels([WHEEL], tmp_path, [("nowhere", unreachable)])

    def test_the_cdn_is_given_up_soon_where_nothing_listens(self) -> None:
        with pytest.raises(OSError, match="refused"):
            fetch_runtime.fetch_from_cdn("http://127.0.0.1:1/", [WHEEL])


class TestNpmFiles:
    def test_a_changed_file_is_refused(self, tmp_path: Path) -> None:
        lock = runtime_lock.read_lock()
        path = tmp_path / str(lock.pyodide_lock.npm)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"{}")
        with pytest.raises(RuntimeFileError, match=r"pyodide-lock\.json from npm .* wrong sha256"):
            fetch_runtime.obtain(lock, tmp_path, tmp_path / "cache")

    def test_a_missing_file_says_which_command_brings_it(self, tmp_path: Path) -> None:
        with pytest.raises(RuntimeFileError, match="make setup"):
            fetch_runtime.obtain(runtime_lock.read_lock(), tmp_path, tmp_path / "cache")


class TestLock:
    def test_it_pins_the_versions_of_package_json(self) -> None:
        packages = json.loads((build_site.ROOT / "wasm_bridge/package.json").read_text())["dependencies"]
        lock = runtime_lock.read_lock()
        assert lock.pyodide_version == packages["pyodide"]
        assert f"/v{lock.pyodide_version}/" in lock.cdn
        assert not [v for v in packages.values() if not v[0].isdigit()]

    def test_a_package_must_be_as_in_pyodides_own_lock(self) -> None:
        known = {"x": {"file_name": "x.whl", "sha256": WHEEL.sha256, "depends": []}}
        runtime_lock.check_against_pyodide((WHEEL,), {"packages": known})
        with pytest.raises(RuntimeFileError, match="sha256"):
            runtime_lock.check_against_pyodide((replace(WHEEL, sha256="0" * 64),), {"packages": known})
        with pytest.raises(RuntimeFileError, match="not a package"):
            runtime_lock.check_against_pyodide((WHEEL,), {"packages": {}})
        known["x"]["depends"] = ["y"]
        with pytest.raises(RuntimeFileError, match="depends on y"):
            runtime_lock.check_against_pyodide((WHEEL,), {"packages": known})

    def test_an_entry_has_exactly_one_origin(self) -> None:
        data = json.loads(runtime_lock.LOCK_PATH.read_text())
        data["start"][0]["package"] = "numpy"
        with pytest.raises(RuntimeFileError, match="either 'npm' or 'package'"):
            runtime_lock.parse_lock(data)
        del data["start"]
        with pytest.raises(RuntimeFileError, match="'start' is missing"):
            runtime_lock.parse_lock(data)

    def test_the_trimmed_lock_keeps_the_rest_as_it_was(self) -> None:
        whole = {"info": {"python": "3.14.0"}, "packages": {"a": {"depends": []}, "b": {"depends": []}}}
        assert runtime_lock.trim_pyodide_lock(whole, {"b"}) == {
            "info": {"python": "3.14.0"},
            "packages": {"b": {"depends": []}},
        }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one page, the real package and nothing else."""
    root = tmp_path / "project"
    (root / "web").mkdir(parents=True)
    (root / "web/index.html").write_text("<title>one</title>")
    (root / "web/offline").mkdir()
    worker = "web/offline/service_worker.mjs"
    (root / worker).write_text((build_site.ROOT / worker).read_text())
    for name in ("pyproject.toml", "LICENSE", "py"):
        (root / name).symlink_to(build_site.ROOT / name)
    (root / "README.md").write_text("# trial")
    (root / "site/model").mkdir(parents=True)
    (root / "site/model/model.safetensors").write_bytes(b"weights")
    (root / "site/encoder").mkdir()
    (root / "site/encoder/decoder.safetensors").write_bytes(b"weights")
    (root / "wasm_bridge/node_modules/x").mkdir(parents=True)
    for name in ("worker.mjs", "worker.test.mjs", "package.json", "node_modules/x/x.mjs"):
        (root / "wasm_bridge" / name).write_text("")
    return root


@pytest.fixture
def build(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], dict[str, Any]]:
    """Builds that project with a runtime and a graph of one small file each."""
    graphs = tmp_path / "graphs"
    graphs.mkdir()
    (graphs / "frame-2.onnx").write_bytes(b"a graph")
    monkeypatch.setattr(build_site, "obtain_graphs", lambda *_: graphs)
    monkeypatch.setattr(build_site, "obtain", lambda *_: {WHEEL.path: CONTENT})
    monkeypatch.setattr(build_site, "slim", lambda runtime, *_: runtime)
    monkeypatch.setattr(build_site, "lock_with", lambda lock, _: lock)
    return lambda: build_site.build(project, project / "site/dist")


Build = Callable[[], dict[str, Any]]


class TestBuild:
    def test_it_ships_what_the_browser_needs_and_nothing_else(self, project: Path, build: Build) -> None:
        description = build()
        dist = project / "site/dist"
        shipped = {path.relative_to(dist).as_posix() for path in dist.rglob("*") if path.is_file()}
        assert shipped == {*description["files"], "build.json", "service_worker.mjs", ".nojekyll"}
        assert f'const BUILD = "{description["id"]}";' in (dist / "service_worker.mjs").read_text()
        assert {path for path in shipped if path.startswith("wasm_bridge/")} == {"wasm_bridge/worker.mjs"}
        assert json.loads((dist / "build.json").read_text()) == description
        assert set(description["files"]) - set(description["start"]) == {
            "check/example_input.json",
            "check/example_input.webp",
            "graphs/frame-2.onnx",
            "built-in/frame-2.onnx",
            "built-in/model.safetensors",
            "encoder/decoder.safetensors",
            "encoder/frame-2.onnx",
            "siglip/frame-2.onnx",
        }
        with zipfile.ZipFile(dist / description["wheel"]) as wheel:
            assert not [name for name in wheel.namelist() if "example_input" in name]
            (record,) = [name for name in wheel.namelist() if name.endswith("/RECORD")]
            lines = wheel.read(record).decode().splitlines()
            assert {line.split(",")[0] for line in lines} == set(wheel.namelist())
        for path, file in description["files"].items():
            content = (dist / path).read_bytes()
            assert file == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        assert {path.name for path in (project / "site").iterdir()} == {"dist", "encoder", "model"}

    def test_the_documentation_is_beside_the_build_and_the_page_links_to_it(
        self, project: Path, build: Build, tmp_path: Path
    ) -> None:
        (project / "web/index.html").write_text('<a href="docs/" hidden>Read the documentation</a>')
        build()
        assert "hidden" in (project / "site/dist/index.html").read_text()
        docs = tmp_path / "html"
        docs.mkdir()
        (docs / "index.html").write_text("<title>documentation</title>")
        description = build_site.build(project, project / "site/dist", docs)
        dist = project / "site/dist"
        assert (dist / "index.html").read_text() == '<a href="docs/">Read the documentation</a>'
        assert (dist / "docs/index.html").is_file()
        assert not [path for path in description["files"] if path.startswith("docs/")]

    def test_building_twice_gives_the_same_site(self, build: Build) -> None:
        first = build()
        assert build() == first

    def test_another_page_is_another_build(self, project: Path, build: Build) -> None:
        first = build()
        (project / "web/index.html").write_text("<title>two</title>")
        assert build()["id"] != first["id"]

    def test_a_changed_wheel_has_another_address(self, project: Path, build: Build) -> None:
        first = build()
        (project / "README.md").write_text("# another description")
        assert build()["wheel"] != first["wheel"]

    def test_a_failed_build_leaves_the_old_site(
        self, project: Path, build: Build, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        build()
        (project / "web/index.html").write_text("<title>two</title>")

        def fail(*_: object) -> str:
            raise build_site.BuildError("the wheel could not be built")

        monkeypatch.setattr(build_site, "add_wheel", fail)
        with pytest.raises(build_site.BuildError):
            build()
        assert (project / "site/dist/index.html").read_text() == "<title>one</title>"
        assert {path.name for path in (project / "site").iterdir()} == {"dist", "encoder", "model"}

    def test_a_failed_swap_puts_the_old_site_back(self, tmp_path: Path) -> None:
        dist = tmp_path / "dist"
        dist.mkdir()
        (dist / "index.html").touch()
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        with pytest.raises(OSError, match="nothing-here"):
            build_site.swap(scratch / "nothing-here", dist)
        assert (dist / "index.html").is_file()
        assert list(scratch.iterdir()) == []

    def test_a_project_without_a_page_says_so(self, project: Path, build: Build) -> None:
        (project / "web/index.html").unlink()
        with pytest.raises(build_site.BuildError, match=r"index\.html is missing"):
            build()

    def test_a_wheel_that_cannot_be_built_says_why(self, project: Path, build: Build) -> None:
        (project / "README.md").unlink()
        with pytest.raises(build_site.BuildError, match=r"wheel could not be built: .*README"):
            build()


class TestKernels:
    def test_they_are_assembled_into_the_site_and_a_visit_fetches_them(
        self, project: Path, build: Build
    ) -> None:
        text = project / "wasm_bridge/python/some_kernels.wat"
        text.parent.mkdir()
        text.write_text('(module (func (export "one") (result i32) (i32.const 1)))')
        description = build()
        assert description == build()
        assert "wasm_bridge/python/some_kernels.wasm" in description["start"]
        module = (project / "site/dist/wasm_bridge/python/some_kernels.wasm").read_bytes()
        assert module[:8] == b"\0asm\1\0\0\0"
        assert not list((project / "site/dist").rglob("*.wat"))

    def test_those_of_the_page_are_small(self) -> None:
        text = build_site.ROOT / "wasm_bridge/python/pixel_kernels.wat"
        assert len(assemble_kernels.assemble(text, build_site.NODE_MODULES)) <= 3072

    def test_an_error_in_the_text_is_one_sentence_with_its_line(self, tmp_path: Path) -> None:
        (tmp_path / "wrong.wat").write_text("(module\n  (fun))")
        with pytest.raises(assemble_kernels.KernelsError, match=r"wrong\.wat could not be .*:2:4: "):
            assemble_kernels.assemble(tmp_path / "wrong.wat", build_site.NODE_MODULES)

    def test_without_the_assembler_it_says_what_to_run(self, tmp_path: Path) -> None:
        with pytest.raises(assemble_kernels.KernelsError, match="npm ci in wasm_bridge"):
            assemble_kernels.assemble(tmp_path / "any.wat", tmp_path)


class TestPageParts:
    @pytest.fixture
    def site(self, tmp_path: Path) -> Path:
        files = {
            "index.html": "<main>\n  <!-- include web/a/a.html -->\n  <p>own</p>\n</main>\n",
            "web/a/a.html": "<p>a</p>\n",
            "web/style.css": '@import "a/a.css";\np { margin: 0; }\n',
            "web/a/a.css": "a { color: red; }\n",
        }
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return tmp_path

    def test_parts_are_joined_and_leave_the_site(self, site: Path) -> None:
        page_parts.join_parts(site)
        assert (site / "index.html").read_text() == "<main>\n<p>a</p>\n  <p>own</p>\n</main>\n"
        assert (site / "web/style.css").read_text() == "a { color: red; }\np { margin: 0; }\n"
        assert sorted(path.name for path in site.rglob("*.*")) == ["index.html", "style.css"]

    @pytest.mark.parametrize("part", ["web/a/a.html", "web/a/a.css"])
    def test_a_missing_part_is_named(self, site: Path, part: str) -> None:
        (site / part).unlink()
        with pytest.raises(page_parts.PartError, match=r"names (web/)?a/a\.\w+, which is missing"):
            page_parts.join_parts(site)

    @pytest.mark.parametrize("part", ["web/b/b.html", "web/b/b.css"])
    def test_a_part_that_nothing_names_is_an_error(self, site: Path, part: str) -> None:
        (site / "web/b").mkdir()
        (site / part).write_text("")
        with pytest.raises(page_parts.PartError, match=f"{part} is a part of the page that .* does not name"):
            page_parts.join_parts(site)

    def test_a_whole_document_is_no_part(self, site: Path) -> None:
        document = site / "web/a/frame.html"
        document.write_text("<!doctype html>\n")
        page_parts.join_parts(site)
        assert document.is_file()

    def test_the_real_page_needs_one_request_for_its_style(self, tmp_path: Path) -> None:
        site = tmp_path / "site"
        build_site.copy_sources(build_site.ROOT, site)
        page_parts.join_parts(site)
        page = (site / "index.html").read_text(encoding="utf-8")
        assert page.count('rel="stylesheet"') == 1
        assert "<!-- include" not in page
        assert "@import" not in (site / "web/style.css").read_text(encoding="utf-8")
        ids = re.findall(r' id="([^"]+)"', page)
        assert len(ids) > 100
        assert len(ids) == len(set(ids))


class _Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Links for a person to follow may lead anywhere; what the page loads by itself may not.
        if tag != "a":
            self.found += [
                value or "" for name, value in attrs if name in ("src", "href", "poster", "action")
            ]


def test_the_page_loads_nothing_by_an_absolute_address() -> None:
    addresses = _Addresses()
    for page in sorted((build_site.ROOT / "web").rglob("*.html")):
        addresses.feed(page.read_text(encoding="utf-8"))
    assert addresses.found
    assert not [a for a in addresses.found if a.startswith("/") or ("://" in a)]
