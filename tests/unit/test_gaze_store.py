from __future__ import annotations

import contextlib
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest

from autogaze_web import Cells, Choice, GazingInfo, Tiling
from autogaze_web.cli.main import main
from autogaze_web.files.gaze_store import (
    gaze_from_bytes,
    gaze_to_bytes,
    load_gaze,
    masks_to_bytes,
    save_gaze,
)
from autogaze_web.files.mp4_writer import write_mp4
from autogaze_web.files.stored_gaze import StoredGaze
from autogaze_web.live.pipeline import synthetic_frames
from autogaze_web.live.record import FrameRecord, FrameRecords
from autogaze_web.masks.fixations import Fixations
from autogaze_web.readout.projection import frame_tokens
from autogaze_web.readout.token_grids import ImageGrid
from autogaze_web.tiles.cells_by_tile import cells_by_tile
from autogaze_web.tiles.stitching import stitch

MODEL = Path(__file__).parents[2] / "site" / "model"
GRIDS = (2, 4, 7, 14)


def a_choice(seed: int, pads: int = 0) -> Choice:
    random = np.random.default_rng(seed)
    grid = random.choice(GRIDS, 5)
    cells = Cells.of(grid, random.integers(0, grid), random.integers(0, grid))
    slots = random.permutation(np.arange(5 + pads) >= 5)
    return Choice(cells, np.arange(5), pads, 1, slots)


def a_clip() -> StoredGaze:
    choices = [a_choice(0), a_choice(1, pads=3), Choice.none()]
    return StoredGaze.of_choices(choices, GRIDS, [0, 0.04, None], {"name": "autogaze"})


def equal(first: StoredGaze, second: StoredGaze) -> bool:
    return gaze_to_bytes(first, ".json") == gaze_to_bytes(second, ".json")


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_what_is_saved_is_loaded(tmp_path, suffix):
    path = tmp_path / f"gaze{suffix}"
    save_gaze(path, a_clip())
    loaded = load_gaze(path)
    assert equal(loaded, a_clip())
    assert loaded.scales == (32, 64, 112, 224)
    assert loaded.info.gazing_pos.dtype == np.int64
    assert loaded.info.if_padded_gazing.dtype == np.bool_
    assert math.isnan(loaded.times[2])
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_numpy_alone_reads_the_arrays():
    arrays = np.load(io.BytesIO(gaze_to_bytes(a_clip(), ".npz")))
    assert set(arrays) == {
        *("gazing_pos", "if_padded_gazing", "num_gazing_each_frame", "scales", "grids", "tiles", "times"),
        "settings",
    }
    assert arrays["num_gazing_each_frame"].tolist() == [5, 8, 0]
    assert json.loads(str(arrays["settings"])) == {"name": "autogaze"}
    assert gaze_to_bytes(a_clip(), ".npz") == gaze_to_bytes(a_clip(), ".npz")


def test_pads_stand_where_the_model_stopped():
    info, choice = a_clip().info, a_choice(1, pads=3)
    assert info.if_padded_gazing[0, 5:].tolist() == choice.slots.tolist()
    assert set(info.gazing_pos[0][info.if_padded_gazing[0]].tolist()) == {265 * 2}
    assert a_clip().cells(1).row.tolist() == choice.cells.row.tolist()


@pytest.mark.parametrize("grid", [(14, 14), (27, 27), (3, 5), (1, 1)])
def test_masks_are_the_tokens_that_the_cells_touch(grid):
    masks = a_clip().keep_masks(*grid)
    assert masks.shape == (1, 3, *grid)
    for frame, choice in enumerate([a_choice(0), a_choice(1), Choice.none()]):
        kept = frame_tokens(choice.cells, ImageGrid(*grid))
        assert np.flatnonzero(masks[0, frame]).tolist() == sorted(kept.tolist())


@pytest.mark.parametrize(
    "tiling",
    [
        Tiling.anyres(300, 700),
        Tiling.full_resolution(300, 700),
        Tiling.full_resolution(300, 700, stride=112),
        Tiling.full_resolution(230, 500, stride=96),
    ],
)
def test_tiles_are_the_videos_of_a_batch(tiling):
    tiles = [a_choice(index).cells for index in range(len(tiling))]
    fixations = stitch(tiling, tiles)
    stored = StoredGaze.of_choices([Choice.of(fixations), Choice.none()], GRIDS, tiling=tiling)
    assert len(stored.info.gazing_pos) == len(tiling)
    assert int((~stored.info.if_padded_gazing).sum()) == len(fixations)
    loaded = gaze_from_bytes(gaze_to_bytes(stored, ".npz"), ".npz")
    for grid in ((14, 14), (27, 33)):
        kept = frame_tokens(fixations, ImageGrid(*grid))
        masks = loaded.keep_masks(*grid)
        assert masks.shape == (1, 2, *grid)
        assert np.flatnonzero(masks[0, 0]).tolist() == sorted(kept.tolist())
        assert not masks[0, 1].any()


def test_tiles_side_by_side_have_the_cells_that_were_chosen_in_them():
    tiling = Tiling.anyres(300, 700)
    tiles = [a_choice(index).cells for index in range(len(tiling))]
    for cells, given in zip(cells_by_tile(stitch(tiling, tiles), tiling), tiles, strict=True):
        listed = set(zip(*(a.tolist() for a in (cells.grid, cells.row, cells.col)), strict=True))
        assert listed == set(zip(*(a.tolist() for a in (given.grid, given.row, given.col)), strict=True))


def test_masks_in_a_file():
    written = masks_to_bytes(a_clip(), [(14, 14), (27, 27)], ".npz")
    arrays = np.load(io.BytesIO(written))
    assert sorted(arrays) == ["keep_14x14", "keep_27x27", "times"]
    np.testing.assert_array_equal(arrays["keep_27x27"], a_clip().keep_masks(27))


def test_error_for_cells_of_another_tiling():
    fixations = stitch(Tiling.anyres(200, 400), [a_choice(0).cells, a_choice(1).cells])
    with pytest.raises(ValueError, match="give the tiling that they were stitched with"):
        cells_by_tile(fixations, Tiling.anyres(700, 700))
    with pytest.raises(ValueError, match="give the tiling of the frames"):
        StoredGaze.of_choices([Choice.of(fixations)], GRIDS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grids": [0, 4, 7, 14]}, "grids are 1 to"),
        ({"scales": [32]}, "scales are as many as grids"),
        ({"times": [0.0]}, "as many times"),
        ({"tiles": [[0, 0, 0, 1, 1, 1]]}, "tiles have a top"),
        ({"tiles": [[0, 0, 1, 1, 1, 1]] * 2}, "tiles are 6 numbers"),
        ({"gazing_pos": [[265 * 3] * 13]}, "gazing_pos ranges"),
        ({"gazing_pos": [[0], [1, 2]]}, "gazing_pos must be an array"),
        ({"gazing_pos": [["a"] * 13]}, "gazing_pos has values of type"),
        ({"num_gazing_each_frame": [[5]]}, "num_gazing_each_frame has 1 axes"),
        ({"settings": []}, "settings must be a JSON object"),
        ({"version": 2}, '"version": 1'),
    ],
)
def test_error_for_a_wrong_value(change, message):
    document = json.loads(gaze_to_bytes(a_clip(), ".json")) | change
    with pytest.raises(ValueError, match=message):
        gaze_from_bytes(json.dumps(document).encode(), ".json")


def test_error_for_files_that_are_no_gaze(tmp_path):
    good = gaze_to_bytes(a_clip(), ".npz")
    for damaged in (b"", b"PK", good[:-30], good[:60] + b"\xff" * 40 + good[100:]):
        with pytest.raises(ValueError, match="it is no"):
            gaze_from_bytes(damaged, ".npz")
    (tmp_path / "gaze.json").write_bytes(b"\xff{")
    with pytest.raises(ValueError, match=r"gaze\.json: it is no JSON: byte 0"):
        load_gaze(tmp_path / "gaze.json")
    with pytest.raises(ValueError, match="missing: gazing_pos"):
        gaze_from_bytes(b'{"format": "autogaze-gazing-info", "version": 1}', ".json")
    with pytest.raises(ValueError, match="got no suffix"):
        save_gaze(tmp_path / "gaze", a_clip())
    with pytest.raises(ValueError, match="at most 100,000,000"):
        a_clip().keep_masks(9000, 9000)


def test_a_batch_of_clips_has_a_mask_for_each():
    first, second = Fixations.none(), Cells.of(2, [1], [1])
    info = GazingInfo.of_cells([[Cells.none()], [second]], [2])
    stored = StoredGaze(info, (32,), (2,), np.zeros(1))
    assert len(first) == 0
    assert stored.keep_masks(2).tolist() == [
        [[[False, False], [False, False]]],
        [[[False, False], [False, True]]],
    ]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_mp4(path, [frame[..., :3] for frame in synthetic_frames("synthetic-pan", 240, 400, 3)], 10)
    return path


@pytest.mark.parametrize(
    ("flags", "videos"),
    [
        (("--patch-diff-threshold", "0.01"), 1),
        (("--model", str(MODEL), "--max-tokens", "4"), 1),
        (("--model", str(MODEL), "--max-tokens", "2", "--mode", "tiled", "--frames", "2"), 4),
        (("--model", str(MODEL), "--max-tokens", "2", "--mode", "full-resolution", "--frames", "1"), 4),
    ],
    ids=["patch-diff", "stream", "tiled", "full-resolution"],
)
def test_the_command_line_writes_them(clip, tmp_path, flags, videos):
    gaze, masks, trace = (str(tmp_path / name) for name in ("gaze.npz", "keep.json", "trace.json"))
    arguments = ["--json", trace, "--gazing-info", gaze, "--keep-masks", masks, "--keep-grid", "27x31", "6x6"]
    assert main(["trace", str(clip), *flags, *arguments]) == 0
    stored, traced = load_gaze(gaze), json.loads((tmp_path / "trace.json").read_text())
    assert stored.settings == traced["mask_source"]
    assert stored.times.tolist() == [frame["time"] for frame in traced["frames"]]
    assert len(stored.info.gazing_pos) == videos
    tokens = [len(frame["tokens"]) for frame in traced["frames"]]
    assert int((~stored.info.if_padded_gazing).sum()) == sum(tokens) > 0
    written = json.loads((tmp_path / "keep.json").read_text())
    assert sorted(written) == ["keep_27x31", "keep_6x6", "times"]
    for frame, entry in enumerate(traced["frames"]):
        edges = entry.get("edges") or [
            [row, col, row + 1, col + 1, grid, grid]
            for (row, col), grid in zip(entry["cell"], entry["scale"], strict=True)
        ]
        kept = np.zeros((27, 31), bool)
        for top, left, bottom, right, rows, columns in edges:
            y0, y1 = top * 27 // rows, -(-bottom * 27 // rows)
            x0, x1 = left * 31 // columns, -(-right * 31 // columns)
            kept[y0:y1, x0:x1] = True
        assert (np.array(written["keep_27x31"])[0, frame] == kept).all()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--gazing-info", "gaze.txt"), "gazing_info and masks are .npz or .json files, got .txt"),
        (("--keep-masks", "keep.npz", "--keep-grid", "14"), "expected height x width such as 14x14"),
        (("--keep-masks", "keep.npz", "--keep-grid", "0x3"), "expected a whole number of 1 to 1024"),
    ],
)
def test_error_for_a_flag(clip, tmp_path, monkeypatch, capsys, flags, message):
    monkeypatch.chdir(tmp_path)
    with contextlib.suppress(SystemExit):
        assert main(["trace", str(clip), *flags]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_error_for_records_that_are_no_single_gaze():
    records = FrameRecords()
    with pytest.raises(ValueError, match="nothing to save"):
        StoredGaze.of_records(records, 240, 400)
    for index, grid in enumerate((14, 7)):
        choice = Choice.of(Cells.of(grid, [0], [0]))
        records.add(FrameRecord(index, True, choice, 1.0, 1.0, 1.0), {"name": "patch-diff", "grids": [grid]})
    with pytest.raises(ValueError, match="save each part by itself"):
        StoredGaze.of_records(records, 240, 400)
