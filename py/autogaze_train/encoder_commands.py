"""The commands that train and measure the built-in encoder."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch

from .corpus import RealClips, read_pictures
from .documents import draw_documents
from .encoder_export import configs_of, load_encoder_weights, save_encoder
from .encoder_training import EncoderPlan, EncoderProgress, train_encoder
from .export import load_network, read_config
from .render import Pictures

_CONFIG = Path(__file__).with_name("encoder_config.json")
_CROP_SIDE = 384
_DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def add_encoder_commands(commands: Any) -> None:
    """Adds the commands to the parser's."""
    training = commands.add_parser("train-encoder", help="train the encoder and its frame decoder")
    training.set_defaults(run=_train)
    training.add_argument("--corpus", type=Path, required=True, help="folder that corpus made")
    training.add_argument(
        "--model", type=Path, required=True, help="AutoGaze checkpoint that chooses patches"
    )
    training.add_argument("--out", type=Path, required=True, help="folder for the checkpoint")
    training.add_argument("--config", type=Path, default=_CONFIG, help="encoder_config.json of both")
    training.add_argument("--steps", type=int, default=12000, help="optimiser steps")
    training.add_argument("--rows", type=int, default=65536, help="rows of a batch")
    training.add_argument("--frames", type=int, default=12, help="frames of a clip")
    training.add_argument("--crops", type=int, default=3000, help="crops of the pictures to prepare")
    training.add_argument("--rate", type=float, default=1.5e-3, help="peak learning rate")
    training.add_argument("--seconds", type=float, default=float("inf"), help="time limit of the training")
    training.add_argument("--device", default=_DEVICE)
    training.add_argument("--seed", type=int, default=1)
    training.add_argument(
        "--weights", type=Path, help="checkpoint folder, or weights.pt of an earlier part, to continue from"
    )
    training.add_argument("--done", type=float, default=0.0, help="share of the training already completed")
    training.add_argument("--until", type=float, default=1.0, help="share of the training at which to stop")


def _train(arguments: argparse.Namespace) -> None:
    device = torch.device(arguments.device)
    values = read_config(arguments.config)
    plan = EncoderPlan(
        steps=arguments.steps,
        rows=arguments.rows,
        frames=arguments.frames,
        rate=arguments.rate,
        seconds=arguments.seconds,
        seed=arguments.seed,
        done=arguments.done,
        until=arguments.until,
    )
    began = saved = time.monotonic()
    pictures = read_pictures(arguments.corpus, "training", arguments.crops, _CROP_SIDE, device)
    documents = draw_documents(max(4, arguments.crops * 3 // 10), _CROP_SIDE, arguments.seed).to(device)
    screens = Pictures(torch.cat([pictures.crops[: len(documents)], documents]))
    pictures = Pictures(torch.cat([pictures.crops, documents[: len(documents) // 3]]))
    real = RealClips.read(arguments.corpus, "training", device)
    print(f"{len(pictures.crops)} pictures, {len(real.videos)} real clips", flush=True)

    def report(progress: EncoderProgress) -> None:
        nonlocal saved
        if progress.step % 100 == 0 or progress.step in (1, 10, 30):
            # The squared error of pixels in -1 .. 1, whose range is 2.
            psnr = 10 * torch.log10(4 / progress.error).item()
            print(
                f"step {progress.step} {progress.share:.1%} loss {progress.loss.item():.4f} "
                f"psnr {psnr:.2f} {time.monotonic() - began:.0f} s",
                flush=True,
            )
        if time.monotonic() - saved > 60:
            saved = time.monotonic()
            save_encoder(arguments.out, values, progress.average)

    weights = earlier_encoder(arguments.weights, device) if arguments.weights else None
    gaze = load_network(arguments.model, device)
    trained = train_encoder(configs_of(values), plan, gaze, (pictures, screens, real), report, weights)
    save_encoder(arguments.out, values, trained)
    torch.save(trained, arguments.out / "weights.pt")
    print(json.dumps({"files": {path.name: path.stat().st_size for path in arguments.out.iterdir()}}))


def earlier_encoder(path: Path, device: torch.device) -> dict[str, torch.Tensor]:
    """The weights in a checkpoint folder, or in the ``weights.pt`` of an earlier part of the training."""
    if path.is_dir():
        return load_encoder_weights(path)
    weights: dict[str, torch.Tensor] = torch.load(path, map_location=device)
    return weights
