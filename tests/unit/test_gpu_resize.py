"""The plan that a GPU executes gives what the processor and the model's own resize give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from autogaze_web.frames.resize import resize_bicubic, resize_bilinear_u8
from autogaze_web.model.processor import AutoGazeImageProcessor
from autogaze_web.page.gpu_resize import FramePlan, Pass, frame_plan, tile_plan
from autogaze_web.tiles.tiling import TiledFrames, Tiling


def execute(plan: FramePlan, rows: NDArray[np.uint8]) -> list[NDArray[np.generic]]:
    """What each pass gives, computed as the shaders do: bytes (H,W,3), then planes (3,H,W)."""
    source: NDArray[np.generic] = rows.reshape(rows.shape[0], -1, 4)[..., :3]
    results = []
    for each in plan.passes:
        index, weight = taps(plan, each)
        assert source.shape[2 if each.kind in ("blend", "cut") else 1] == each.stride
        if each.kind == "shrink":
            if each.along == "columns":
                parts = source[:, index].astype(np.uint64) * weight[..., None]
                total = parts.sum(axis=1) + (1 << 21)
            else:
                parts = source[index].astype(np.uint64) * weight[..., None, None]
                total = parts.sum(axis=0) + (1 << 21)
            assert total.max() < 1 << 32
            source = (total >> np.uint64(22)).astype(np.uint8)
        elif each.kind == "normalise":
            colours = plan.tables[each.colours : each.colours + 768].view(np.float32).reshape(3, 256)
            planes = np.stack([colours[c][source[..., c]] for c in range(3)])
            source = (planes[:, :, index] * weight.view(np.float32)).sum(axis=2, dtype=np.float32)
        elif each.kind == "cut":
            canvas = (source[:, index] * weight.view(np.float32)[..., None]).sum(axis=1, dtype=np.float32)
            tiles = []
            for tile in range(each.tiles):
                top, left = (each.tile_stride * place for place in divmod(tile, each.tile_columns))
                tiles.append(canvas[:, top : top + each.height, left : left + each.width])
            return [*results, np.stack(tiles)]
        else:
            source = (source[:, index] * weight.view(np.float32)[..., None]).sum(axis=1, dtype=np.float32)
        height, width = source.shape[:2] if each.kind == "shrink" else source.shape[1:]
        assert (height, width) == (each.height, each.width)
        results.append(source)
    return results


def taps(plan: FramePlan, each: Pass) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    size = each.table_size or (each.width if each.along == "columns" else each.height)
    both = plan.tables[each.table : each.table + 2 * each.taps * size].reshape(2, each.taps, size)
    return both[0], both[1]


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    padding=st.integers(0, 1),
    shortest=st.sampled_from([None, 8, 16, 23]),
    seed=st.integers(0, 99),
)
def test_it_gives_what_the_processor_and_the_models_resize_give(
    height: int, width: int, padding: int, shortest: int | None, seed: int
) -> None:
    processor = AutoGazeImageProcessor(shortest_edge=shortest)
    rows = np.random.default_rng(seed).integers(0, 256, (height, 4 * (width + padding)), dtype=np.uint8)
    frame = rows.reshape(height, -1, 4)[:, :width, :3]
    plan = frame_plan(processor, height, width, width + padding, 16)
    results = execute(plan, rows)
    shrunk = [result for each, result in zip(plan.passes, results, strict=True) if each.kind == "shrink"]
    if shrunk:
        target = processor.target_size(height, width)
        np.testing.assert_array_equal(shrunk[-1][:, : target[1]], resize_bilinear_u8(frame, *target))
    wanted = resize_bicubic(processor(frame[None]), 16, 16)[0]
    np.testing.assert_allclose(results[-1], wanted, rtol=0, atol=5e-6)


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    padding=st.integers(0, 1),
    stride=st.integers(1, 16),
    anyres=st.booleans(),
    seed=st.integers(0, 99),
)
def test_tiles_are_cut_as_python_cuts_them(
    height: int, width: int, padding: int, stride: int, anyres: bool, seed: int
) -> None:
    tiling = Tiling.anyres(height, width, 16)
    if not anyres:
        tiling = Tiling.full_resolution(height, width, 16, stride)
    processor = AutoGazeImageProcessor()
    rows = np.random.default_rng(seed).integers(0, 256, (height, 4 * (width + padding)), dtype=np.uint8)
    planes = rows.reshape(height, -1, 4)[:, :width, :3].transpose(2, 0, 1)
    wanted = TiledFrames([planes], tiling, processor.normalised).cut(range(len(tiling)))[:, 0]
    results = execute(tile_plan(processor, tiling, width + padding), rows)
    np.testing.assert_allclose(results[-1], wanted, rtol=0, atol=5e-6)


@pytest.mark.parametrize(
    ("size", "kinds"), [((24, 16), "normalise blend"), ((32, 16), "shrink normalise blend")]
)
def test_an_axis_of_unchanged_size_is_left_alone(size: tuple[int, int], kinds: str) -> None:
    plan = frame_plan(AutoGazeImageProcessor(size=(24, 16)), *size, size[1], 16)
    assert [each.kind for each in plan.passes] == kinds.split()
