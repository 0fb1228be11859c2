import csv
import io
import json
import math

import numpy as np
import pytest

from autogaze_web.cli.main import main
from autogaze_web.files.exports import metrics_csv, store_bytes, trace_text
from autogaze_web.files.mp4_writer import write_mp4
from autogaze_web.files.trace_store import load_traces, traces_from_bytes
from autogaze_web.files.video import open_clip
from autogaze_web.frames.synthetic import SYNTHETIC_SOURCES
from autogaze_web.live.record import FrameRecord, FrameRecords
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.choice import Choice
from autogaze_web.masks.fixations import Fixations
from autogaze_web.page.live_session import PageSession

VIDEO = {"name": "clip.mp4", "width": 160, "height": 90, "frames_per_second": 25.0}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    frames = []
    for index in range(12):
        frame = np.zeros((90, 160, 4), np.uint8)
        SYNTHETIC_SOURCES["synthetic-local-motion"](frame, index)
        frames.append(frame[..., :3].copy())
    write_mp4(path, frames, 25)
    return path


def play(clip, session):
    for frame in open_clip(clip).frames():
        session.frame_memory(90, 160).reshape(90, 160, 4)[..., :3] = frame.image
        session.frame_memory(90, 160).reshape(90, 160, 4)[..., 3] = 255
        report = json.loads(session.process(float(frame.time)))
    return report


def page_file(session, kind):
    return bytes(session.file(kind, json.dumps(VIDEO)))


def test_the_page_and_the_command_line_write_the_same_bytes(clip, tmp_path):
    session = PageSession()
    assert play(clip, session)["recorded"] == 12
    names = {"trace": "trace.json", "metrics": "metrics.csv", "safetensors": "a.safetensors"}
    paths = {kind: tmp_path / name for kind, name in names.items()}
    options = ["--json", paths["trace"], "--metrics-csv", paths["metrics"], "--store", paths["safetensors"]]
    assert main(["trace", str(clip), *map(str, options)]) == 0
    for kind, path in paths.items():
        assert page_file(session, kind) == path.read_bytes(), kind
    assert main(["trace", str(clip), "--store", str(tmp_path / "store.json")]) == 0
    assert page_file(session, "store") == (tmp_path / "store.json").read_bytes()

    (trace,) = load_traces(paths["safetensors"])
    listed = json.loads(paths["trace"].read_text())["frames"]
    assert [len(frame) for frame in trace.frames] == [len(frame["tokens"]) for frame in listed]
    assert sum(len(frame) for frame in trace.frames) > 0


def test_the_numbers_are_a_table(clip):
    session = PageSession()
    play(clip, session)
    rows = list(csv.DictReader(io.StringIO(page_file(session, "metrics").decode())))
    entries = json.loads(page_file(session, "trace"))["frames"]
    assert [int(row["index"]) for row in rows] == list(range(12))
    assert rows[0]["keyframe"] == "1"
    assert rows[0]["psnr"] == "inf"
    assert rows[0]["psnr_ema"] == ""
    for row, entry in zip(rows, entries, strict=True):
        assert int(row["cells"]) == int(row["cells_14x14"]) == len(entry["tokens"])
        assert float(row["update_ratio"]) == entry["update_ratio"]
        assert float(row["psnr"]) == (entry["psnr"] or math.inf)


def test_a_new_stream_begins_a_new_record(clip):
    session = PageSession()
    play(clip, session)
    session.restart()
    assert play(clip, session)["recorded"] == 12


def test_a_change_of_the_mask_source_is_told(clip):
    session = PageSession()
    play(clip, session)
    session.configure('{"patch-diff-threshold": 0.5}')
    session.process()
    trace = json.loads(page_file(session, "trace"))
    assert trace["mask_source"]["threshold"] == 0.15
    changed = {"name": "patch-diff", "grids": [14], "threshold": 0.5}
    assert trace["mask_source_changes"] == [{"index": 12, "mask_source": changed}]


def test_nothing_and_unknown_files():
    session = PageSession()
    for kind in ("trace", "store", "safetensors", "metrics"):
        with pytest.raises(ValueError, match="no frame has been processed yet"):
            session.file(kind, "{}")
    with pytest.raises(ValueError, match="files are trace, store, safetensors or metrics, got 'mp3'"):
        session.file("mp3", "{}")


def record(index, cells):
    return FrameRecord(index, index == 0, Choice.of(cells), 0.5, 0.5, 30.0)


def test_records_are_bounded_by_frames_and_by_cells():
    records = FrameRecords(most_frames=3, most_cells=10)
    for index in range(5):
        records.add(record(index, Cells.of(4, [0, 1], [0, 1])), {"grids": [4]})
    assert [kept.index for kept in records] == [2, 3, 4]
    records.add(record(5, Cells.of(32, [0] * 9, range(9))), {"grids": [4]})
    assert [kept.index for kept in records] == [5]
    records.add(record(6, Cells.of(32, [0] * 20, range(20))), {"grids": [4]})
    assert [kept.index for kept in records] == [6], "the newest frame is always kept"


def test_fixations_of_tiles_have_edges():
    tile = Fixations.of(Cells.of([7], [2], [3], 0.5))
    records = FrameRecords()
    records.add(record(0, tile), {"name": "autogaze", "grids": [7]})
    (entry,) = json.loads(trace_text(records, VIDEO))["frames"]
    assert "cell" not in entry
    assert entry["edges"] == [[2, 3, 3, 4, 7, 7]]
    assert entry["tokens"] == [0]
    assert "cells_7x7" in metrics_csv(records)
    for suffix in (".json", ".safetensors"):
        (loaded,) = traces_from_bytes(store_bytes(records, suffix), suffix)
        assert loaded.frames[0].start.tolist() == [[2, 3]]


def test_cells_of_an_earlier_frame_say_so():
    records = FrameRecords()
    cells = Choice.of(Cells.of(4, [0], [1]))
    for index, age in enumerate((0, 3)):
        records.add(FrameRecord(index, False, cells, 0.5, 0.5, 30.0, age=age), {"name": "x", "grids": [4]})
    first, second = json.loads(trace_text(records, VIDEO))["frames"]
    assert "age" not in first
    assert second["age"] == 3
    rows = list(csv.DictReader(io.StringIO(metrics_csv(records))))
    assert [row["age"] for row in rows] == ["0", "3"]
