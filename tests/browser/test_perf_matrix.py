"""The perf matrix's own way of measuring: its folder, served, comes to a summary or to what the page said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import browser_bench
import perf_live
import pytest
from live_cases import LiveCase
from live_report import merged
from perf_folder import CAMERA, Case, make_folder
from perf_matrix import measure, read_results, report

from conftest import Launch

pytestmark = pytest.mark.browser

FRAMES = 3


def test_cases_come_to_summaries_or_to_what_the_page_said(
    launch: Launch, site_dist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site_dist  # has been built
    folder, out = tmp_path / "folder", tmp_path / "out"
    cases = [
        Case("image", "realtime", "patch-diff"),
        Case("nowhere", "realtime", "patch-diff"),
        Case("camera", "realtime", "autogaze"),
    ]
    make_folder(folder, cases, FRAMES, warm_up=1, limit=120, benchmark_seconds=1)
    browser = launch(webgpu=False, camera=folder / CAMERA, allow_camera=True)
    result = measure(browser, folder, seconds=300)
    with pytest.raises(SystemExit, match=r"nowhere, realtime, patch-diff: the page says: .*nowhere"):
        report(out, result, "built-in", hardware=False)

    written = json.loads((out / "perf-matrix.json").read_text("utf-8"))
    assert [case["case"] for case in written["cases"]] == [cases[0].name, cases[2].name]
    assert [case["processed_frames"] for case in written["cases"]] == [FRAMES, FRAMES]
    assert written["cases"][0]["latest_width"] == 640
    assert written["cases"][1]["avg_tokens"] >= 1
    assert written["machine"]["cores"] >= 1
    assert "Chrom" in written["machine"]["browser"]
    measured = written["benchmark"]
    (backend,) = measured["backends"]
    assert backend["backend"].startswith("WebAssembly")
    few, many = backend["budgets"]
    assert (few["tokens"], many["tokens"]) == (16, 198)
    assert 0 < few["model"]["p50"] <= few["frame"]["p50"]
    assert measured["changed"]["frames"] >= 1
    assert measured["pythonMs"] > 0
    assert cases[2].name in (out / "perf-matrix.md").read_text("utf-8")
    assert f"{cases[2].name}: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "No such file"), ("{", "Expecting property name"), ("[]", 'an object with "machine" and "rows"')],
)
def test_results_that_are_none_end_in_a_sentence(tmp_path: Path, content: str | None, sentence: str) -> None:
    path = tmp_path / "result.json"
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(ValueError, match=rf"--results .*result\.json must be .*{sentence}"):
        read_results(path)


def test_the_bench_of_frames_measures_a_budget(launch: Launch, site_dist: Path, tmp_path: Path) -> None:
    assert site_dist
    browser_bench.make_folder(tmp_path)
    query = "budgets=16&contexts=first&frames=1&warm=0&width=64&height=36"
    (result,) = browser_bench.measure(
        launch(webgpu=False, camera=None, allow_camera=True), tmp_path, False, query
    )
    assert "error" not in result
    assert 0 < result["stages"]["model"] <= result["stages"]["all"]
    assert f"| {result['runner']} | 16 | none |" in browser_bench.table([result])


def test_a_work_of_the_live_matrix_goes_on_without_the_graphics_card_that_it_wants(
    launch: Launch, site_dist: Path, tmp_path: Path
) -> None:
    assert site_dist
    wanted = LiveCase("small", "small, pixels=gpu", FRAMES, 1, {"source": "synthetic-pan", "pixels": "gpu"})
    others = [replace(wanted, name=f"small, {name}", options={"source": name}) for name in ("a", "b")]
    perf_live.make_folder(tmp_path, {"small": [others[0], wanted, others[1]]}, limit=120, hardware=False)
    browser = launch(webgpu=False, camera=None, allow_camera=True)
    result = measure(browser, tmp_path, seconds=200, query="?work=small&only=pixels=gpu")

    (row,) = merged([("small", result)]).measured
    assert row["case"] == wanted.name
    assert (row["gpu_frames"], row["latest_pixels"]) == (0, "cpu")
    sentence = "This browser has no WebGPU, so the processor does the pixel work."
    assert (row["pixels_note"], row["pixels_failure"]) == (sentence, sentence)
    assert 0 < row["p50_rest_ms"] < row["p50_total_ms"]
    assert row["p50_mask_ms"] <= row["p95_mask_ms"]
    assert (tmp_path / "perf" / "grain_camera.py").is_file()
