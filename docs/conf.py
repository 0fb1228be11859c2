"""Sphinx's settings for the documentation site: `make docs` builds docs/ into site/dist/docs."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "py"))

_project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "AutoGaze in the browser"
author = copyright = "the authors of AutoGaze in the browser"
version = release = _project["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
# Those documents are linked from the ones that explain them, and start with their data.
suppress_warnings = ["toc.not_included"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# The docstrings mark code with single backticks.
default_role = "code"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_mock_imports = ["av", "huggingface_hub", "onnx", "onnxruntime", "PIL", "safetensors"]
python_display_short_literal_types = True

html_theme = "furo"
html_title = project
html_baseurl = ""
html_static_path: list[str] = []
html_favicon = "../web/icon.svg"
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b6b3a", "color-brand-content": "#0b6b3a"},
    "dark_css_variables": {"color-brand-primary": "#7fd6a4", "color-brand-content": "#7fd6a4"},
}

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_HEAD = re.compile(r"<head>")


def with_policy(html: str) -> str:
    """A page with a Content-Security-Policy: the site's own files and the page's own inline scripts."""
    digests = sorted(
        {base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for code in _SCRIPT.findall(html)}
    )
    scripts = " ".join(["'self'", *(f"'sha256-{digest}'" for digest in digests)])
    policy = (
        f"default-src 'none'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'"
    )
    meta = f'<head>\n    <meta http-equiv="Content-Security-Policy" content="{policy}" />'
    return _HEAD.sub(meta, html, count=1)


def add_policies(app: Sphinx, error: Exception | None) -> None:
    """Write the policy into every page once all are built."""
    if error is None and app.builder.format == "html":
        for page in sorted(Path(app.outdir).rglob("*.html")):
            page.write_text(with_policy(page.read_text(encoding="utf-8")), encoding="utf-8")


def link_to_included(app: Sphinx, document: str, source: list[str]) -> None:  # noqa: ARG001
    """Documents that stand at the top of the repository are pages of the site, too."""
    source[0] = source[0].replace("](../SECURITY.md", "](security.md")


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("source-read", link_to_included)
    app.connect("build-finished", add_policies)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
