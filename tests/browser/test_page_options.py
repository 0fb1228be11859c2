"""The page reads the options of its address as Python reads them."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from autogaze_web import options

pytestmark = pytest.mark.browser

VALUES = """async (givens) => {
  const { loadOptions, parseValue } = await import(new URL("web/options.mjs", location.href));
  const { options, shorthands } = await loadOptions();
  return [...options, ...shorthands].map((option) => [
    option.name,
    givens[option.name].map((given) => parseValue(option, given) ?? null),
  ]);
}"""
QUERIES = """async (queries) => {
  const { loadOptions, parseQuery } = await import(new URL("web/options.mjs", location.href));
  const table = await loadOptions();
  return queries.map((query) => parseQuery(table, query));
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
BOOLEANS = ["true", " ON ", "no", "False", "2"]
GRIDS = ["2+14", "14+2+2", "2 14", "NONE", "none+2", "0", "2+", "10000"]


GIVEN_TOGETHER = [
    {},
    {"SOURCE": "pan", "viz_mode": "alpha_blend", "Input_Width": "320"},
    {"preset": "docs"},
    {"preset": "quality", "keyframe-interval": "5", "mode": "tiled"},
    {"mode": "tiled", "top_k": "10"},
    {"image-url": "./a.png"},
    {"image-url": "./a.png", "source": "camera"},
    {"image-url": ""},
    {"height": "360"},
    {"height": "360", "width": "200"},
    {"height": "auto"},
    {"limit-gaze-tokens": "no", "disable-task-loss": "yes"},
    {"limit-gaze-tokens": "true", "max-tokens": "7"},
    {"clamp_gaze_tokens": "off", "max-tokens": "7"},
    {"task-psnr": "20"},
    {"task-psnr": "20", "task-loss": "0.5"},
    {"mirror": "true", "loop": "OFF", "pace": "model"},
]


def in_python(option, given):
    try:
        return option.parse(given)
    except ValueError:
        return None


@pytest.fixture
def script_free(recorded, site_url):
    """A document of the site without a script of its own."""
    recorded.page.goto(site_url + "build.json")
    recorded.expect_problem(r"/favicon\.ico|favicon|404")
    return recorded.page


def test_both_take_the_same_values(script_free):
    known = {**options.options(), **options.shorthands()}
    givens = {}
    for name, option in known.items():
        spelled = [
            way(text)
            for choice in option.choices
            for text in (choice.value, *choice.aliases)
            for way in (str, str.upper, lambda text: f" {text.replace('-', '_')} ")
        ]
        default = str(option.default).lower() if option.type == "boolean" else str(option.default)
        givens[name] = [default, *spelled, *BOOLEANS, *NUMBERS, *URLS, *GRIDS, *LOSSES]
    parsed = dict(script_free.evaluate(VALUES, givens))
    assert parsed.keys() == known.keys()
    for name, option in known.items():
        assert parsed[name] == [in_python(option, given) for given in givens[name]], name


def test_both_read_a_query_alike(script_free):
    queries = ["?" + urlencode(given) for given in GIVEN_TOGETHER]
    for given, parsed in zip(GIVEN_TOGETHER, script_free.evaluate(QUERIES, queries), strict=True):
        assert parsed == {"values": options.parse(given), "problems": []}, given


def test_how_a_query_is_spelled(script_free):
    bare, plus, twice, wrong = script_free.evaluate(
        QUERIES,
        [
            "?mirror&loop=off",
            "camera-facing=+back+&source=synthetic%2Dpan",
            "?width=3&width=320",
            "?nope&mirror=2",
        ],
    )
    assert bare["values"]["camera-mirror"] is True
    assert bare["values"]["file-loop"] is False
    assert plus["values"]["camera-facing"] == "back"
    assert plus["values"]["source"] == "synthetic-pan"
    assert twice["values"]["inference-width"] == 320
    assert twice["problems"] == [
        'inference-width is a whole number from 16 to 4096, or auto, native, got "3".'
    ]
    assert wrong["problems"][0].startswith('There is no option "nope"; the options are source, ')
    assert wrong["problems"][1] == 'camera-mirror is true or false, got "2".'
