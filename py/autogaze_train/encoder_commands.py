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
from .encoder_evaluation import METHODS, Models, evaluate_encoder, sheet
from .encoder_export import configs_of, load_encoder_weights, save_encoder
from .encoder_report import encoder_table
from .encoder_training import EncoderPlan, EncoderProgress, train_encoder
from .evaluation import Named, real, rendered
from .export import load_network, read_config
from .render import Pictures
from .report import COLOURS, plot
from .scene import KINDS

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
    evaluation = commands.add_parser("evaluate-encoder", help="measure the encoder on held-out clips")
    evaluation.set_defaults(run=_evaluate)
    evaluation.add_argument(
        "--corpus", type=Path, help="folder that corpus made; without it, only the video is used"
    )
    evaluation.add_argument("--encoder", type=Path, required=True, help="the encoder's checkpoint folder")
    evaluation.add_argument(
        "--model", type=Path, required=True, help="AutoGaze checkpoint that chooses patches"
    )
    evaluation.add_argument("--video", type=Path, required=True, help="a real, held-out video")
    evaluation.add_argument(
        "--out", type=Path, help="folder for evaluation.json, table.md, plot.svg and rebuilt.webp"
    )
    evaluation.add_argument("--clips", type=int, default=4, help="clips of each kind of motion")
    evaluation.add_argument("--frames", type=int, default=24, help="frames of a clip")
    evaluation.add_argument("--size", type=int, default=224, help="pixels per side of a rendered clip")
    evaluation.add_argument(
        "--workers", type=int, default=1, help="processes among which to divide the clips"
    )


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


def _evaluate(arguments: argparse.Namespace) -> None:
    clips = [real("real: example_input", arguments.video, arguments.frames)]
    if arguments.corpus:
        for folder in sorted((arguments.corpus / "held-out" / "clips").iterdir()):
            clips.append(real(f"real: {folder.name}", folder, arguments.frames))
        clips += rendered(arguments.corpus, KINDS, arguments.clips, arguments.frames, arguments.size)
    clips = [Named(named.kind, named.clips[: arguments.clips]) for named in clips]
    results = evaluate_encoder((arguments.encoder, arguments.model), clips, workers=arguments.workers)
    if arguments.out:
        from PIL import Image

        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "evaluation.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
        (arguments.out / "table.md").write_text(encoder_table(results), "utf-8")
        colours = {method: COLOURS[method] for method in METHODS}
        (arguments.out / "plot.svg").write_text(plot(results, colours), "utf-8")
        shown = clips[min(1, len(clips) - 1)].clips[0]
        models = Models.of(arguments.encoder, arguments.model)
        Image.fromarray(sheet(models, shown, len(shown) - 1)).save(arguments.out / "rebuilt.webp", quality=80)
    print(encoder_table(results))
