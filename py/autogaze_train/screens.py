"""Renders what screens and broadcasts show: rectangles whose content is replaced, faded, scrolled or moved.

Between these events most of the frame stays the same, apart from the camera's noise. A slide, a caption or
a dialog changes many cells at once and only once, which natural scenes rarely do.
"""

from __future__ import annotations

import torch

from .render import Pictures, sample, square_points

RECTANGLES = 4


def render_screens(
    pictures: Pictures, count: int, frames: int, size: int, generator: torch.Generator
) -> torch.Tensor:
    """Renders random clips of screens.

    Args:
        pictures: photographs and documents, from which contents are drawn.
        count: B, number of clips.
        frames: T.
        size: S, pixels per side.
        generator: on the pictures' device; the same state gives the same clips.

    Returns:
        (B, T, 3, S, S) uint8.
    """
    device = generator.device

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=generator, device=device)

    points = square_points(size, device)
    x, y = points.unbind(-1)
    time = torch.arange(frames, device=device).float()
    content = pictures.draw((count, 1 + 2 * RECTANGLES), generator)
    zoom = uniform(0.5, 0.95)[:, None, None, None, None]
    image = sample(content[:, 0], points.expand(count, 1, size, size, 2) * (2 * zoom))
    image = image.expand(-1, frames, -1, -1, -1)
    for number in range(RECTANGLES):
        # Kinds of place: the whole frame, a strip across it, or a panel.
        place = uniform(0, 1)
        width, height = uniform(0.1, 0.8), uniform(0.06, 0.8)
        strip, whole = place < 0.35, place > 0.85
        width = torch.where(whole, 2.0, torch.where(strip, uniform(0.5, 1.6), width))
        height = torch.where(whole, 2.0, torch.where(strip, uniform(0.05, 0.22), height))
        centre_x, centre_y = uniform(-0.45, 0.45), uniform(-0.45, 0.45)
        here = (
            ((x - centre_x[:, None, None]).abs() < width[:, None, None] / 2)
            & ((y - centre_y[:, None, None]).abs() < height[:, None, None] / 2)
        ).float()[:, None, None]
        exists = (uniform(0, 1) < (0.9, 0.6, 0.4, 0.25)[number]).float()
        # Most rectangles rest, a few scroll steadily or play a moving picture.
        moves = (uniform(0, 1) < 0.25).float()[:, None] * (~whole).float()[:, None]
        is_vertical = (uniform(0, 1) < 0.7).float()
        heading = torch.stack([1 - is_vertical, is_vertical], -1)
        shift = time[None, :, None] * (heading * uniform(-0.06, 0.06, 1) * moves)[:, None]
        where = points * (2 * uniform(0.3, 0.9)[:, None, None, None, None]) + shift[:, :, None, None]
        event, length = uniform(0.5, frames)[:, None], uniform(0, 1)[:, None]
        length = torch.where(length < 0.75, torch.full_like(length, 1e-3), 5 * length)
        late = ((time - event) / length).clamp(0, 1)
        # The rectangle appears, disappears, or replaces its content at the event.
        how = uniform(0, 1)[:, None]
        alpha = torch.where(how < 0.35, late, torch.where(how < 0.55, 1 - late, torch.ones_like(late)))
        alpha = alpha * exists[:, None]
        first, second = (sample(content[:, 1 + 2 * number + k], where) for k in range(2))
        shown = torch.lerp(first, second, late[..., None, None, None])
        strength = torch.where(uniform(0, 1) < 0.2, uniform(0.1, 0.5), 1.0)[:, None]
        image = image + (alpha * strength)[..., None, None, None] * here * (shown - image)
    noise = torch.randn(image.shape, generator=generator, device=device)
    level = torch.where(uniform(0, 1) < 0.4, 0.0, uniform(0.2, 2.5))
    image = image + noise * level[:, None, None, None, None]
    return image.round().clamp(0, 255).to(torch.uint8)
