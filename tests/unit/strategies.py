"""What several property tests draw from."""

import numpy as np
from hypothesis import strategies as st

from autogaze_web.frames.rgba import as_frame
from autogaze_web.masks.cells import Cells

GRIDS = (1, 2, 4, 7, 14)


@st.composite
def some_cells(draw, max_size=30, grids=GRIDS):
    """Any cells of any grids, with repeats."""
    places = draw(
        st.lists(
            st.sampled_from(grids).flatmap(
                lambda g: st.tuples(st.just(g), st.integers(0, g - 1), st.integers(0, g - 1))
            ),
            max_size=max_size,
        )
    )
    return Cells.of(*np.array(places, np.int32).reshape(-1, 3).T) if places else Cells.none()


def noise_frame(seed, height, width):
    """A frame of random colours, opaque."""
    frame = np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)
    frame[..., 3] = 255
    return as_frame(frame)


def pixels_of(rectangles, height, width):
    """How many of the rectangles each pixel lies in."""
    count = np.zeros((height, width), int)
    for y0, x0, y1, x1 in np.asarray(rectangles).tolist():
        count[y0:y1, x0:x1] += 1
    return count
