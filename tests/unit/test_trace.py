from __future__ import annotations

import io
import math

import numpy as np

from autogaze_web.cli.progress import progress
from autogaze_web.files.render import side_by_side
from autogaze_web.frames.rgba import Rgba
from autogaze_web.live.record import Chosen
from autogaze_web.live.trace import PatchDiffSource, trace_frames
from autogaze_web.masks.cells import Cells, cell_rectangles
from autogaze_web.masks.patch_diff import PatchDiff

FRAMES = np.random.default_rng(0).integers(0, 256, (4, 60, 80, 3), dtype=np.uint8)


class TopLeftQuarter:
    """Chooses the same cell of every frame."""

    def describe(self) -> dict[str, object]:
        return {"name": "quarter"}

    def choose(self, frame: Rgba) -> Chosen:
        assert frame.shape == (60, 80, 4)
        return Chosen(Cells.of(2, [0], [0], 0.5), np.array([7]), padded=2, steps=3)


def test_output_is_the_first_frame_with_the_chosen_cells_of_later_ones() -> None:
    expected = FRAMES[0].copy()
    for traced in trace_frames(FRAMES, TopLeftQuarter()):
        expected[:30, :40] = FRAMES[traced.record.index][:30, :40]
        np.testing.assert_array_equal(traced.output[..., :3], expected)
        error = (expected.astype(float) - FRAMES[traced.record.index]) ** 2
        if traced.record.index == 0:
            assert traced.record.keyframe
            assert traced.record.update_ratio == 1
            assert math.isinf(traced.record.psnr)
        else:
            assert not traced.record.keyframe
            assert traced.record.update_ratio == 0.25
            assert math.isclose(traced.record.psnr, 10 * math.log10(255**2 / error.mean()))


def test_entry_of_a_frame() -> None:
    first, second, *_ = (traced.record.to_json() for traced in trace_frames(FRAMES, TopLeftQuarter()))
    assert first["psnr"] is None
    assert {name: second[name] for name in ("index", "tokens", "scale", "cell", "confidence")} == {
        "index": 1,
        "tokens": [7],
        "scale": [2],
        "cell": [[0, 0]],
        "confidence": [0.5],
    }
    assert (second["padded"], second["steps"], second["mask_ratio"]) == (2, 3, 0.25)


def test_patch_diff_names_the_cells_that_changed() -> None:
    still = np.full((60, 80, 3), 90, np.uint8)
    moved = still.copy()
    y0, x0, y1, x1 = cell_rectangles(Cells.of(4, [2], [3]), 60, 80)[0]
    moved[y0:y1, x0:x1] = 200
    source = PatchDiffSource(PatchDiff(4, 0.15))
    traced = [t.record.chosen.tokens.tolist() for t in trace_frames([still, still, moved, moved], source)]
    assert traced == [[], [], [11], []]
    assert source.describe() == {"name": "patch-diff", "grids": [4], "threshold": 0.15}


def test_panels_side_by_side() -> None:
    traced = next(iter(trace_frames(FRAMES, TopLeftQuarter())))
    picture = side_by_side(traced, 30)
    assert picture.shape == (30, 3 * 40 + 2 * 4, 3)


def test_progress_is_drawn_on_terminals_only() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal, file = Terminal(), io.StringIO()
    assert list(progress(range(5), "frames", 5, terminal)) == list(range(5))
    assert "5/5" in terminal.getvalue()
    assert list(progress(range(5), "frames", None, file)) == list(range(5))
    assert file.getvalue() == ""
