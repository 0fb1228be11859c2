"""Stitched tiles name the same cells as upstream's recovery of its tiled (``input_res_adapt``) answers."""

from __future__ import annotations

import numpy as np
import oracle
import pytest

from autogaze_web.model.config import AutoGazeConfig
from autogaze_web.model.gaze import Gaze
from autogaze_web.model.tokens import ScaleLayout
from autogaze_web.tiles.stitching import TileCells, TileStitcher
from autogaze_web.tiles.tiling import Tiling


@pytest.mark.parametrize(("model", "name"), oracle.case_params("tiles"))
def test_stitched_cells_are_upstreams_masks(model: str, name: str) -> None:
    case = oracle.read(model, name)
    expected, request = case["expected"], case["request"]
    layout = ScaleLayout.of(AutoGazeConfig.from_dict(oracle.recipe(model)["config"]))
    adapted = expected["res_adapt_info"]
    side = request["target_scales"][-1]
    tiling = Tiling.full_resolution(
        side, side, adapted["tile_feature_map_size_each_scale"][-1] * request["target_patch_size"]
    )
    assert (tiling.rows, tiling.columns) == (adapted["num_tiles_height"], adapted["num_tiles_width"])

    for t, cells in enumerate(cells_of(expected["tiles"], layout)):
        stitcher = TileStitcher(tiling)
        stitcher.add(range(len(tiling)), cells)
        fixations = stitcher.fixations()
        # In cells: edges are in grid-ths of a pixel, a cell is a tile's side of them.
        cell = fixations.start // tiling.tile
        for scale, grid in enumerate(layout.grids):
            height = adapted["original_feature_map_height_each_scale"][scale]
            width = adapted["original_feature_map_width_each_scale"][scale]
            row, column = cell[fixations.grid == grid].T
            # Upstream leaves out what reaches beyond its target's grid.
            kept = (row < height) & (column < width)
            ours = np.sort(row[kept] * width + column[kept]).tolist()
            assert ours == expected["gazing_mask"][scale][0][t]


def cells_of(tiles: dict, layout: ScaleLayout) -> list[TileCells]:
    """The tiles' cells, frame by frame."""
    padded = np.array(tiles["if_padded_gazing"], bool)
    counts = np.array(tiles["num_gazing_each_frame"])
    gaze = Gaze(
        gazing_pos=np.array(tiles["gazing_pos"]),
        if_padded_gazing=padded,
        num_gazing_each_frame=counts,
        gazing_mask=[],
        num_vision_tokens_each_frame=layout.tokens,
        confidence=np.ones(padded.shape, np.float32),
        task_loss_prediction=None,
        decoder_steps_each_frame=np.ones_like(counts),
        layout=layout,
    )
    tiles_of = [
        {tile: gaze.cells(frame, tile) for tile in range(len(padded))} for frame in range(len(counts))
    ]
    return [TileCells.of(cells) for cells in tiles_of]
