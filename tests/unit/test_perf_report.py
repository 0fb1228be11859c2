from __future__ import annotations

from xml.etree import ElementTree

import pytest
from perf_report import chart, common_options, problems, table, without_options

SUMMARY = {
    "case": "pan <1>, realtime, patch-diff",
    "target_frames": 4,
    "processed_frames": 4,
    **dict(
        zip(("p50_total_ms", "p95_total_ms", "p99_total_ms", "max_total_ms"), (9, 12, 12, 20), strict=True)
    ),
    **{f"{rank}_model_ms": None for rank in ("p50", "p95", "p99", "max")},
    "measured_fps": 30.0,
    "avg_tokens": None,
    "avg_mask_age_frames": None,
    "avg_cells": 3.5,
    "avg_mask_update_ratio": 0.25,
    "avg_output_update_ratio": None,
    "latest_mask_update_ratio": 0.5,
    "latest_psnr_db": None,
    "latest_psnr_infinite": True,
    "ema_psnr_db": None,
    "ema_psnr_infinite": True,
    "latest_width": 640,
    "latest_height": 360,
    "backend": "none",
}
GAZED = {
    "avg_tokens": 16,
    **dict.fromkeys(("p50_model_ms", "p95_model_ms", "p99_model_ms", "max_model_ms"), 5),
}


def test_options_that_all_cases_share_are_told_once():
    rows = [
        {"case": "a", "options": {"mode": "tiled", "scale": 1, "hook": ""}},
        {"case": "b", "options": {"mode": "realtime", "scale": 1, "hook": ""}},
    ]
    common = common_options(rows)
    assert common == {"scale": 1, "hook": ""}
    assert without_options(rows[1], common) == {"case": "b", "options": {"mode": "realtime"}}
    assert common_options(rows[:1]) == rows[0]["options"]


def test_a_summary_that_can_be_true():
    assert problems(SUMMARY) == []
    assert problems({**SUMMARY, **GAZED, "backend": "WebGPU on it"}, hardware=True) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"processed_frames": 3}, "3 frames, not 4"),
        ({"p95_total_ms": 21}, "total times are not in order"),
        ({"p50_total_ms": None}, "no total times"),
        ({"avg_tokens": 16, "backend": "WebGPU on it"}, "no model times"),
        ({"avg_mask_update_ratio": 1.5}, "avg_mask_update_ratio is 1.5"),
        ({"latest_psnr_db": 30}, "PSNR is infinite and a number"),
        ({**GAZED, "backend": "WebAssembly, 1 thread"}, "the model ran on WebAssembly, 1 thread"),
    ],
)
def test_one_that_cannot(change, problem):
    (found,) = problems({**SUMMARY, **change}, hardware=True)
    assert problem in found


def test_table_and_chart_show_every_case():
    rows = [SUMMARY, {**SUMMARY, **GAZED, "case": "other", "ema_psnr_db": 31.25, "ema_psnr_infinite": False}]
    head, rule, first, second = table(rows).splitlines()
    assert {line.count("|") for line in (head, rule, first, second)} == {14}
    assert "| 640x360 | 9.0 | 12.0 | 20.0 | 30.0 |" in first
    assert "| 25.0 % | equal | none |" in first
    assert "| 31.2 | none |" in second
    svg = ElementTree.fromstring(chart(rows, "A & B"))
    texts = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "A & B"
    assert "pan <1>, realtime, patch-diff" in texts
    assert texts.count("9.0 / 12.0 ms") == 2
