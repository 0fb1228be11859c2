from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import pytest
from grain_camera import SIZES
from live_cases import MODEL_QUERY, camera_cases, sweep_cases
from live_goals import CAMERA_GOALS, MODEL_GOALS, SWEEP_GOALS, model_goal_lines, plane_goal_lines
from live_report import merged, pixels_text, read_results, write_report
from perf_report import problems

from autogaze_web.options import parse, requirement

MACHINE = {"browser": "Chromium 1", "system": "Linux", "cores": 16, "isolated": True}
STAGES = {"capture": 8, "mask": 0.4, "pixels": 1.25, "draw": 0.5, "outside": 1.75, "rest": 2.15}


def summary(case: str, total: float = 12.0, **more: Any) -> dict[str, Any]:
    return {
        "case": case,
        "processed_frames": 90,
        "gpu_frames": 90,
        "pixels_note": None,
        "pixels_failure": None,
        "latest_width": 1280,
        "latest_height": 720,
        "latest_tiles": 24,
        "measured_fps": 30.0,
        "avg_input_fps": 30.0,
        "avg_tokens": 100.5,
        "backend": "WebGPU on NVIDIA H200",
        **{f"{rank}_{name}_ms": total for rank in ("p50", "p95") for name in ("total", "model")},
        **{f"{rank}_{stage}_ms": ms for stage, ms in STAGES.items() for rank in ("p50", "p95")},
        "options": {"pixels": "gpu", "mode": "realtime"},
        **more,
    }


def page(*rows: dict[str, Any], machine: object = MACHINE) -> dict[str, Any]:
    return {"machine": machine, "rows": list(rows), "benchmark": None}


MODEL = [
    {"backend": "webgpu", "budget": "8", "context": "full", "runner": "WebGPU on NVIDIA H200"}
    | {"stages": {"preprocess": 1.0, "model": 3.9, "decode": 0.5, "pixels to mask": 5.4}},
    {"backend": "webgpu", "budget": "full", "context": "full", "error": "lost"},
]


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_files_of_one_result_and_of_several_pages_are_merged(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / "a.json", page(summary("a", 9), {"case": "b", "error": "no summary"})),
        write(tmp_path / "b.json", {"vk perf/?work=b": {"logs": [], "result": page(summary("b", 7))}}),
        write(tmp_path / "c.json", {"x": {"result": None}, "y": {"result": MODEL}}),
    ]
    results = read_results(paths)
    assert results.machine == MACHINE
    assert [(row["case"], row["p50_total_ms"]) for row in results.measured] == [("a", 9), ("b", 7)]
    assert results.failed == ()
    assert [row["budget"] for row in results.models] == ["8", "full"]


def test_a_later_summary_replaces_an_earlier_one_and_an_error_replaces_none() -> None:
    error = {"case": "a", "error": "no summary in 60 seconds"}
    results = merged(
        [
            ("1", page(summary("a", 9))),
            ("2", page(summary("a", 8))),
            ("3", page(error, {**error, "case": "b"})),
        ]
    )
    assert [row["p50_total_ms"] for row in results.measured] == [8]
    assert [row["case"] for row in results.failed] == ["b"]


def test_results_of_different_machines_are_not_merged() -> None:
    with pytest.raises(
        ValueError, match=r"x\.json was measured on .*'cores': 2.* on .*'cores': 16.* one machine"
    ):
        merged([("a.json", page()), ("x.json", page(machine={**MACHINE, "cores": 2}))])


@pytest.mark.parametrize("content", [[], {}, {"a": {"result": None}}, {"rows": []}, [{"rows": 1}], 3, "text"])
def test_files_without_results_end_in_a_sentence(tmp_path: Path, content: object) -> None:
    with pytest.raises(
        ValueError, match=r"--results .*x\.json must be the JSON of a perf page's window\.result"
    ):
        read_results([write(tmp_path / "x.json", content)])


def test_files_that_are_missing_or_no_json_end_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must be the JSON .*No such file"):
        read_results([tmp_path / "none.json"])
    (tmp_path / "x.json").write_text("{", "utf-8")
    with pytest.raises(ValueError, match=r"must be the JSON .*Expecting property name"):
        read_results([tmp_path / "x.json"])


def test_the_report_shows_every_case_and_keeps_every_number(tmp_path: Path) -> None:
    sentence = "This browser has no WebGPU, so the processor does the pixel work."
    rows = [
        summary("1280x720, patch-diff, pixels=gpu"),
        summary("other | one", 30, gpu_frames=0, pixels_note=sentence),
        summary("1280x720, all tiles, all tokens", 101.25, gpu_frames=0),
        {"case": "slow", "error": "no summary in 60 seconds, after 3 frames"},
    ]
    tables = write_report(tmp_path, merged([("1", page(*rows)), ("2", MODEL)]))
    assert tables.startswith("# Live, by size\n\nNVIDIA H200, Chromium 1, 16 cores. ")
    head, rule, first, second = tables.split("## Camera with grain\n\n")[1].splitlines()[:4]
    assert {line.count("|") for line in (head, rule, first, second)} == {head.count("|")}
    assert "| capture | mask | pixels | draw | outside | rest |" in head
    assert "| 1280x720, patch-diff, pixels=gpu | 1280x720 | GPU | 30.0 | 30.0 | 12.0 | 12.0 |" in first
    assert first.endswith("| 8.00 | 0.40 | 1.25 | 0.50 | 1.75 | 2.15 |")
    assert f"| other / one | 1280x720 | CPU: {sentence} |" in second
    assert "| 1280x720, all tiles, all tokens | 24 | 100.5 | 101.2 | 101.2 |" in tables
    assert "| WebGPU on NVIDIA H200 | 8 | 15 frames | 1.00 | 3.90 | 0.50 | 5.40 |  |" in tables
    assert "| slow | no summary in 60 seconds, after 3 frames |" in tables
    assert (tmp_path / "perf-live.md").read_text("utf-8") == tables + "\n"
    written = json.loads((tmp_path / "perf-live.json").read_text("utf-8"))
    assert written["options"] == {"pixels": "gpu", "mode": "realtime"}
    assert written["cases"][0] == {**rows[0], "options": {}}
    assert (written["failed"], written["model"]) == ([rows[3]], MODEL)
    svg = ElementTree.fromstring((tmp_path / "perf-live.svg").read_text("utf-8"))
    texts = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert "other | one" in texts
    # On their scale a frame of the camera would be a line.
    assert "1280x720, all tiles, all tokens" not in texts


def test_the_model_alone_is_a_report(tmp_path: Path) -> None:
    assert write_report(tmp_path, merged([("", MODEL)])).startswith("# Live, by size\n\nNVIDIA H200. ")
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".md"]


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({}, "GPU"),
        ({"gpu_frames": 0}, "CPU"),
        ({"gpu_frames": 0, "pixels_failure": "The GPU was lost"}, "CPU: The GPU was lost"),
        ({"gpu_frames": 40, "pixels_note": "Out of memory."}, "GPU for 40 of 90 frames: Out of memory."),
    ],
)
def test_what_did_the_pixel_work_is_told(more: dict[str, Any], text: str) -> None:
    assert pixels_text(summary("a", **more)) == text


def test_times_are_told_beside_the_goals() -> None:
    rows = [
        summary("1920x1080, autogaze, pixels=gpu", 26, p50_rest_ms=4.0),
        summary(
            "1920x1080, autogaze, pixels=cpu", 25.04, options={"pixels": "cpu"}, gpu_frames=0, p50_rest_ms=9.5
        ),
        summary("1280x720, all tiles, all tokens", 24.5),
        # The processor did it instead.
        summary("640x360, autogaze, pixels=gpu", 5, gpu_frames=89),
    ]
    assert plane_goal_lines(rows) == [
        ["1920x1080, autogaze: capture to panels, 40 frames/s", "25", "26.0", "**25.0**"],
        ["1920x1080, autogaze: all but capture, upload, model", "4", "**4.00**", "9.50"],
    ]
    assert model_goal_lines(rows, MODEL) == [
        ["sweep, 1280x720, all tiles, all tokens", "25", "**24.5**"],
        ["model alone, 8 tokens, full context", "3", "3.90"],
    ]
    assert plane_goal_lines([]) == model_goal_lines([], []) == []


def test_every_goal_is_of_a_case_that_is_measured() -> None:
    cameras = {case.name for case in camera_cases()}
    for goal in CAMERA_GOALS:
        assert {f"{goal.case}, pixels=gpu", f"{goal.case}, pixels=cpu"} <= cameras
    assert {goal.case for goal in SWEEP_GOALS} == {case.name for case in sweep_cases()}
    assert f"budgets={','.join(goal.case for goal in MODEL_GOALS)}&" in MODEL_QUERY


def test_frames_that_did_not_reach_the_graphics_card_are_a_problem_where_one_is_required() -> None:
    row = {
        **summary("a", gpu_frames=89, target_frames=90, avg_tokens=None),
        **{f"{rank}_{name}_ms": 1 for rank in ("p99", "max") for name in ("total", "model")},
        **dict.fromkeys(("avg_mask_update_ratio", "avg_output_update_ratio", "latest_mask_update_ratio"), 0),
        **{"p95_total_ms": 1, "p50_total_ms": 1, "p50_model_ms": 1, "p95_model_ms": 1},
        **{"latest_psnr_infinite": False, "latest_psnr_db": 30},
    }
    assert problems(row) == []
    assert problems(row, hardware=True) == ["the graphics card did the pixel work of 89 frames"]
    assert problems({**row, "options": {"pixels": "cpu"}}, hardware=True) == []


def test_every_case_says_what_the_site_understands() -> None:
    cases = [*camera_cases(), *sweep_cases()]
    assert len({case.name for case in cases}) == len(cases) == 16 + 6
    for case in cases:
        values = parse(dict(parse_qsl(case.query)))
        assert values["perf-summary-frames"] == case.frames
        size = case.name.split(",")[0]
        assert values["inference-width"] == int(size.split("x")[0])
        assert values["source"] == "camera"
        assert case.work == size == f"{values['camera-width']}x{values['camera-height']}"
        if values["mask-source"] == "autogaze":
            # A camera's frames are given all their tokens, as is every other sweep.
            assert (requirement(values) is None) == ("early" not in case.name)
            assert values["mask-timing"] == "own"
    works = {f"{width}x{height}" for width, height in SIZES}
    assert {case.work for case in cases} == works
