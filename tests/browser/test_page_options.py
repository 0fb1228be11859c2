"""The page reads the options of its address as Python reads them."""

from __future__ import annotations

import pytest

from autogaze_web import options

pytestmark = pytest.mark.browser

PARSE = """async ([name, givens]) => {
  const { loadOptions, parseValue } = await import(new URL("web/options.mjs", location.href));
  const option = (await loadOptions()).find((each) => each.name === name);
  return givens.map((given) => parseValue(option, given) ?? null);
}"""

NUMBERS = ["0", "1", "-1", "0.5", " 2 ", "1e2", "300", "4097", "1e999", "nan", "inf", "", "x", "1 2", "2.5"]
URLS = [
    "https://example.org/a",
    " HTTP://example.org:80/a?b=c#d ",
    "/a",
    "./a",
    "../a",
    "//example.org/a",
    ".../a",
    "a/b",
    "https:///a",
    "https://example.org",
    "https://example.org/",
    "https://example.org/a b",
    "ftp://example.org/a",
    "C:\\a",
    "",
]
LOSSES = ["20dB", " 40 DB ", "0.dB", "-1dB", "1e1dB", "off", "None", " DISABLED"]
GRIDS = ["2+14", "14+2+2", "2 14", "NONE", "none+2", "0", "2+", "10000"]


def in_python(option, given):
    try:
        return option.parse(given)
    except ValueError:
        return None


@pytest.mark.parametrize("name", options.options())
def test_both_take_the_same_values(recorded, site_url, name):
    option = options.options()[name]
    spelled = [
        way(text)
        for choice in option.choices
        for text in (choice.value, *choice.aliases)
        for way in (str, str.upper, lambda text: f" {text.replace('-', '_')} ")
    ]
    givens = [str(option.default), *spelled, *NUMBERS, *URLS, *GRIDS, *LOSSES]
    recorded.page.goto(site_url + "build.json")  # a document of the site without a script of its own
    recorded.expect_problem(r"/favicon\.ico|favicon|404")
    parsed = recorded.page.evaluate(PARSE, [name, givens])
    assert parsed == [in_python(option, given) for given in givens]
