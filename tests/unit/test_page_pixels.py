"""The page's session with its pixels on a GPU: the same reports and panels, and streams that move."""

import asyncio
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from fake_gpu import FakeGpu

from autogaze_web.frames.synthetic import draw_pan
from autogaze_web.live.gazer import GazeProgress, Gazer, HeldFrame
from autogaze_web.live.plane import Draw
from autogaze_web.live.quality_curve import QualityCurves
from autogaze_web.masks.cells import Cells
from autogaze_web.masks.choice import Choice
from autogaze_web.masks.update_plan import plan_update
from autogaze_web.options import parse
from autogaze_web.page.gpu_plane import ask
from autogaze_web.page.live_session import PageSession
from autogaze_web.panels.mask_panel import PANEL_MODES
from autogaze_web.panels.output import OUTPUT_MODES, OutputDrawing

SIZE = (45, 81)


class Page:
    """What JavaScript does with a session."""

    def __init__(self, options=None):
        self.session, self.gpu = PageSession(), None
        self.session.configure(json.dumps(options or {}))

    async def settle(self, size=None):
        wanted = self.session.wants_gpu
        if wanted == (self.gpu is not None):
            return
        if size is not None:
            self.session.expect_frame(*size)
        if wanted:
            self.gpu = FakeGpu()
            await self.session.move_to_gpu(self.gpu)
        else:
            await self.session.move_to_memory()
            self.gpu = None

    async def process(self, index, size=SIZE, again=False):
        await self.settle(size)
        return self._report(await self._process(index, size, again))

    async def _process(self, index, size, again=False):
        self.session.draw_synthetic("synthetic-pan", index, *size)
        if self.gpu is not None:
            self.session.expect_frame(*size)
            await self.gpu.receive(self.session.frame_memory(*size), *size)
        if self.session._gaze.gazer is not None:
            return await self.session.process_with_model(None, 0, again)
        return self.session.process() if self.gpu is None else await self.session.process_on_gpu()

    async def redraw(self):
        await self.settle()
        return self._report(await self.session.redraw(True))

    async def lose(self, index):
        """The GPU is lost in mid-frame, which is processed again."""
        self.gpu.lost = True
        with pytest.raises(RuntimeError, match="lost"):
            await self._process(index, SIZE)
        self.session.lose_gpu()
        self.gpu = None
        return self._report(await self._process(index, SIZE, again=True))

    def panels(self):
        if self.gpu is not None:
            return [self.gpu.frames[name] for name in ("frame", "mask", "output")]
        height, width = self.session._view.size
        memories = (self.session.input_memory(), self.session.mask_memory(), self.session.output_memory())
        return [memory.reshape(height, -1, 4)[:, :width] for memory in memories]

    def _report(self, text):
        report = json.loads(text)
        return {name: report[name] for name in report if not name.endswith(("_ms", "mask_box", "_parts"))}


async def assert_same(pages, index, size=SIZE):
    first, *others = [await page.process(index, size) for page in pages]
    for page, report in zip(pages[1:], others, strict=True):
        assert report == first
        for ours, theirs in zip(pages[0].panels(), page.panels(), strict=True):
            np.testing.assert_array_equal(theirs, ours)
    return first


@pytest.mark.parametrize("output", OUTPUT_MODES)
@pytest.mark.parametrize("panel", PANEL_MODES)
def test_reports_and_panels_do_not_depend_on_who_has_the_pixels(panel, output):
    async def check():
        options = {"mask-visualization": panel, "visualization-mode": output, "tint-stale": True}
        pages = [Page(options), Page({**options, "pixels": "gpu"})]
        for index in range(4):
            await assert_same(pages, 3 * index)
        for page, pixels in zip(pages, ("cpu", "gpu"), strict=True):
            page.session.configure(json.dumps({**options, "patch-diff-threshold": 0, "pixels": pixels}))
        assert await pages[0].redraw() == await pages[1].redraw()
        await assert_same(pages, 13)
        await assert_same(pages, 14, (16, 32))
        assert "draw" in pages[1].gpu.kinds
        assert pages[0].session.cells() == pages[1].session.cells()

    asyncio.run(check())


def test_a_stream_moves_without_a_keyframe():
    async def check():
        pages = [Page(), Page()]
        for index in range(12):
            pixels = "gpu" if index % 4 in (1, 2) else "cpu"
            pages[1].session.configure(json.dumps({"pixels": pixels}))
            report = await assert_same(pages, index)
            assert report["keyframe"] == (index == 0)
            assert (pages[1].gpu is not None) == (pixels == "gpu")
            assert await pages[0].redraw() == await pages[1].redraw()

    asyncio.run(check())


def test_nothing_moves_with_a_frame_of_another_size():
    async def check():
        pages = [Page(), Page()]
        for index, (pixels, size) in enumerate([("cpu", SIZE), ("gpu", (16, 32)), ("cpu", (50, 33))]):
            pages[1].session.configure(json.dumps({"pixels": pixels}))
            gpu = pages[1].gpu
            await assert_same(pages, index, size)
            assert pages[1].gpu is None or pages[1].gpu.frames["previous"].sum() == 0
            assert gpu is None or "readBack" not in gpu.kinds

    asyncio.run(check())


@pytest.mark.parametrize(
    ("options", "gpu"),
    [("{}", 0), ('{"pixels": "auto"}', 0), ('{"pixels": "cpu"}', 0), ('{"pixels": "webgpu"}', 1)],
)
def test_the_graphics_card_has_to_be_asked_for(options, gpu):
    session = PageSession()
    session.configure(options)
    assert session.wants_gpu == bool(gpu)


def test_python_keeps_no_pixels_while_the_gpu_has_them():
    async def check():
        page = Page({"pixels": "gpu"})
        for index in range(2):
            await page.process(index)
        # What is left is where synthetic pictures are drawn on their way to the GPU.
        view = page.session._view
        assert (view.mask.shape, view.output.shape) == ((1, 1, 4), (1, 1, 4))
        page.session.configure("{}")
        await page.process(2)
        assert view.output.shape == (*SIZE, 4)

    asyncio.run(check())


def test_hooks_and_comparisons_want_the_pixels_in_memory():
    session = PageSession()
    assert not session.wants_gpu
    session.configure('{"pixels": "gpu"}')
    assert session.wants_gpu
    session.set_hook("def on_frame(frame, trace, output):\n    return frame")
    assert not session.wants_gpu
    session.set_hook("")
    session.compare("patch-diff")
    assert not session.wants_gpu
    session.compare(None)
    assert session.wants_gpu


def test_a_lost_gpu_costs_a_keyframe_and_no_frame():
    async def check():
        page = Page({"pixels": "gpu"})
        before = [await page.process(index) for index in range(3)][-1]
        lost = await page.lose(3)
        assert (lost["index"], lost["keyframe"], lost["cells"]) == (3, True, 0)
        assert lost["update_ratio_ema"] == before["update_ratio_ema"], "the stream's averages stay"
        page.session.configure("{}")  # as the page does after a loss: in memory from now on
        after = await page.process(4)
        assert (after["index"], after["keyframe"], after["cells"] > 0) == (4, False, True)

    asyncio.run(check())


def test_a_report_names_the_source_that_chose_its_cells_though_options_change_meanwhile():
    async def check():
        page = Page({"pixels": "gpu", "patch-diff-grid": 14, "patch-diff-threshold": 0})
        await page.process(0)
        draw = page.gpu.draw

        def change(*request):
            page.session.configure('{"pixels": "gpu", "patch-diff-grid": 5}')
            return draw(*request)

        page.gpu.draw = change
        report = await page.process(1)
        assert (report["grids"], report["cells_by_scale"]) == ([14], {"14": 196})
        assert page.session._records._entries[-1][1]["grids"] == [14]
        page.session.configure('{"pixels": "gpu", "patch-diff-grid": 14}')
        assert (await page.redraw())["grids"] == [14]

    asyncio.run(check())


class Model:
    """A model's stream that chooses two cells a frame, and remembers what it gazed at.

    Args:
        shares: whether it runs on the GPU that has the pixels, and so can keep them itself.
    """

    config = SimpleNamespace(scale_grids=lambda: (2, 4))

    def __init__(self, shares=False):
        self.model = self.bridge = self
        self.gazed, self.shares, self.kept = [], shares, None

    def keep_frame(self, gpu):
        if self.shares:
            self.kept = gpu.frames["frame"].copy()
        return self.kept.shape[1] + 3 if self.shares else 0

    def open(self, _mode, _observe):
        return self

    def describe(self, _mode, _requirement):
        return {"name": "autogaze", "grids": [2, 4]}

    async def submit(self, frame, _requirement):
        if isinstance(frame, HeldFrame):
            assert (frame.shape, frame.row_pixels) == (self.kept.shape, self.kept.shape[1] + 3)
        self.gazed.append(self.kept if isinstance(frame, HeldFrame) else frame.copy())
        place = len(self.gazed) % 2
        yield GazeProgress(Choice.of(Cells.of([2, 4], [0, place], [place, 3])))


def with_model(options, shares=False):
    page = Page({"mask-timing": "own", **options})
    page.session._gaze.streams = Model(shares)
    page.session._gaze.gazer = Gazer(page.session._gaze.open_stream, lambda _error: None)
    page.session._curves = QualityCurves(interval=0)
    return page


def test_a_model_gazes_at_the_pixels_of_either_and_curves_are_the_same():
    async def check():
        pages = [with_model({}), with_model({"pixels": "gpu"})]
        for index in range(4):
            report = await assert_same(pages, 2 * index)
            assert ("curve" in report) == (index > 0)
            assert report["tokens"] == 2
        for ours, theirs in zip(*(page.session._gaze.streams.gazed for page in pages), strict=True):
            np.testing.assert_array_equal(theirs, ours)

    asyncio.run(check())


@pytest.mark.parametrize("options", [{}, {"show-psnr": False}])
def test_a_model_on_the_gpu_of_the_pixels_gazes_at_them_there(options):
    async def check():
        pages = [with_model(options), with_model({"pixels": "gpu", **options}, shares=True)]
        for page in pages:
            page.session._curves = QualityCurves(
                interval=math.nan
            )  # which would read pixels back: none is ever due
        sizes = [SIZE, SIZE, (30, 50), (30, 50), SIZE]
        for index, size in enumerate(sizes):
            await assert_same(pages, 2 * index, size)
        ours, theirs = (page.session._gaze.streams.gazed for page in pages)
        assert [frame.shape for frame in theirs] == [(*size, 4) for size in sizes]
        for mine, there in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(there, mine)
        assert set(pages[1].gpu.kinds) == {"draw"}, "no pixel was read back"

    asyncio.run(check())


@pytest.mark.parametrize("how", ["tiles", "encoder", "hook"])
def test_who_needs_pixels_gets_them_from_the_gpu(how):
    async def check():
        page = with_model({"pixels": "gpu"}, shares=True)
        page.session._curves = QualityCurves(interval=math.nan)  # which would read pixels, too
        await page.process(0)
        gaze = page.session._gaze
        assert "readBack" not in page.gpu.kinds
        if how == "tiles":
            gaze.mode = gaze.mode.of(parse({"mode": "tiled"}))
        elif how == "encoder":
            gaze.encoder.live = Encoder()
        else:
            page.session.set_hook("def on_frame(frame, trace, output):\n    return frame")
        await page.process(3)
        expected = np.zeros((*SIZE, 4), np.uint8)
        draw_pan(expected, 3)
        np.testing.assert_array_equal(gaze.streams.gazed[1], expected)
        if how == "hook":
            assert page.gpu is None
        else:
            assert "readBack" in page.gpu.kinds

    asyncio.run(check())


class Encoder:
    grids = (2, 4)

    def __init__(self):
        self.taken = []

    def take(self, frame, index):
        self.taken.append((frame.copy(), index))
        return lambda _gaze: None

    def close(self):
        pass


def test_an_encoder_begins_with_the_picture_that_is_shown_wherever_it_is(monkeypatch):
    monkeypatch.setattr("autogaze_web.page.encoder_session.LiveEncoder", lambda *_: Encoder())

    async def check():
        page = with_model({"pixels": "gpu"}, shares=True)
        await page.process(0)
        await page.process(2)
        expected = np.zeros((*SIZE, 4), np.uint8)
        draw_pan(expected, 2)
        await page.session.fetch_gazed_picture()
        page.session.set_encoder(None, None, None, False)
        ((frame, _index),) = page.session._gaze.encoder.live.taken
        np.testing.assert_array_equal(frame, expected)

        # Lost with the GPU: the next frame is the first.
        page = with_model({"pixels": "gpu"}, shares=True)
        await page.process(0)
        page.gpu.lost = True
        with pytest.raises(RuntimeError, match="lost"):
            await page.session.fetch_gazed_picture()
        page.session.set_encoder(None, None, None, False)
        assert page.session._gaze.encoder.live.taken == []

    asyncio.run(check())


def test_a_picture_that_was_gazed_at_in_memory_stays_for_an_encoder():
    async def check():
        page = with_model({})
        await page.process(0)
        page.session.configure('{"mask-timing": "own", "pixels": "gpu"}')
        await page.settle()
        (gazed,) = page.session._gaze.streams.gazed
        np.testing.assert_array_equal(page.session._pixels.gazed_picture, gazed)
        await page.process(3)
        np.testing.assert_array_equal(page.session._pixels.gazed_picture, page.session._gaze.streams.gazed[1])

    asyncio.run(check())


def test_a_picture_that_was_gazed_at_on_the_gpu_stays_for_an_encoder_after_a_loss():
    async def check():
        page = with_model({"pixels": "gpu"})
        await page.process(0)
        await page.process(3)
        page.session.lose_gpu()
        page.gpu = None
        gazed = page.session._gaze.streams.gazed
        np.testing.assert_array_equal(page.session._pixels.gazed_picture, gazed[-1])
        page.session.configure('{"mask-timing": "own"}')
        await page.process(4)
        assert len(gazed) == 3
        np.testing.assert_array_equal(page.session._pixels.gazed_picture, gazed[-1])

    asyncio.run(check())


async def lost_after_the_gaze():
    """A page whose GPU is lost at its second frame, after the gaze and before the panels."""
    page = with_model({"pixels": "gpu"})
    await page.process(0)
    answer = page.gpu.draw

    def lose(*request):
        page.gpu.lost = True
        page.gpu._live()
        return answer(*request)

    page.gpu.draw = lose
    with pytest.raises(RuntimeError, match="lost"):
        await page.process(1)
    page.session.lose_gpu()
    page.gpu = None
    page.session.configure('{"mask-timing": "own"}')
    return page


def test_the_first_frame_of_a_stream_after_a_loss_is_gazed_at():
    async def check():
        page = await lost_after_the_gaze()
        page.session.restart()
        await page.process(0)
        assert len(page.session._gaze.streams.gazed) == 3

    asyncio.run(check())


def test_a_frame_that_is_processed_again_was_gazed_at_once():
    async def check():
        page = await lost_after_the_gaze()
        assert (await page.process(1, again=True))["keyframe"]
        assert (await page.process(2))["index"] == 2
        assert len(page.session._gaze.streams.gazed) == 3

    asyncio.run(check())


def test_a_frame_after_one_that_could_not_be_processed_again_is_gazed_at():
    async def check():
        page = await lost_after_the_gaze()
        # JavaScript failed to take the lost frame once more: the next one is another.
        await page.process(2)
        assert len(page.session._gaze.streams.gazed) == 3

    asyncio.run(check())


def test_a_keyframe_alone_is_drawn_without_the_mask_panel():
    async def check():
        page = Page({"pixels": "gpu"})
        await page.process(0)
        mask = page.gpu.frames["mask"].copy()
        page.gpu.frames["frame"] = page.gpu.frames["frame"] ^ 0xFF
        drawing = OutputDrawing("keyframe", plan_update(Cells.of(2, [], []), *SIZE), 0.0)
        drawn = await ask(Draw(drawing, None, errors=False), page.gpu)
        assert drawn.errors is None
        np.testing.assert_array_equal(page.gpu.frames["output"], page.gpu.frames["frame"])
        np.testing.assert_array_equal(page.gpu.frames["mask"], mask)

    asyncio.run(check())


def test_what_was_lost_is_not_drawn_again():
    async def check():
        page = Page({"pixels": "gpu"})
        await page.process(0)
        page.session.lose_gpu()
        assert await page.session.redraw(True) is None

    asyncio.run(check())


def test_a_picture_is_uploaded_as_python_has_it():
    async def check():
        page = Page({"pixels": "gpu"})
        await page.process(2)
        expected = np.zeros((*SIZE, 4), np.uint8)
        draw_pan(expected, 2)
        np.testing.assert_array_equal(page.gpu.frames["frame"], expected)

    asyncio.run(check())
