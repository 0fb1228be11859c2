import math

import numpy as np
import pytest
from PIL import Image
from strategies import noise_frame

from autogaze_web.files.render import PngFiles
from autogaze_web.live.pipeline import (
    Collector,
    image_files,
    process_frames,
    rgba_frames,
    run,
    synthetic_frames,
)
from autogaze_web.live.settings import LiveSettings
from autogaze_web.live.sources import ComparisonSource
from autogaze_web.live.view import LiveView
from autogaze_web.masks.cells import Cells, cell_rectangles
from autogaze_web.masks.choice import Choice
from autogaze_web.masks.patch_diff import PatchDiff
from autogaze_web.panels.output import Accumulation
from autogaze_web.readout.token_grids import ImageGrid
from autogaze_web.tiles.stitching import stitch
from autogaze_web.tiles.tiling import Tiling

FRAMES = np.random.default_rng(0).integers(0, 256, (4, 60, 80, 3), dtype=np.uint8)


def test_patch_diff_as_a_source_is_the_live_views_own():
    view = LiveView()
    for source in (None, PatchDiff()):
        view.restart()
        collected = Collector()
        assert run(synthetic_frames("synthetic-pan", 90, 161, 6), source, [collected]) == 6
        for processed in collected.frames:
            assert view.step(processed.frame).cells == len(processed.cells)
            np.testing.assert_array_equal(processed.output, view.output)
            np.testing.assert_array_equal(processed.mask, view.mask)


def test_a_mask_source_sees_every_frame():
    class Source:
        seen = 0

        def describe(self):
            return {"name": "mine", "grids": [2]}

        def choose(self, frame):
            assert frame.shape == (36, 64, 4)
            self.seen += 1
            return Choice.of(Cells.of(2, 0, self.seen % 2))

    source, collected = Source(), Collector()
    run(synthetic_frames("synthetic-pan", 36, 64, 3), source, [collected])
    assert source.seen == 3
    assert [frame.cells.col.tolist() for frame in collected.frames] == [[1], [0], [1]]


def test_any_function_of_two_frames_is_a_source():
    calls = []

    def corner(previous, frame):
        calls.append((previous.copy(), frame.copy()))
        return stitch(Tiling.anyres(20, 40, 20), [Cells.none(), Cells.of(2, 0, 1)])

    frames = [noise_frame(seed, 20, 40) for seed in range(3)]
    result = [processed.copy() for processed in process_frames(frames, corner)]
    assert len(calls) == 2
    np.testing.assert_array_equal(calls[1][0], frames[1])
    np.testing.assert_array_equal(calls[1][1], frames[2])
    expected = frames[0].copy()
    expected[:10, 30:] = frames[2][:10, 30:]
    np.testing.assert_array_equal(result[2].output, expected)
    assert result[2].report.update_ratio == 100 / 800
    assert result[2].tokens(ImageGrid(2, 4)).tolist() == [3]
    assert result[2].side_by_side().shape == (20, 120, 4)


def test_a_change_of_size_starts_over():
    frames = [noise_frame(0, 8, 8), noise_frame(1, 8, 8), noise_frame(2, 9, 8), noise_frame(3, 9, 8)]
    processed = process_frames(frames, lambda *_: Cells.of(1, 0, 0))
    keyframes = [frame.report.keyframe for frame in processed]
    assert keyframes == [True, False, True, False]


def test_frames_of_one_pixel():
    frames = [noise_frame(seed, 1, 1) for seed in range(3)]
    reports = [processed.report for processed in process_frames(frames, PatchDiff(threshold=0))]
    assert [report.keyframe for report in reports] == [True, False, False]
    assert reports[2].update_ratio == 1


def test_settings_reach_the_output():
    settings = LiveSettings(accumulation=Accumulation("full-blend", blend_alpha=1.0))
    frames = [noise_frame(seed, 6, 6) for seed in range(2)]
    *_, last = process_frames(frames, lambda *_: Cells.of(2, 0, 0), settings)
    assert (last.output[:3, :3, :3] == 255).all()


def test_files_in_and_out(tmp_path):
    run(synthetic_frames("synthetic-pulse", 20, 30, 2), outputs=[PngFiles(tmp_path / "out")])
    written = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in written] == ["000000.png", "000001.png"]
    (first, _) = image_files(written)
    assert first.shape == (20, 90, 4)
    Image.new("RGB", (3, 2), (1, 2, 3)).save(tmp_path / "x.png")
    assert next(image_files([tmp_path / "x.png"])).tolist() == [[[1, 2, 3, 255]] * 3] * 2


def test_rgba_bytes():
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 4), dtype=np.uint8)
    read = list(rgba_frames(frames.tobytes(), 5, 3))
    np.testing.assert_array_equal(np.stack(read), frames)


def test_bad_input_gets_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="have 60 bytes each, got 61 bytes"):
        rgba_frames(bytes(61), 5, 3)
    with pytest.raises(ValueError, match="RGBA frames of 0x3"):
        rgba_frames(b"", 0, 3)
    with pytest.raises(ValueError, match="synthetic sources are"):
        synthetic_frames("nothing", 4, 4, 1)
    (tmp_path / "x.png").write_text("text")
    for path in (tmp_path / "x.png", tmp_path / "none.png"):
        with pytest.raises(ValueError, match=f"{path.name} is not a readable picture"):
            next(image_files([path]))


class TopLeftQuarter:
    """Chooses the same cell of every frame."""

    def describe(self):
        return {"name": "quarter"}

    def choose(self, frame):
        assert frame.shape == (60, 80, 4)
        return Choice(Cells.of(2, [0], [0], 0.5), np.array([7]), padded=2, steps=3)


def test_output_is_the_first_frame_with_the_chosen_cells_of_later_ones():
    expected = FRAMES[0].copy()
    for processed in process_frames(FRAMES, TopLeftQuarter()):
        expected[:30, :40] = FRAMES[processed.record.index][:30, :40]
        np.testing.assert_array_equal(processed.output[..., :3], expected)
        error = (expected.astype(float) - FRAMES[processed.record.index]) ** 2
        if processed.record.index == 0:
            assert processed.record.keyframe
            assert processed.record.update_ratio == 1
            assert math.isinf(processed.record.psnr)
        else:
            assert not processed.record.keyframe
            assert processed.record.update_ratio == 0.25
            assert math.isclose(processed.record.psnr, 10 * math.log10(255**2 / error.mean()))


def test_entry_of_a_frame():
    first, second, *_ = (processed.record.to_json() for processed in process_frames(FRAMES, TopLeftQuarter()))
    assert first["psnr"] is None
    assert {name: second[name] for name in ("index", "tokens", "scale", "cell", "confidence")} == {
        "index": 1,
        "tokens": [7],
        "scale": [2],
        "cell": [[0, 0]],
        "confidence": [0.5],
    }
    assert (second["padded"], second["steps"], second["mask_ratio"]) == (2, 3, 0.25)


def test_patch_diff_names_the_cells_that_changed():
    still = np.full((60, 80, 3), 90, np.uint8)
    moved = still.copy()
    y0, x0, y1, x1 = cell_rectangles(Cells.of(4, [2], [3]), 60, 80)[0]
    moved[y0:y1, x0:x1] = 200
    source = ComparisonSource(PatchDiff(4, 0.15))
    frames = process_frames([still, still, moved, moved], source)
    assert [frame.record.choice.tokens.tolist() for frame in frames] == [[], [], [11], []]
    assert source.describe() == {"name": "patch-diff", "grids": [4], "threshold": 0.15}
