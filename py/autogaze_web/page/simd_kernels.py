"""Pixel kernels in WebAssembly with SIMD, which work in Python's own memory (``pixel_kernels.wat``)."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..frames import changes, pixel_kernels
from ..frames.rgba import Words


def install(exports: Any) -> None:
    """Lets the functions of an instance of ``pixel_kernels.wat`` do the work from now on."""
    pixel_kernels.install(SimdKernels(exports))


class SimdKernels:
    """``PixelKernels`` that pass the addresses of arrays to an instance of ``pixel_kernels.wat``."""

    def __init__(self, exports: Any):
        # Each look-up of a function would cross to JavaScript.
        self._changed_blocks = exports.changed_blocks
        self._squared_errors = exports.squared_errors
        self._atom_differences = exports.atom_differences
        self._paint_rectangles = exports.paint_rectangles
        self._copy_rectangles = exports.copy_rectangles
        self._fill_rectangles = exports.fill_rectangles
        self._dim = exports.dim

    def changed_blocks(self, previous: Words, current: Words) -> NDArray[np.bool_]:
        """See ``PixelKernels``."""
        _expect_equal(previous, current)
        a, b = _contiguous(previous), _contiguous(current)
        flags = np.zeros(changes.block_grid(b.shape), np.bool_)
        self._changed_blocks(_address(a), _address(b), b.shape[0], _row_bytes(b), _address(flags))
        return flags

    def squared_errors(
        self, a: Words, b: Words, blocks: NDArray[np.bool_], errors: NDArray[np.int64]
    ) -> None:
        """See ``PixelKernels``."""
        _expect_equal(a, b)
        flags = _block_flags(blocks, a)
        _expect_equal(flags, _written(errors, np.int64))
        a, b = _contiguous(a), _contiguous(b)
        self._squared_errors(
            _address(a), _address(b), a.shape[0], _row_bytes(a), _address(flags), _address(errors)
        )

    def atom_differences(
        self,
        before: Words,
        after: Words,
        changed: NDArray[np.bool_],
        rows: NDArray[np.int32],
        columns: NDArray[np.int32],
    ) -> NDArray[np.int64]:
        """See ``PixelKernels``."""
        _expect_equal(before, after)
        a, b, flags = _contiguous(before), _contiguous(after), _block_flags(changed, after)
        rows, columns = _edges(rows, a.shape[0]), _edges(columns, 2 * a.shape[1])
        lanes = np.empty(2 * _row_bytes(a), np.uint8)
        sums = np.empty((rows.size - 1, columns.size - 1, 4), np.uint32)
        self._atom_differences(
            _address(a),
            _address(b),
            _row_bytes(a),
            _address(flags),
            _address(rows),
            rows.size - 1,
            _address(columns),
            columns.size - 1,
            _address(lanes),
            _address(sums),
        )
        return sums[..., :3].astype(np.int64)

    def paint_rectangles(
        self, target: Words, picture: Words, rectangles: NDArray[np.int32], paints: NDArray[np.uint32]
    ) -> None:
        """See ``PixelKernels``."""
        _expect_equal(target, picture)
        boxes = _inside(rectangles, target, len(paints) - 1)
        source, paints = _contiguous(picture), np.ascontiguousarray(paints, np.uint32)
        self._paint_rectangles(
            _address(_written(target)),
            _address(source),
            _row_bytes(target),
            _address(boxes),
            len(boxes),
            _address(paints),
        )

    def copy_rectangles(
        self, target: Words, source: Words, rectangles: NDArray[np.int32]
    ) -> NDArray[np.int32]:
        """See ``PixelKernels``."""
        _expect_equal(target, source)
        boxes, source = _inside(rectangles, target), _contiguous(source)
        copied = np.zeros(changes.block_grid(target.shape), np.int32)
        self._copy_rectangles(
            _address(_written(target)),
            _address(source),
            _row_bytes(target),
            _address(boxes),
            len(boxes),
            _address(copied),
        )
        return copied

    def fill_rectangles(self, target: Words, rectangles: NDArray[np.int32], pixel: int) -> None:
        """See ``PixelKernels``."""
        boxes = _inside(rectangles, target)
        self._fill_rectangles(
            _address(_written(target)), _row_bytes(target), _address(boxes), len(boxes), pixel
        )

    def dim(self, frame: Words, target: Words) -> None:
        """See ``PixelKernels``."""
        _expect_equal(frame, target)
        source = _contiguous(frame)
        self._dim(_address(source), _address(_written(target)), source.nbytes)


def _expect_equal(a: NDArray[Any], b: NDArray[Any]) -> None:
    """Kernels do not know where an array ends."""
    if a.shape != b.shape:
        raise ValueError(f"both arrays must have one shape, got {a.shape} and {b.shape}")


def _inside(rectangles: NDArray[np.int32], words: Words, *last: int) -> NDArray[np.int32]:
    """The parts of rectangles that are inside a frame; further columns are numbers of at most ``last``.

    As with slices, what is outside the frame is left out: a kernel would write to other memory.
    """
    height, width = words.shape[0], 2 * words.shape[1]
    ends = np.array([height, width, height, width, *last], np.int32)
    return np.ascontiguousarray(np.minimum(np.maximum(rectangles, 0), ends), np.int32)


def _contiguous(words: Words) -> Words:
    """The words themselves, if their rows follow each other without gaps; otherwise a copy."""
    return np.ascontiguousarray(words, np.uint64)


def _written(array: NDArray[Any], dtype: Any = np.uint64) -> NDArray[Any]:
    """The array itself, which a kernel may fill from its first byte to its last."""
    if array.dtype != dtype or not array.flags.carray:
        raise ValueError(
            f"what is written to must be a writable, contiguous array of {np.dtype(dtype)}, "
            f"got {array.dtype} with strides {array.strides}"
        )
    return array


def _block_flags(flags: NDArray[np.bool_], words: Words) -> NDArray[np.bool_]:
    """A byte of 0 or 1 for each block of some words."""
    grid = changes.block_grid(words.shape)
    if flags.shape != grid:
        raise ValueError(f"words {words.shape} have one shape of flags, {grid}, got {flags.shape}")
    return np.ascontiguousarray(flags, np.bool_)


def _edges(edges: NDArray[np.int32], extent: int) -> NDArray[np.int32]:
    """Edges of atoms that cover an extent and no more."""
    edges = np.ascontiguousarray(edges, np.int32)
    if edges.size < 2 or edges[0] != 0 or edges[-1] > extent or (edges[1:] < edges[:-1]).any():
        raise ValueError(f"edges must rise from 0 to at most {extent}, got {edges}")
    return edges


def _address(array: NDArray[Any]) -> int:
    if array.size and array.flags.carray:  # the same as below in half the time
        return ctypes.addressof(ctypes.c_char.from_buffer(array.data))
    return int(array.ctypes.data)


def _row_bytes(words: Words) -> int:
    return int(words.shape[1]) * words.itemsize
