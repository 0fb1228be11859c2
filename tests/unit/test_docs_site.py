"""The documentation site: it has every document and every public name, and loads nothing of another host."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import autogaze_web
from build_docs import DocsError, build_docs
from build_site import ROOT
from serve_site import policy_of


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_docs(ROOT, tmp_path_factory.mktemp("docs"))


def test_every_document_is_a_page(pages: Path) -> None:
    documents = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert "guide" in documents
    assert documents | {"index", "security"} <= {path.stem for path in pages.glob("*.html")}


def test_the_reference_has_every_public_name(pages: Path) -> None:
    reference = (pages / "api.html").read_text("utf-8")
    described = set(re.findall(r'id="autogaze_web\.(\w+)"', reference))
    assert described == set(autogaze_web.__all__) - {"__version__"}


def test_pages_load_only_files_of_the_site(pages: Path) -> None:
    for page in pages.rglob("*.html"):
        assert "default-src 'none'; script-src 'self'" in policy_of(page), page
        loaded = re.findall(r'<(?:script|link|img)\b[^>]*?(?:src|href)="([^"]+)"', page.read_text("utf-8"))
        assert loaded
        assert not [address for address in loaded if "//" in address], page


def test_a_link_to_nowhere_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/conf.py").write_text("extensions = ['myst_parser']\n")
    (tmp_path / "docs/index.md").write_text("# Title\n\n[nowhere](missing.md)\n")
    with pytest.raises(DocsError, match="missing"):
        build_docs(tmp_path, tmp_path / "cache")
