"""Whichever plane has the pixels, a live view's panels and numbers are the same, bit for bit."""

from dataclasses import asdict
from itertools import product

import numpy as np
import pytest
from plain_plane import PlainPlane

from autogaze_web.live.numpy_plane import NumpyPlane
from autogaze_web.live.plane import CellSums, ReadBack, Receive, Write, run_steps
from autogaze_web.live.settings import LiveSettings
from autogaze_web.live.view import LiveView
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.footprint import GEOMETRIES
from autogaze_web.panels.mask_panel import PANEL_MODES
from autogaze_web.panels.output import OUTPUT_MODES

SIZES = ((1, 1), (17, 33), (45, 80), (64, 31))
HELD = ("frame", "previous", "mask", "output")


def stream(generator, height, width, count):
    """Frames that partly change: some blocks, some noise, some nothing."""
    frame = generator.integers(0, 256, (height, width, 4), np.uint8)
    for index in range(count):
        if index % 3 < 2:
            y, x = generator.integers(0, height), generator.integers(0, width)
            frame[y : y + 20, x : x + 40] = generator.integers(0, 256, frame[y : y + 20, x : x + 40].shape)
        yield frame.copy()


def some_cells(generator):
    if generator.integers(0, 3) == 0:
        return None  # patch-diff's
    grid = generator.choice([1, 2, 4, 7, 14], generator.integers(0, 30))
    return Cells.of(grid, generator.integers(0, grid), generator.integers(0, grid))


def assert_same_numbers(report, other):
    same = {"mask_box": (), "stage_ms": {}}
    np.testing.assert_equal(asdict(report) | same, asdict(other) | same)


class Both:
    """The same stream on both planes; every second frame of the first is prepared before it has cells."""

    def __init__(self, settings):
        self.view, self.other = LiveView(settings), LiveView(settings)
        self.plain = PlainPlane()
        self.prepares = False

    def configure(self, settings):
        self.view.configure(settings)
        self.other.configure(settings)

    def process(self, frame, cells):
        height, width = frame.shape[:2]
        self.view.next_frame(height, width)[:] = frame
        self.prepares = not self.prepares
        if self.prepares:
            self.view.prepare()
            self.view.prepare()  # which changes nothing
        self.other.expect_size(height, width)
        self.plain.next = frame
        self.compare(self.view.process(cells), run_steps(self.other.frame_steps(cells), self.plain.answer))

    def redraw(self, cells):
        steps = self.other.frame_steps(cells, redraw=True)
        self.compare(self.view.redraw(cells), run_steps(steps, self.plain.answer))

    def compare(self, report, other):
        assert_same_numbers(report, other)
        for name in ("frame", "mask", "output"):
            np.testing.assert_array_equal(getattr(self.view, name), self.plain.frames[name], name)
        np.testing.assert_array_equal(self.view.stale_blocks, self.other.stale_blocks)


@pytest.mark.parametrize("output", OUTPUT_MODES)
@pytest.mark.parametrize("panel", PANEL_MODES)
def test_panels_and_numbers_do_not_depend_on_the_plane(panel, output):
    generator = np.random.default_rng(PANEL_MODES.index(panel))
    both = Both(LiveSettings())
    for (height, width), geometry, scale in product(SIZES, GEOMETRIES, (1, 1.7)):
        values = {
            "mask-visualization": panel,
            "visualization-mode": output,
            "mask-geometry": geometry,
            "mask-cell-scale": scale,
            "blend-alpha": float(generator.choice([0, 0.38, 0.5, 1])),
            "keyframe-duration": int(generator.choice([0, 3])),
            "patch-diff-grid": int(generator.choice([1, 5, 14])),
            "show-psnr": bool(generator.integers(0, 4)),
        }
        both.configure(LiveSettings.of(values))
        for frame in stream(generator, height, width, 5):
            both.process(frame, some_cells(generator))
        both.redraw(some_cells(generator))


def test_every_mode_follows_every_other_on_either_plane():
    generator = np.random.default_rng(8)
    both = Both(LiveSettings())
    modes = list(product(PANEL_MODES, OUTPUT_MODES))
    generator.shuffle(modes)
    frames = stream(generator, 45, 81, len(modes))
    for frame, (panel, output) in zip(frames, modes, strict=True):
        both.process(frame, some_cells(generator))
        both.configure(LiveSettings.of({"mask-visualization": panel, "visualization-mode": output}))
        both.redraw(some_cells(generator))


@pytest.mark.parametrize("options", [{}, {"keyframe-duration": 2}, {"visualization-mode": "full-blend"}])
def test_settings_may_change_while_a_prepared_frame_waits_for_its_cells(options):
    generator = np.random.default_rng(12)
    both = Both(LiveSettings())
    for index, frame in enumerate(stream(generator, 40, 70, 8)):
        cells = some_cells(generator)
        both.view.next_frame(40, 70)[:] = frame
        both.view.prepare()
        both.configure(LiveSettings.of(options if index % 4 > 1 else {}))
        both.plain.next = frame
        both.other.expect_size(40, 70)
        both.compare(both.view.process(cells), run_steps(both.other.frame_steps(cells), both.plain.answer))


def test_a_prepared_frame_that_is_given_up_leaves_no_trace_in_the_numbers():
    generator = np.random.default_rng(13)
    both = Both(LiveSettings())
    first, given_up, second = stream(generator, 40, 70, 3)
    both.process(first, some_cells(generator))
    for measured in (True, False):
        both.view.configure(LiveSettings.of({"show-psnr": measured}))
        both.view.next_frame(40, 70)[:] = given_up
        both.view.prepare()
        both.view.configure(LiveSettings())
        both.process(second, Cells.of([4], [1], [2]))
        both.process(first, Cells.of([4], [0], [2]))


def test_what_changed_is_counted_from_the_frame_before_the_one_given_up():
    generator = np.random.default_rng(14)
    both = Both(LiveSettings())
    first, given_up = stream(generator, 40, 70, 2)
    second = given_up.copy()
    second[:20, :35, :3] ^= 255
    both.process(first, Cells.none())
    both.view.next_frame(40, 70)[:] = given_up
    both.view.prepare()
    both.process(second, None)
    assert both.view.cells.grid.size  # of what differs from the first frame


def test_a_stream_that_begins_while_a_frame_is_prepared_begins_with_the_newest_picture():
    first, second = stream(np.random.default_rng(15), 40, 70, 2)
    view = LiveView()
    for frame in (first, second):
        view.next_frame(40, 70)[:] = frame
        view.prepare()
        if frame is first:
            view.process(Cells.none())
    view.restart()
    view.expect_size(40, 70)
    view.process(Cells.none())
    np.testing.assert_array_equal(view.frame, second)


def test_a_frame_is_one_request_to_draw_and_patch_diff_one_more():
    view, plain = LiveView(), PlainPlane()
    plain.next = np.zeros((20, 30, 4), np.uint8)
    view.expect_size(20, 30)
    for cells in (None, None, Cells.none()):
        run_steps(view.frame_steps(cells), plain.answer)
    frame = ["Receive", "Draw"]
    assert plain.requests == [*frame, "Receive", "CellSums", "Draw", *frame]


@pytest.mark.parametrize("size", SIZES)
def test_a_stream_goes_on_where_another_plane_stopped(size):
    """The state moves to another plane and back; panels and numbers are those of a view that stayed."""
    generator = np.random.default_rng(3)
    stays, moves = LiveView(), LiveView()
    planes = [NumpyPlane(), NumpyPlane()]
    planes.append(planes[0])  # which remembers what it had before
    moves.expect_size(*size)
    for index, frame in enumerate(stream(generator, *size, 9)):
        plane, cells = planes[index // 3], some_cells(generator)
        if index % 3 == 0 and index:
            before = planes[index // 3 - 1]
            for which in HELD:
                plane.answer(Write(which, before.answer(ReadBack(which, (0, 0, *size)))))
            steps = moves.frame_steps(cells, redraw=True)
            assert_same_numbers(run_steps(steps, plane.answer), stays.redraw(cells))
        stays.next_frame(*size)[:] = frame
        plane.next_frame(*size)[:] = frame
        expected, report = stays.process(cells), run_steps(moves.frame_steps(cells), plane.answer)
        assert_same_numbers(report, expected)
        for name in ("frame", "mask", "output"):
            np.testing.assert_array_equal(getattr(plane, name), getattr(stays, name), name)


def test_a_box_is_read_back_as_a_copy():
    plane = NumpyPlane()
    plane.next_frame(4, 5)[:] = np.arange(80, dtype=np.uint8).reshape(4, 5, 4)
    plane.answer(Receive(4, 5))
    pixels = plane.answer(ReadBack("frame", (1, 2, 3, 5)))
    np.testing.assert_array_equal(pixels, np.arange(80).reshape(4, 5, 4)[1:3, 2:5])
    pixels[:] = 0
    assert plane.frame.any(axis=2).all()


def test_sums_count_pixels_that_cells_share_for_each_of_them():
    plane = NumpyPlane()
    for value in (0, 3):
        plane.next_frame(3, 3)[:] = value
        plane.answer(Receive(3, 3))
    # The pixels in the middle, 1, are in both cells of an axis: rows 0 to 1 and 1 to 2.
    assert plane.answer(CellSums(2, 3, 3)).tolist() == [[[12] * 3] * 2] * 2


def test_a_frame_of_another_size_than_announced_is_refused():
    plane = NumpyPlane()
    plane.next_frame(4, 5)
    with pytest.raises(ValueError, match="but \\(5, 4\\) was announced"):
        plane.answer(Receive(5, 4))
