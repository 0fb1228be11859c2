import numpy as np
import pytest
from PIL import Image

import golden
from autogaze_web.masks.footprint import GEOMETRIES
from autogaze_web.panels.mask_panel import PANEL_MODES


@pytest.mark.parametrize("mode", PANEL_MODES)
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_panels_equal_the_reviewed_images(geometry, mode):
    expected = np.asarray(Image.open(golden.path_of(geometry, mode)).convert("RGBA"))
    np.testing.assert_array_equal(golden.draw(geometry, mode), expected)


def test_every_golden_image_is_compared():
    names = {golden.path_of(geometry, mode) for geometry in GEOMETRIES for mode in PANEL_MODES}
    assert set(golden.FOLDER.glob("*_*.png")) == names
