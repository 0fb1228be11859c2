"""The parameters of a scene, which describe its motion, drawn at random for each kind of motion.

Lengths are in units of the frame's side, so that scenes can be rendered at any size. Times are in frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

TRAINING_KINDS = (
    "static",
    "pan",
    "zoom",
    "rotation",
    "handheld",
    "objects",
    "objects-and-camera",
    "lighting",
    "noise",
    "cut",
)
HELD_OUT_KINDS = ("parallax", "ripple")
"""Kinds of motion that never occur in training."""

KINDS = TRAINING_KINDS + HELD_OUT_KINDS
_SHARES = (0.08, 0.16, 0.08, 0.06, 0.14, 0.24, 0.12, 0.05, 0.03, 0.04)

OBJECTS = 3

# The amount of pan, zoom, roll, shake, objects, light, strong noise and cut in each kind.
_PARTS = {
    "static": (0, 0, 0, 0, 0, 0, 0, 0),
    "pan": (1, 0, 0, 0, 0, 0, 0, 0),
    "zoom": (0, 1, 0, 0, 0, 0, 0, 0),
    "rotation": (0, 0, 1, 0, 0, 0, 0, 0),
    "handheld": (0.3, 0.3, 0.3, 1, 0, 0, 0, 0),
    "objects": (0, 0, 0, 0, 1, 0, 0, 0),
    "objects-and-camera": (0.5, 0.3, 0.2, 0.5, 1, 0, 0, 0),
    "lighting": (0, 0, 0, 0, 0, 1, 0, 0),
    "noise": (0, 0, 0, 0, 0, 0, 1, 0),
    "cut": (0, 0, 0, 0, 0.5, 0, 0, 1),
    "parallax": (0, 0, 0, 0, 0, 0, 0, 0),
    "ripple": (0, 0, 0, 0, 0, 0, 0, 0),
}


@dataclass(frozen=True)
class Scene:
    """The parameters of B scenes of T frames; tensors are float32 unless stated otherwise.

    Attributes:
        shift: (B, T, 2), position of the camera.
        zoom: (B, T), natural logarithm of the camera's magnification.
        roll: (B, T), rotation of the camera in radians.
        cut: (B,) int64, the frame at which another picture replaces the first; T for never.
        light: (B, T, 3), gain, offset in levels, and strength of a spot.
        spot: (B, T, 3), centre and radius of the spot.
        noise: (B,), standard deviation of the sensor's noise in levels.
        place: (B, OBJECTS, T, 2), centres of the objects.
        turn: (B, OBJECTS, T), rotation of the objects in radians.
        radius: (B, OBJECTS), size of the objects; 0 for no object.
        lobes: (B, OBJECTS, 3), two amplitudes and the phase of the objects' outlines.
        pulse: (B, OBJECTS), speed at which the outlines change.
        flow: (B, 2), amplitude and wave number of ripples.
        layer: (B,), speed of the foreground of a parallax scene relative to the background; 0 for none.
    """

    shift: torch.Tensor
    zoom: torch.Tensor
    roll: torch.Tensor
    cut: torch.Tensor
    light: torch.Tensor
    spot: torch.Tensor
    noise: torch.Tensor
    place: torch.Tensor
    turn: torch.Tensor
    radius: torch.Tensor
    lobes: torch.Tensor
    pulse: torch.Tensor
    flow: torch.Tensor
    layer: torch.Tensor


def draw_kinds(count: int, generator: torch.Generator) -> list[str]:
    """Random kinds of motion for ``count`` training clips."""
    shares = torch.tensor(_SHARES, device=generator.device)
    index = torch.multinomial(shares, count, replacement=True, generator=generator)
    return [TRAINING_KINDS[i] for i in index.tolist()]


def draw_scene(kinds: list[str], frames: int, generator: torch.Generator) -> Scene:
    """Random scenes, one for each of the given kinds."""
    draw = _Draw(len(kinds), frames, generator)
    parts = torch.tensor([_PARTS[kind] for kind in kinds], device=generator.device)
    pan, zoom, roll, shake, objects, light, noise, cut = parts.unbind(1)
    parallax, ripple = (
        torch.tensor([float(kind == name) for kind in kinds], device=generator.device)
        for name in HELD_OUT_KINDS
    )
    heading = draw.uniform(0, 2 * math.pi)
    speed = draw.uniform(0.15, 1).square() * 0.05 * pan.add(parallax).clamp(max=1)
    travel = draw.travel()
    way = torch.stack([heading.cos(), heading.sin()], -1) * speed[:, None]
    shift = way[:, None] * travel[..., None]
    shift = shift + draw.wander(2) * (0.008 * shake * draw.uniform(0.2, 1))[:, None, None]
    return Scene(
        shift=shift,
        zoom=draw.travel() * (draw.sign() * draw.uniform(0.003, 0.03) * zoom)[:, None],
        roll=draw.travel() * (draw.sign() * draw.uniform(0.003, 0.04) * roll)[:, None]
        + draw.wander(1)[..., 0] * (0.006 * shake)[:, None],
        cut=torch.where(cut > 0, draw.integer(2, max(3, frames - 1)), frames),
        light=draw.light(light),
        spot=torch.cat([draw.path(0.02), draw.uniform(0.15, 0.5)[:, None, None].expand(-1, frames, 1)], -1),
        noise=draw.uniform(0, 1).square() * 3 + noise * draw.uniform(4, 9),
        flow=torch.stack([draw.uniform(0.006, 0.02) * ripple, draw.uniform(2, 6)], 1),
        layer=draw.uniform(1.5, 3) * parallax,
        **draw.objects(objects),
    )


class _Draw:
    """Draws random numbers for B scenes of T frames."""

    def __init__(self, clips: int, frames: int, generator: torch.Generator):
        self._clips, self._frames, self._generator = clips, frames, generator

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        """(B, *shape): uniformly distributed between two numbers."""
        values = torch.rand(self._clips, *shape, generator=self._generator, device=self._generator.device)
        return low + (high - low) * values

    def integer(self, low: int, end: int) -> torch.Tensor:
        """(B,): integers low .. end - 1."""
        return torch.randint(
            low, end, (self._clips,), generator=self._generator, device=self._generator.device
        )

    def sign(self) -> torch.Tensor:
        """(B,): -1 or 1."""
        return self.integer(0, 2).float() * 2 - 1

    def normal(self, *shape: int) -> torch.Tensor:
        """(B, *shape): normally distributed."""
        return torch.randn(self._clips, *shape, generator=self._generator, device=self._generator.device)

    def travel(self, *shape: int) -> torch.Tensor:
        """(B, *shape, T): the distance travelled, on average one unit per frame while moving.

        The motion is steady, oscillating, or interrupted by stops.
        """
        t = torch.arange(self._frames, device=self._generator.device).float()
        steady = t.expand(self._clips, *shape, self._frames)
        period = self.uniform(6, 30, *shape)[..., None]
        swing = period / 4 * torch.sin(2 * math.pi * (t / period + self.uniform(0, 1, *shape)[..., None]))
        length = self.uniform(3, 12, *shape)[..., None]
        going = ((t + self.uniform(0, 24, *shape)[..., None]) / length).floor() % 2
        stops = going.cumsum(-1)
        how = self.uniform(0, 1, *shape)[..., None]
        return torch.where(how < 0.45, steady, torch.where(how < 0.65, swing, stops))

    def wander(self, values: int) -> torch.Tensor:
        """(B, T, values): a smooth random walk."""
        force = self.normal(self._frames, values)
        speed, position = torch.zeros_like(force[:, 0]), torch.zeros_like(force[:, 0])
        path = []
        for t in range(self._frames):
            speed = 0.8 * speed + 0.6 * force[:, t]
            position = 0.97 * position + speed
            path.append(position)
        return torch.stack(path, 1)

    def path(self, speed: float) -> torch.Tensor:
        """(B, T, 2): positions on a random path inside the frame."""
        return self.uniform(0.2, 0.8, 1, 2) + speed * self.wander(2)

    def light(self, share: torch.Tensor) -> torch.Tensor:
        """(B, T, 3): see `Scene.light`."""
        t = torch.arange(self._frames, device=self._generator.device).float()
        how = self.uniform(0, 1)[:, None]
        period = self.uniform(4, 40)[:, None]
        wave = torch.sin(2 * math.pi * (t / period + self.uniform(0, 1)[:, None]))
        ramp = (t - self.integer(0, self._frames)[:, None]).clamp(0, 8) / 8
        gain = torch.where(how < 0.35, 0.15 * wave, torch.where(how < 0.6, -0.4 * ramp, 0 * wave))
        offset = torch.where((how >= 0.6) & (how < 0.7), 15 * wave, 0 * wave)
        spot = torch.where(how >= 0.7, 60 * torch.ones_like(wave), 0 * wave)
        numbers = torch.stack([gain, offset, spot], -1) * self.uniform(0.3, 1)[:, None, None]
        numbers = numbers * share[:, None, None]
        numbers[..., 0] += 1
        return numbers

    def objects(self, share: torch.Tensor) -> dict[str, torch.Tensor]:
        """The objects of a `Scene`."""
        n, frames = OBJECTS, self._frames
        heading = self.uniform(0, 2 * math.pi, n)
        speed = self.uniform(0.1, 1, n).square() * 0.06
        way = torch.stack([heading.cos(), heading.sin()], -1) * speed[..., None]
        travel = self.travel(n)
        # The object is inside the frame at a random time.
        middle = self.integer(0, frames)[:, None, None].expand(-1, n, 1)
        travel = travel - travel.gather(2, middle)
        place = self.uniform(0.1, 0.9, n, 1, 2) + way[:, :, None] * travel[..., None]
        there = self.uniform(0, 1, n) < torch.tensor([1.0, 0.5, 0.3], device=share.device)[:n]
        radius = self.uniform(0.04, 0.24, n) * there * (share > 0)[:, None]
        spin = torch.where(self.uniform(0, 1, n) < 0.5, 0, self.normal(n) * 0.06)
        return {
            "place": place,
            "turn": spin[..., None] * travel + self.uniform(0, 6.3, n)[..., None],
            "radius": radius,
            "lobes": torch.cat([self.uniform(0, 0.3, n, 2), self.uniform(0, 6.3, n, 1)], -1),
            "pulse": torch.where(self.uniform(0, 1, n) < 0.5, 0, self.normal(n) * 0.3),
        }
