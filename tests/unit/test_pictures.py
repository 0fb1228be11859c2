"""Pictures as clips: animated ones, photos that are turned, and those that are cut off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autogaze_web.files.apng_reader import read_apng
from autogaze_web.files.clip import VideoError
from autogaze_web.files.video import open_clip, read_frames

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "avif"])
def test_animated_pictures_are_clips(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"animation.{suffix}"
    first, *others = (Image.new("RGB", (32, 32), colour) for colour in (RED, GREEN, BLUE))
    first.save(path, save_all=True, append_images=others, duration=[100, 200, 300], quality=100)
    for name in (path, path.rename(tmp_path / "no_extension"), path.rename):
        if callable(name):
            continue
        frames = list(open_clip(name if name.exists() else tmp_path / "no_extension").frames())
        assert [float(frame.time) for frame in frames] == pytest.approx([0, 0.1, 0.3])
        assert [int(frame.image[16, 16].argmax()) for frame in frames] == [0, 1, 2]


def test_an_apng_leaves_its_default_picture_out(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    still, *frames = (Image.new("RGB", (32, 32), colour) for colour in (GREEN, RED, BLUE))
    still.save(path, save_all=True, append_images=frames, default_image=True, duration=100)
    assert [int(frame[0, 0].argmax()) for frame in read_frames(path)] == [0, 2]


@pytest.mark.parametrize("blend", [0, 1])
@pytest.mark.parametrize("disposal", [0, 1, 2])
def test_frames_of_an_apng_are_put_together_as_browsers_do(disposal: int, blend: int, tmp_path: Path) -> None:
    """Each frame has a hole in another place, through which what is left of those before shows."""
    path = tmp_path / "a.png"
    pictures = []
    for index in range(4):
        alpha = np.full((32, 32), 255, np.uint8)
        alpha[:, 8 * index : 8 * index + 8] = 0
        pictures.append(
            Image.fromarray(np.dstack([np.full((32, 32, 3), (60 * index + 40, 9, 200), np.uint8), alpha]))
        )
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], duration=50, disposal=disposal, blend=blend
    )
    apng = read_apng(path.read_bytes())
    assert apng
    canvas = np.zeros((32, 32, 4), np.uint8)
    expected = []
    for index, frame in enumerate(apng.frames):
        assert (frame.disposal, frame.blending) == (disposal, blend)
        # Pillow writes the part that changed; its pixels are those of the picture.
        top, left = slice(frame.top, frame.top + frame.height), slice(frame.left, frame.left + frame.width)
        pixels, place = np.asarray(pictures[index])[top, left], canvas[top, left]
        before = place.copy()
        place[:] = np.where(pixels[..., 3:] > 0, pixels, before if blend else 0)
        expected.append(np.where(canvas[..., 3:] > 0, canvas[..., :3], 0))
        if disposal == 1 or (disposal == 2 and index == 0):
            place[:] = 0
        elif disposal == 2:
            place[:] = before
    np.testing.assert_array_equal(list(read_frames(path)), expected)


def test_a_photo_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter clockwise
    Image.new("RGB", (64, 32), RED).save(tmp_path / "photo", "JPEG", exif=exif)
    (frame,) = read_frames(tmp_path / "photo")
    assert frame.shape == (64, 32, 3)


@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_an_animation_that_was_cut_off(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)
    first, *others = map(Image.fromarray, noise)
    first.save(path, save_all=True, append_images=others, duration=100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    clip = open_clip(path)
    assert len(list(clip.frames())) == 4
    assert clip.damage


def test_an_avif_that_was_cut_off_shows_its_whole_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    noise = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)
    first, *others = map(Image.fromarray, noise)
    first.save(path, save_all=True, append_images=others, duration=100)
    data, whole = path.read_bytes(), list(read_frames(path))
    path.write_bytes(data[: len(data) * 6 // 10])
    clip = open_clip(path)
    frames = [frame.image for frame in clip.frames()]
    assert 1 < len(frames) < 6
    np.testing.assert_array_equal(frames, whole[: len(frames)])
    assert clip.damage
    path.write_bytes(data[: data.index(b"mdat") + 100])
    with pytest.raises(VideoError, match="it is cut off: it states"):
        open_clip(path)


def test_of_an_icon_the_largest_picture_is_shown(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), RED).save(tmp_path / "icon", "ICO", sizes=[(16, 16), (64, 64), (32, 32)])
    (frame,) = read_frames(tmp_path / "icon")
    assert frame.shape == (64, 64, 3)


def test_what_pillow_warns_of_is_said_in_one_sentence(tmp_path: Path, recwarn) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.tif")
    (tmp_path / "a.tif").write_bytes((tmp_path / "a.tif").read_bytes()[:60])
    with pytest.raises(VideoError, match="cannot be read as a picture"):
        open_clip(tmp_path / "a.tif")
    assert not recwarn.list


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "bmp", "tif"])
def test_half_a_picture_is_shown_with_a_warning(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"photo.{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    clip = open_clip(path)
    assert len(list(clip.frames())) == 1
    assert clip.damage
    assert f"{path} is damaged within its first frame" in clip.damage


@pytest.mark.parametrize("suffix", ["webp", "avif", "ico"])
def test_a_cut_picture_of_which_nothing_can_be_shown_is_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"photo.{suffix}"
    Image.new("RGB", (32, 32), RED).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(VideoError, match="cut off: it states"):
        list(open_clip(path).frames())


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_animations_are_turned_as_their_exif_data_say(suffix: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (96, 160, 3), np.uint8)
    pictures = [Image.fromarray(np.roll(noise, shift, 1)) for shift in (0, 16)]
    turned = Image.Exif()
    turned[0x0112] = 6  # by a quarter, clockwise
    path = tmp_path / f"a.{suffix}"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], lossless=True, exif=turned.tobytes())
    shown = [frame.image for frame in open_clip(path).frames()]
    for image, picture in zip(shown, pictures, strict=True):
        np.testing.assert_array_equal(image, np.rot90(np.asarray(picture), -1))
