"""What is fuzzed of values that a caller gives: options, tilings, cells, frames, controls."""

from __future__ import annotations

from typing import Any

from damage import ODD_VALUES
from hypothesis import strategies as st
from target import ARRAYS, CONFIG, FLOATS, INTEGERS, only_sentences, target

from autogaze_web import (
    AutoGazeImageProcessor,
    Cells,
    GazingInfo,
    LiveSettings,
    LiveView,
    PatchDiff,
    Tiling,
    footprint,
    options,
)
from autogaze_web.masks.footprint import GEOMETRIES
from autogaze_web.model.controls import StreamControls, resolve_controls
from autogaze_web.readout.projection import frame_tokens
from autogaze_web.readout.token_grids import ImageGrid, VideoGrid
from autogaze_web.tiles.inference_mode import InferenceMode

OPTION_NAMES = [*options.options(), *options.shorthands(), "mode ", "no-such-option"]
OPTION_VALUES = st.one_of(
    st.sampled_from(
        [*ODD_VALUES, "20 dB", "1" * 3000, ".5db", "0x10", "\uff11", "2+14", "+".join(["7"] * 500)]
    ),
    st.text(max_size=12),
    st.floats(),
    st.integers(),
)


@target(st.dictionaries(st.sampled_from(OPTION_NAMES) | st.text(max_size=5), OPTION_VALUES, max_size=3))
def option_values(given_options: dict[str, object]) -> None:
    """Options as an address, the command line or the API gives them."""
    with only_sentences():
        LiveSettings.of(given_options)
    with only_sentences():
        InferenceMode.of(options.parse(given_options))


@target(INTEGERS, INTEGERS, INTEGERS, st.none() | INTEGERS)
def tilings(height: int, width: int, tile: int, stride: int | None) -> None:
    """Tilings of frames."""
    with only_sentences():
        len(Tiling.anyres(height, width, tile))
    with only_sentences():
        len(Tiling.full_resolution(height, width, tile, stride))


@target(
    INTEGERS | st.lists(INTEGERS, max_size=3),
    st.lists(INTEGERS, max_size=3),
    st.lists(INTEGERS, max_size=3),
    FLOATS | st.lists(FLOATS, max_size=3),
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.sampled_from(GEOMETRIES)),
    st.tuples(INTEGERS, INTEGERS),
)
def cells_and_masks(
    grid: Any, row: Any, col: Any, confidence: Any, frame: tuple[int, int, Any], grid_size: tuple[int, int]
) -> None:
    """Cells, what they mask, and the tokens that they touch."""
    with only_sentences():
        cells = Cells.of(grid, row, col, confidence)
        footprint(cells, *frame).plan.ratio  # noqa: B018
        GazingInfo.of_cells([[cells]], [2, 14])
    with only_sentences():
        image = ImageGrid(*grid_size)
        VideoGrid(2, *grid_size)
        if len(image) < 10_000:
            frame_tokens(Cells.of(2, [0], [1]), image)


@target(ARRAYS, INTEGERS, FLOATS)
def frames(image: Any, grid: int, threshold: float) -> None:
    """Frames and the settings of patch-diff."""
    with only_sentences():
        LiveView(LiveSettings(PatchDiff(grid, threshold))).step(image)
    with only_sentences():
        AutoGazeImageProcessor()(image)
    with only_sentences():
        GazingInfo.of({"gazing_pos": image, "if_padded_gazing": image, "num_gazing_each_frame": image})


@target(
    st.none() | FLOATS | st.lists(FLOATS, max_size=3),
    st.none() | FLOATS | st.lists(FLOATS, max_size=3),
    st.none() | INTEGERS,
    st.none() | INTEGERS,
    st.none() | FLOATS,
)
def controls(ratio: Any, requirement: Any, window: Any, max_tokens: Any, coverage: Any) -> None:
    """The controls of a clip and of a stream."""
    with only_sentences():
        resolve_controls(CONFIG, ratio, requirement, 1, 2)
    with only_sentences():
        StreamControls(None, None, window, max_tokens, coverage)
