import doctest

import numpy as np
import pytest
from PIL import Image
from strategies import noise_frame

import autogaze_web.files.trace_store
import autogaze_web.live.pipeline
import autogaze_web.readout.projection
from autogaze_web.live.pipeline import (
    Collector,
    PngFiles,
    image_files,
    packets,
    rgba_frames,
    run,
    synthetic_frames,
)
from autogaze_web.live.record import Chosen
from autogaze_web.live.view import LiveSettings
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.patch_diff import PatchDiff
from autogaze_web.panels.output import Accumulation
from autogaze_web.readout.token_grids import ImageGrid
from autogaze_web.tiles.tiling import Tiling, stitch


@pytest.mark.parametrize(
    "module", [autogaze_web.live.pipeline, autogaze_web.readout.projection, autogaze_web.files.trace_store]
)
def test_the_examples_in_the_documentation(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_patch_diff_as_a_source_is_the_built_in_one():
    a, b = Collector(), Collector()
    run(synthetic_frames("synthetic-pan", 90, 161, 6), None, [a])
    assert run(synthetic_frames("synthetic-pan", 90, 161, 6), PatchDiff(), [b]) == 6
    for ours, theirs in zip(a.packets, b.packets, strict=True):
        np.testing.assert_array_equal(ours.output, theirs.output)
        np.testing.assert_array_equal(ours.mask, theirs.mask)


def test_a_mask_source_sees_every_frame():
    class Source:
        seen = 0

        def describe(self):
            return {"name": "mine", "grids": [2]}

        def choose(self, frame):
            assert frame.shape == (36, 64, 4)
            self.seen += 1
            return Chosen(Cells.of(2, 0, self.seen % 2), np.zeros(1, np.int64))

    source, collected = Source(), Collector()
    run(synthetic_frames("synthetic-pan", 36, 64, 3), source, [collected])
    assert source.seen == 3
    assert [packet.cells.col.tolist() for packet in collected.packets] == [[1], [0], [1]]


def test_any_function_of_two_frames_is_a_source():
    calls = []

    def corner(previous, frame):
        calls.append((previous.copy(), frame.copy()))
        return stitch(Tiling.anyres(20, 40, 20), [Cells.none(), Cells.of(2, 0, 1)])

    frames = [noise_frame(seed, 20, 40) for seed in range(3)]
    result = [packet.copy() for packet in packets(frames, corner)]
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
    keyframes = [packet.report.keyframe for packet in packets(frames, lambda *_: Cells.of(1, 0, 0))]
    assert keyframes == [True, False, True, False]


def test_frames_of_one_pixel():
    frames = [noise_frame(seed, 1, 1) for seed in range(3)]
    reports = [packet.report for packet in packets(frames, PatchDiff(threshold=0))]
    assert [report.keyframe for report in reports] == [True, False, False]
    assert reports[2].update_ratio == 1


def test_settings_reach_the_output():
    settings = LiveSettings(accumulation=Accumulation("full-blend", blend_alpha=1.0))
    frames = [noise_frame(seed, 6, 6) for seed in range(2)]
    *_, last = packets(frames, lambda *_: Cells.of(2, 0, 0), settings)
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
        with pytest.raises(ValueError, match=f"{path.name} is no picture"):
            next(image_files([path]))
