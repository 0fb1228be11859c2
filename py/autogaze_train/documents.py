"""Draws pictures of text: slides, pages, windows and dialogs, which photographs do not contain."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

_Colour = tuple[int, int, int]
_LETTERS = "eeeettaaooiinnsshrrddlucmfwypvbgkqjxz"


def draw_documents(count: int, side: int, seed: int) -> torch.Tensor:
    """(count, 3, side, side) uint8: random documents, each determined by the seed and its index."""
    with ThreadPoolExecutor() as pool:
        pictures = pool.map(
            lambda index: _document(random.Random(seed * 1_000_003 + index), side), range(count)
        )
        arrays = [np.asarray(picture) for picture in pictures]
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).contiguous()


def _document(chance: random.Random, side: int) -> Image.Image:
    is_dark = chance.random() < 0.4
    paper, ink = _colour(chance, 0, 70), _colour(chance, 170, 255)
    if not is_dark:
        paper, ink = _colour(chance, 190, 255), _colour(chance, 0, 90)
    picture = Image.new("RGB", (side, side), paper)
    draw = ImageDraw.Draw(picture)
    layout: Callable[[random.Random, ImageDraw.ImageDraw, int, _Colour], None]
    layout = chance.choice((_slide, _slide, _page, _windows, _chart))
    layout(chance, draw, side, ink)
    return picture


def _colour(chance: random.Random, low: int, high: int) -> _Colour:
    return chance.randint(low, high), chance.randint(low, high), chance.randint(low, high)


def _words(chance: random.Random, letters: int) -> str:
    text = ""
    while len(text) < letters:
        word = "".join(chance.choice(_LETTERS) for _ in range(chance.randint(1, 9)))
        text += (word.capitalize() if chance.random() < 0.2 else word) + " "
    return text[:letters]


def _line(
    chance: random.Random,
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    size: int,
    width: float,
    ink: _Colour,
) -> None:
    letters = max(1, int(width / (0.55 * size)))
    draw.text(at, _words(chance, letters), fill=ink, font=ImageFont.load_default(size))


def _slide(chance: random.Random, draw: ImageDraw.ImageDraw, side: int, ink: _Colour) -> None:
    """A heading, a few lines below it, and perhaps a box."""
    left, size = side * chance.uniform(0.04, 0.15), chance.randint(side // 16, side // 8)
    _line(chance, draw, (left, side * 0.06), size, side * chance.uniform(0.4, 0.85), ink)
    y, small = side * 0.1 + 1.5 * size, chance.randint(side // 28, side // 14)
    while y < side * 0.92:
        _line(chance, draw, (left, y), small, side * chance.uniform(0.2, 0.8), ink)
        y += small * chance.uniform(1.3, 2.6)
    if chance.random() < 0.5:
        _box(chance, draw, side)


def _page(chance: random.Random, draw: ImageDraw.ImageDraw, side: int, ink: _Colour) -> None:
    """One or two columns of small text."""
    columns, size = chance.choice((1, 1, 2)), chance.randint(max(6, side // 48), side // 22)
    width = side / columns
    for column in range(columns):
        y = side * 0.04
        while y < side * 0.95:
            _line(
                chance, draw, (column * width + 0.06 * width, y), size, width * chance.uniform(0.6, 0.85), ink
            )
            y += size * (2.4 if chance.random() < 0.15 else 1.35)


def _windows(chance: random.Random, draw: ImageDraw.ImageDraw, side: int, ink: _Colour) -> None:
    """Boxes with lines of text in them."""
    for _ in range(chance.randint(2, 7)):
        left, top, right, _ = _box(chance, draw, side)
        size = chance.randint(max(6, side // 40), side // 18)
        _line(chance, draw, (left + 4, top + 2), size, max(size, right - left - 8), ink)


def _chart(chance: random.Random, draw: ImageDraw.ImageDraw, side: int, ink: _Colour) -> None:
    """Bars above a line, with a heading."""
    _line(chance, draw, (side * 0.1, side * 0.04), side // 14, side * 0.7, ink)
    bars = chance.randint(3, 12)
    step = 0.8 * side / bars
    colour = _colour(chance, 0, 255)
    for bar in range(bars):
        left, top = side * 0.1 + bar * step, side * chance.uniform(0.2, 0.85)
        draw.rectangle((left, top, left + 0.7 * step, side * 0.9), fill=colour)
    draw.line((side * 0.08, side * 0.9, side * 0.92, side * 0.9), fill=ink, width=2)


def _box(chance: random.Random, draw: ImageDraw.ImageDraw, side: int) -> tuple[int, int, int, int]:
    left, top = chance.randint(0, side * 2 // 3), chance.randint(0, side * 2 // 3)
    right, bottom = left + chance.randint(side // 8, side), top + chance.randint(side // 10, side // 2)
    draw.rectangle((left, top, right, bottom), fill=_colour(chance, 0, 255), outline=_colour(chance, 0, 255))
    return left, top, right, bottom
