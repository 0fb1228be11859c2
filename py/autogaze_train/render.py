"""Renders scenes from natural images to clips (B, T, 3, S, S) uint8, in one batch on one device."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from .scene import OBJECTS, Scene, draw_scene

_ACROSS = 0.62
"""Share of a picture's side in the camera's view. The rest is room to move, mirrored beyond its edges."""


@dataclass(frozen=True)
class Pictures:
    """Square crops of natural images, (M, 3, P, P) uint8."""

    crops: torch.Tensor

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
        """Random crops, (*shape, 3, P, P) uint8."""
        index = torch.randint(len(self.crops), shape, generator=generator, device=generator.device)
        return self.crops[index]


def render_clips(
    pictures: Pictures, kinds: list[str], frames: int, size: int, generator: torch.Generator
) -> torch.Tensor:
    """Renders one random clip for each of the given kinds of motion.

    Args:
        pictures: the images to render from.
        kinds: B kinds of motion.
        frames: T.
        size: S, pixels per side.
        generator: on the pictures' device; the same state gives the same clips.

    Returns:
        (B, T, 3, S, S) uint8.
    """
    scene = draw_scene(kinds, frames, generator)
    count = len(kinds)
    back = pictures.draw((count, 2), generator)
    points = square_points(size, generator.device)
    where = _camera(scene, points)
    image = sample(back[:, 0], where)
    if bool((scene.cut < frames).any()):
        later = torch.arange(frames, device=image.device) >= scene.cut[:, None]
        image = torch.where(later[:, :, None, None, None], sample(back[:, 1], where), image)
    if bool((scene.layer > 0).any()):
        image = _front(scene, image, back[:, 1], points)
    for number in range(OBJECTS):
        some = (scene.radius[:, number] > 0).nonzero()[:, 0]
        if len(some):
            texture = pictures.draw((len(some),), generator)
            image[some] = _object(scene, number, some, image[some], texture, points)
    return _develop(scene, image, points, generator)


def square_points(size: int, device: torch.device) -> torch.Tensor:
    """(S, S, 2): x and y of the pixel centres, -0.5 .. 0.5."""
    line = (torch.arange(size, device=device) + 0.5) / size - 0.5
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y], -1)


def _rotated(points: torch.Tensor, angle: torch.Tensor) -> torch.Tensor:
    """Points (..., S, S, 2) rotated by angles (...)."""
    cos, sin = angle.cos()[..., None, None], angle.sin()[..., None, None]
    x, y = points.unbind(-1)
    return torch.stack([cos * x - sin * y, sin * x + cos * y], -1)


def _camera(scene: Scene, points: torch.Tensor, speed: torch.Tensor | None = None) -> torch.Tensor:
    """(B, T, S, S, 2): the position in the picture that each pixel shows, -1 .. 1."""
    shift = scene.shift if speed is None else scene.shift * speed[:, None, None]
    frames = shift.shape[1]
    where = _rotated(points.expand(*shift.shape[:2], *points.shape), scene.roll)
    where = where * torch.exp(-scene.zoom)[..., None, None, None] + shift[:, :, None, None]
    if bool((scene.flow[:, 0] > 0).any()):
        size, waves = scene.flow.unbind(1)
        t = torch.arange(frames, device=points.device)[None, :, None, None]
        phase = 2 * math.pi * waves[:, None, None, None, None] * where + 0.5 * t[..., None]
        where = where + size[:, None, None, None, None] * phase.flip(-1).sin()
    looked_at: torch.Tensor = where * (2 * _ACROSS)
    return looked_at


def sample(pictures: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """(B, T, 3, S, S) float levels: pictures (B, 3, P, P) sampled at positions (B, T, S, S, 2)."""
    clips, frames, size = where.shape[:3]
    flat = where.reshape(clips, frames * size, size, 2)
    seen = functional.grid_sample(
        pictures.float(), flat, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    return seen.reshape(clips, 3, frames, size, size).transpose(1, 2).contiguous()


def _object(
    scene: Scene,
    number: int,
    some: torch.Tensor,
    image: torch.Tensor,
    texture: torch.Tensor,
    points: torch.Tensor,
) -> torch.Tensor:
    """Draws one object of some scenes over their images."""
    place, turn = scene.place[some, number], scene.turn[some, number]
    radius = scene.radius[some, number][:, None, None, None]
    own = _rotated(points - (place[:, :, None, None] - 0.5), -turn)
    x, y = own.unbind(-1)
    angle = torch.atan2(y, x)
    one, two, phase = scene.lobes[some, number].unbind(-1)
    t = torch.arange(turn.shape[1], device=points.device)
    phase = (phase[:, None] + scene.pulse[some, number][:, None] * t)[..., None, None]
    outline = 1 + one[:, None, None, None] * torch.cos(2 * angle + phase)
    outline = outline + two[:, None, None, None] * torch.cos(3 * angle - phase)
    inside = ((radius * outline - own.norm(dim=-1)) * points.shape[0] / 1.5 + 0.5).clamp(0, 1)
    seen = sample(texture, own * (2 * _ACROSS))
    mixed: torch.Tensor = image + inside[:, :, None] * (seen - image)
    return mixed


def _front(scene: Scene, image: torch.Tensor, picture: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Draws moving bars of another picture over the images of parallax scenes."""
    where = _camera(scene, points, scene.layer)
    bars = torch.sin(9 * where[..., 0]) + 0.5 * torch.sin(5 * where[..., 1])
    there = ((bars - 0.6) * points.shape[0] / 9).clamp(0, 1) * (scene.layer > 0)[:, None, None, None]
    return image + there[:, :, None] * (sample(picture, where) - image)


def _develop(
    scene: Scene, image: torch.Tensor, points: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Applies light and noise and rounds to bytes."""
    gain, offset, spot = scene.light.unbind(-1)
    if bool((spot > 0).any()):
        centre, radius = scene.spot[..., :2] - 0.5, scene.spot[..., 2]
        distance = (points - centre[:, :, None, None]).norm(dim=-1) / radius[..., None, None]
        image = image + (spot[..., None, None] * torch.exp(-2 * distance.square()))[:, :, None]
    image = image * gain[..., None, None, None] + offset[..., None, None, None]
    noise = torch.randn(image.shape, generator=generator, device=image.device)
    image = image + noise * scene.noise[:, None, None, None, None]
    return image.round().clamp(0, 255).to(torch.uint8)
