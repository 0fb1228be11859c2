import gazed_encoder
import numpy as np
import pytest


def test_the_example_compares_tokens_and_time(monkeypatch, capsys):
    monkeypatch.setattr(gazed_encoder, "FRAMES", 3)
    monkeypatch.setattr("sys.argv", ["gazed_encoder.py"])
    gazed_encoder.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3 frames of 640x360, patches selected by patch-diff"
    every, gazed = (int(line.split()[2]) for line in lines[2:4])
    assert every == 3 * 196
    assert 196 < gazed < every


def test_encoding_all_patches_equals_gazing_at_all_patches():
    frames = gazed_encoder._frames(None)[:16]
    video = gazed_encoder._normalised_square(frames)[:, :2]
    first, second = gazed_encoder.Encoder(), gazed_encoder.Encoder()
    gazing = gazed_encoder.GazingInfo(
        gazed_encoder.everything().gazing_pos[:, : 2 * 196],
        np.zeros((1, 2 * 196), bool),
        np.full(2, 196),
    )
    # Block-causal: what the first frame's patches become does not depend on the second frame.
    both = gazed_encoder.encode(first, video, gazing)
    alone = gazed_encoder.GazingInfo(
        gazing.gazing_pos[:, :196], gazing.if_padded_gazing[:, :196], gazing.num_gazing_each_frame[:1]
    )
    only = gazed_encoder.encode(second, video[:, :1], alone)
    np.testing.assert_allclose(both[:196], only, atol=1e-4)


def test_error_for_a_short_clip(monkeypatch):
    monkeypatch.setattr(
        "autogaze_web.files.video.read_frames", lambda _: iter([np.zeros((4, 4, 3), np.uint8)])
    )
    with pytest.raises(SystemExit, match="has 1 frames: give a clip of at least 16"):
        gazed_encoder._frames("clip.mp4")
