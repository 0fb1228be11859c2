"""The page's module reads options as Python reads them. How queries are spelled: tests/javascript."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from urllib.parse import urlencode

from autogaze_web import options

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "javascript" / "parse_options.mjs"

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
    "https://exam ple.org/a",
    "./a\nb",
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


def in_javascript(values, queries=()):
    """What the page's own module makes of texts, by option, and of queries."""
    given = json.dumps({"values": values, "queries": queries})
    done = subprocess.run(["node", SCRIPT], input=given, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_both_take_the_same_values():
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
    parsed = in_javascript(givens)["values"]
    assert parsed.keys() == known.keys()
    for name, option in known.items():
        assert parsed[name] == [in_python(option, given) for given in givens[name]], name


def test_both_read_a_query_alike():
    queries = ["?" + urlencode(given) for given in GIVEN_TOGETHER]
    for given, parsed in zip(GIVEN_TOGETHER, in_javascript({}, queries)["queries"], strict=True):
        assert parsed == {"values": options.parse(given), "problems": []}, given
