"""Kernels take the place of NumPy everywhere: a view that uses them shows the same, number for number.

The kernels here are the definition, byte by byte. WebAssembly's are compared with it in
tests/javascript/pixel_kernels.test.mjs, and in a browser's Python in tests/browser/test_gaze_parity.py.
"""

import ctypes
import dataclasses
from unittest.mock import ANY

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogaze_web import Cells, LiveSettings, LiveView
from autogaze_web.frames import changes, pixel_kernels
from autogaze_web.frames.rgba import allocate
from autogaze_web.frames.words import MAX_ROWS_PER_LANE_SUM
from autogaze_web.page import simd_kernels
from autogaze_web.panels.mask_panel import PANEL_MODES


class PlainKernels:
    """``PixelKernels`` as it is defined; ``called`` are the names of those that were asked."""

    def __init__(self):
        self.called = set()

    def changed_blocks(self, previous, current):
        self.called.add("changed_blocks")
        flags = np.zeros(changes.block_grid(current.shape), bool)
        for y, x in np.argwhere(previous != current):
            flags[y // changes.BLOCK_ROWS, x // changes.BLOCK_WORDS] = True
        return flags

    def squared_errors(self, a, b, blocks, errors):
        self.called.add("squared_errors")
        difference = colours_of(a) - colours_of(b)
        for y, x in np.argwhere(blocks):
            errors[y, x] = (difference[16 * y : 16 * y + 16, 32 * x : 32 * x + 32] ** 2).sum()

    def atom_differences(self, before, after, changed, rows, columns):
        self.called.add("atom_differences")
        assert max(np.diff(rows).max(), np.diff(columns).max()) <= MAX_ROWS_PER_LANE_SUM
        difference = np.abs(colours_of(before) - colours_of(after))
        flags = changed.repeat(16, axis=0).repeat(32, axis=1)[: difference.shape[0], : difference.shape[1]]
        difference[~flags] = 0
        sums = np.add.reduceat(np.add.reduceat(difference, rows[:-1], axis=0), columns[:-1], axis=1)
        return sums.astype(np.int64)

    def paint_rectangles(self, target, picture, rectangles, paints):
        self.called.add("paint_rectangles")
        pixels, source = target.view(np.uint8), picture.view(np.uint8)
        pixels, source = (each.reshape(len(target), -1, 4) for each in (pixels, source))
        for y0, x0, y1, x1, paint in rectangles.tolist():
            weights, addends = paints[paint].astype(np.uint64)
            pixels[y0:y1, x0:x1] = (source[y0:y1, x0:x1] * weights + addends) >> np.uint64(24)

    def copy_rectangles(self, target, source, rectangles):
        self.called.add("copy_rectangles")
        pixels, theirs = (each.view(np.uint32) for each in (target, source))
        counted = np.zeros(pixels.shape, int)
        for y0, x0, y1, x1 in rectangles.tolist():
            pixels[y0:y1, x0:x1] = theirs[y0:y1, x0:x1]
            counted[y0:y1, x0:x1] = 1
        rows, columns = (
            np.arange(0, extent, step) for extent, step in zip(counted.shape, (16, 32), strict=True)
        )
        return np.add.reduceat(np.add.reduceat(counted, rows, axis=0), columns, axis=1).astype(np.int32)

    def fill_rectangles(self, target, rectangles, pixel):
        self.called.add("fill_rectangles")
        for y0, x0, y1, x1 in rectangles.tolist():
            target.view(np.uint32)[y0:y1, x0:x1] = pixel

    def dim(self, frame, target):
        self.called.add("dim")
        source, pixels = frame.view(np.uint8), target.view(np.uint8)
        pixels[:] = source // 4 + source // 8
        pixels[:, 3::4] = source[:, 3::4]


def colours_of(words):
    """(H, W, 3): red, green and blue of words, with the pixel that fills a row."""
    return words.view(np.uint8).reshape(len(words), -1, 4)[..., :3].astype(int)


@pytest.fixture
def numpy_again():
    yield
    pixel_kernels.install(None)


def some_cells(generator, count):
    """Cells of all scales, some of them the same or on top of each other."""
    grids = generator.choice([1, 2, 4, 7, 14], count)
    places = generator.integers(0, 14, (2, count)) % grids
    return Cells.of(grids, *places) if count else Cells.none()


def shown(kernels, seed, size, options, counts):
    """Everything that a view makes of some frames, of the cells of a model and of patch-diff's."""
    pixel_kernels.install(kernels)
    generator = np.random.default_rng(seed)
    view = LiveView(LiveSettings.of(options))
    answers = []
    picture = allocate(*size)
    for count in (None, *counts, None):
        y, x = generator.integers(0, size[0]), generator.integers(0, size[1])
        picture[y:, x:] = generator.integers(0, 256, picture[y:, x:].shape)
        report = view.step(picture, None if count is None else some_cells(generator, count))
        numbers = dataclasses.asdict(dataclasses.replace(report, stage_ms={}))
        answers += [repr(numbers), view.mask.tobytes(), view.output.tobytes(), view.stale_blocks.tobytes()]
    return answers


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    size=st.tuples(st.integers(1, 80), st.integers(1, 100)),
    mode=st.sampled_from(PANEL_MODES),
    geometry=st.sampled_from(["native", "deduplicated", "effective"]),
    output=st.sampled_from(["interframe", "full-blend"]),
    scale=st.sampled_from([0.5, 1, 1.5]),
    alpha=st.sampled_from([0, 0.38, 1]),
    counts=st.lists(st.sampled_from([0, 1, 5, 120]), min_size=1, max_size=3),
)
def test_a_view_shows_the_same_with_kernels(seed, size, mode, geometry, output, scale, alpha, counts):
    options = {
        "mask-visualization": mode,
        "mask-geometry": geometry,
        "visualization-mode": output,
        "mask-cell-scale": scale,
        "blend-alpha": alpha,
    }
    try:
        kernels = PlainKernels()
        assert shown(kernels, seed, size, options, counts) == shown(None, seed, size, options, counts)
        assert {"changed_blocks", "squared_errors", "atom_differences"} <= kernels.called
    finally:
        pixel_kernels.install(None)


@pytest.mark.usefixtures("numpy_again")
def test_each_kernel_is_used():
    kernels = PlainKernels()
    for options in ({"mask-visualization": "outlines"}, {"visualization-mode": "full-blend"}):
        shown(kernels, 1, (40, 50), options, [5])
    assert kernels.called == {name for name in vars(PlainKernels) if not name.startswith("_")}


class Exports:
    """Notes what the functions of an instance are called with."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *arguments: self.calls.append((name, *arguments))


class TestCalls:
    @pytest.mark.usefixtures("numpy_again")
    def test_the_instance_gets_addresses_and_sizes(self):
        exports = Exports()
        simd_kernels.install(exports)
        kernels = pixel_kernels.installed()
        a, b = np.zeros((18, 20), np.uint64), np.zeros((18, 20), np.uint64)
        flags = kernels.changed_blocks(a, b)
        assert flags.shape == (2, 2)
        assert not flags.any()
        errors = np.zeros((2, 2), np.int64)
        kernels.squared_errors(a, b, flags, errors)
        kernels.dim(a, b)
        kernels.fill_rectangles(a, np.zeros((0, 4), np.int32), 7)
        addresses = (a.ctypes.data, b.ctypes.data)
        assert exports.calls == [
            ("changed_blocks", *addresses, 18, 160, flags.ctypes.data),
            ("squared_errors", *addresses, 18, 160, flags.ctypes.data, errors.ctypes.data),
            ("dim", *addresses, 18 * 160),
            ("fill_rectangles", addresses[0], 160, ANY, 0, 7),
        ]

    def test_rows_with_gaps_between_them_are_copied_and_every_buffer_is_as_large_as_it_must_be(
        self, monkeypatch
    ):
        """The kernels get addresses: they take rows to follow each other, and buffers to be large enough."""
        monkeypatch.setattr(simd_kernels, "_address", lambda array: array)
        exports = Exports()
        kernels = simd_kernels.SimdKernels(exports)
        random = np.random.default_rng(0)
        a, b = random.integers(0, 2**63, (2, 18, 40), dtype=np.uint64)[..., 3:23]
        assert not a.flags.c_contiguous
        flags, errors, target = np.zeros((2, 4), bool)[:, ::2], np.zeros((2, 2), np.int64), b.copy()
        edges = np.array([0, 7, 7, 18], np.int32)
        paints = pixel_kernels.opaque_paints(np.zeros((2, 3), np.uint8))
        kernels.changed_blocks(a, b)
        kernels.squared_errors(a, b, flags, errors)
        sums = kernels.atom_differences(a, b, flags, edges, edges[:2])
        kernels.paint_rectangles(target, a, np.zeros((10, 5), np.int32)[::2], paints)
        kernels.dim(a, target)
        copied = kernels.copy_rectangles(target, a, np.zeros((10, 4), np.int32)[::2])
        kernels.fill_rectangles(target, np.zeros((10, 4), np.int32)[::2], 1)
        inputs = {"changed_blocks": (a, b), "squared_errors": (a, b), "atom_differences": (a, b)}
        for name, *arguments in exports.calls:
            arrays = [each for each in arguments if isinstance(each, np.ndarray)]
            assert all(array.flags.c_contiguous for array in arrays), name
            for got, expected in zip(arrays, inputs.get(name, ()), strict=False):
                np.testing.assert_array_equal(got, expected)
        lanes, buffer = exports.calls[2][-2:]
        assert lanes.nbytes == 2 * 160, "16 bits for each byte of a row"
        assert (buffer.shape, buffer.itemsize, sums.shape) == ((3, 1, 4), 4, (3, 1, 3))
        assert exports.calls[5][-1] is copied
        assert (copied.shape, copied.dtype) == ((2, 2), np.int32)
        for picture in (exports.calls[3][2], exports.calls[4][1], exports.calls[5][2]):
            np.testing.assert_array_equal(picture, a)

    def test_nothing_outside_a_frame_is_painted(self):
        painted = []

        class Reading(Exports):
            def __getattr__(self, name):
                # The rectangles live only as long as the call.
                def read(*arguments):
                    count = arguments[4]
                    numbers = (ctypes.c_int32 * (5 * count)).from_address(arguments[3])
                    painted.extend(np.array(numbers).reshape(count, 5).tolist())

                return read

        target = np.zeros((18, 20), np.uint64)
        rectangles = np.array([[-3, 2, 99, 99, 0], [1, 2, 3, 4, 7]], np.int32)
        paints = pixel_kernels.opaque_paints(np.zeros((2, 3), np.uint8))
        simd_kernels.SimdKernels(Reading()).paint_rectangles(target, target, rectangles, paints)
        assert painted == [[0, 2, 18, 40, 0], [1, 2, 3, 4, 1]]

    def test_arrays_of_different_shapes_are_refused(self):
        kernels = simd_kernels.SimdKernels(Exports())
        a, b = np.zeros((18, 20), np.uint64), np.zeros((18, 21), np.uint64)
        flags, errors = np.zeros((2, 2), bool), np.zeros((2, 3), np.int64)
        edges = np.array([0, 18], np.int32)
        for call in (
            lambda: kernels.changed_blocks(a, b),
            lambda: kernels.squared_errors(a, b, flags, errors),
            lambda: kernels.squared_errors(a, a, flags, errors),
            # Both of the same wrong shape, as from the map of a frame of another size.
            lambda: kernels.squared_errors(a, a, flags[:1], errors[:1, :2]),
            lambda: kernels.atom_differences(a, b, flags, edges, edges),
            lambda: kernels.atom_differences(a, a, flags[:1], edges, edges),
            lambda: kernels.paint_rectangles(a, b, edges, edges),
            lambda: kernels.dim(a, b),
        ):
            with pytest.raises(ValueError, match="one shape"):
                call()

    def test_only_memory_that_is_all_the_arrays_own_is_written(self):
        exports = Exports()
        kernels = simd_kernels.SimdKernels(exports)
        words, flags = np.zeros((18, 20), np.uint64), np.zeros((2, 2), bool)
        rectangles, paints = np.zeros((1, 5), np.int32), np.zeros((1, 2, 4), np.uint32)
        read_only = words.copy()
        read_only.flags.writeable = False
        for target in (np.zeros((18, 40), np.uint64)[:, :20], read_only, words.astype(np.float32)):
            with pytest.raises(ValueError, match="writable, contiguous array of uint64"):
                kernels.paint_rectangles(target, words, rectangles, paints)
            with pytest.raises(ValueError, match="writable, contiguous array of uint64"):
                kernels.dim(words, target)
        for errors in (np.zeros((2, 4), np.int64)[:, ::2], np.zeros((2, 2), np.int32)):
            with pytest.raises(ValueError, match="writable, contiguous array of int64"):
                kernels.squared_errors(words, words, flags, errors)
        assert exports.calls == []

    def test_atoms_stay_inside_the_frame(self):
        exports = Exports()
        kernels = simd_kernels.SimdKernels(exports)
        words, flags = np.zeros((18, 20), np.uint64), np.zeros((2, 2), bool)
        fitting = np.array([0, 18], np.int32)
        for wrong in ([0], [1, 18], [0, 19], [0, 12, 5, 18]):
            with pytest.raises(ValueError, match="edges must rise from 0 to at most 18"):
                kernels.atom_differences(words, words, flags, np.array(wrong, np.int32), fitting)
        with pytest.raises(ValueError, match="edges must rise from 0 to at most 40"):
            kernels.atom_differences(words, words, flags, fitting, np.array([0, 41], np.int32))
        assert exports.calls == []
