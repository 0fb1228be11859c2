"""The numbers and small pictures of the page's view of what an encoder sees."""

from __future__ import annotations

import json

import numpy as np
import pytest

from autogaze_web.encoder.config import SiglipConfig
from autogaze_web.encoder.work import BASE_224
from autogaze_web.page.encoder_session import EncodedFrame
from autogaze_web.page.vision_numbers import VisionNumbers

CONFIG = SiglipConfig.from_dict(
    {
        "model_type": "siglip_vision_model",
        "hidden_size": 24,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 224,
        "patch_size": 16,
        "vision_use_head": False,
    },
    scales="32+64+112+224",
)


def encoded(index, tokens, full=True, gaze_ms=10.0, encode_ms=5.0, full_encode_ms=45.0, keyframe=False):
    random = np.random.default_rng(index)
    features = random.normal(size=(265, 24)).astype(np.float32)
    tokens = np.array(tokens, np.int64)
    rebuilt = np.full((4, 4, 4), 100, np.uint8)
    return EncodedFrame(
        index,
        keyframe,
        tokens,
        features[tokens],
        rebuilt,
        gaze_ms,
        encode_ms,
        1.0,
        features if full else None,
        rebuilt + np.uint8(10) if full else None,
        full_encode_ms if full else None,
        1.0 if full else None,
    )


def test_a_keyframe_does_not_count_among_what_is_saved():
    vision = VisionNumbers(CONFIG, 8)
    numbers, _ = vision.of(encoded(0, np.arange(265), encode_ms=45.0, keyframe=True))
    assert numbers["similarity"] == pytest.approx(1)
    assert not {"net", "projections"} & numbers.keys()
    numbers, _ = vision.of(encoded(1, [0, 9, 264]))
    assert numbers["net"]["gazed_ms"] == 5


def test_without_all_patches_there_is_nothing_to_compare_with():
    vision = VisionNumbers(CONFIG, 8)
    numbers, pictures = vision.of(encoded(0, [0, 9, 264], full=False))
    assert numbers == {"patches": 265}
    (picture,) = pictures.values()
    assert picture.shape == (28, 28, 4)
    assert picture[0, 0, 3] == picture[27, 27, 3] == 255
    assert picture[20, 0, 3] == 0


def test_with_all_patches_it_says_what_is_kept_and_saved():
    vision = VisionNumbers(CONFIG, 8)
    for index in range(3):
        numbers, pictures = vision.of(encoded(index, [3, 100, 200, 260]))
    assert json.loads(json.dumps(numbers, allow_nan=False)) == numbers
    # These features are those of all, so nothing is lost but in the pictures.
    assert numbers["similarity"] == pytest.approx(1)
    assert numbers["rebuilt_psnr"] == pytest.approx(10 * np.log10(255**2 / 100))
    assert numbers["net"] == {
        "gaze_ms": 10,
        "gazed_ms": 5,
        "full_ms": 45,
        "saved_ms": 30,
        "break_even": 0.25,
    }
    base, so400m, tiled = numbers["projections"]
    assert (base["tokens"], base["gazed"]) == (265, 4)
    assert (so400m["tokens"], so400m["gazed"]) == (1060, 16)
    tiles = tiled["tokens"] // 1060
    assert tiles > 40
    assert tiled["full_ms"] == pytest.approx(tiles * so400m["full_ms"])
    assert base["full_gflops"] == pytest.approx(2 * BASE_224.multiply_adds(265, 8 * 265) / 1e9)
    # At the measured rate; the gaze is in the time.
    rate = base["full_ms"] / base["full_gflops"]
    assert base["gazed_ms"] == pytest.approx(10 + rate * base["gazed_gflops"])
    assert base["full_ms"] > 300 * 45, "a base model takes hundreds of times the work of this small one"
    assert (pictures["full_colours"][..., 3] == 255).all()


def test_no_gain_and_no_patch():
    vision = VisionNumbers(CONFIG, 8)
    numbers, _ = vision.of(encoded(0, [], full_encode_ms=4.0))
    assert numbers["net"]["break_even"] == "Infinity"
    assert numbers["similarity"] is None


def test_colours_are_of_the_frames_that_the_encoder_remembers():
    vision = VisionNumbers(CONFIG, 2)
    pictures = [vision.of(encoded(index, [index]))[1]["colours"] for index in range(3)]
    # Tokens 0, 1, 2 of the coarsest grid are quarters of the frame.
    shown = [[picture[y, x, 3] > 0 for y, x in ((0, 0), (0, 27), (27, 0))] for picture in pictures]
    assert shown == [[True, False, False], [True, True, False], [False, True, True]]
