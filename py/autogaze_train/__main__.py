"""``python -m autogaze_train COMMAND``; ``--help`` lists the commands or the options of a command."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from autogaze_web.model.config import AutoGazeConfig

from .calibration import calibrate
from .corpus import CorpusError, RealClips, make_corpus, read_pictures
from .diagnosis import as_input, diagnose
from .documents import draw_documents
from .encoder_commands import add_encoder_commands
from .evaluation import Named, complete, evaluate, real, rendered
from .export import load_network, read_config, save_checkpoint
from .geometry import Geometry
from .policy import generate
from .render import Pictures, render_clips
from .report import plot, requirement_table, table
from .requirement import AT_LEAST_DB, AT_MOST, as_record, choose, measure_requirements, write_requirement
from .sample_comparison import compare_samples, samples_table
from .scene import KINDS, TRAINING_KINDS
from .search import Errors, Stops, greedy_history
from .training import Plan, Progress, train
from .validation import covered_by, covered_by_change, follow

_CONFIG = Path(__file__).with_name("config.json")
_CROP_SIDE = 384


def main() -> None:
    """Runs a command."""
    arguments = _parser().parse_args()
    try:
        arguments.run(arguments)
    except (CorpusError, ValueError) as error:
        sys.exit(f"error: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="autogaze_train", description=(__doc__ or "").split(";")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    corpus = commands.add_parser("corpus", help="download the packages that contain the images and clips")
    corpus.set_defaults(run=lambda a: make_corpus(a.corpus, a.downloads))
    corpus.add_argument("--corpus", type=Path, required=True, help="folder to fill")
    corpus.add_argument("--downloads", type=Path, required=True, help="folder for the downloaded packages")
    training = commands.add_parser("train", help="train a checkpoint")
    training.set_defaults(run=_train)
    training.add_argument("--corpus", type=Path, required=True, help="folder that corpus made")
    training.add_argument("--out", type=Path, required=True, help="folder for the checkpoint")
    training.add_argument("--config", type=Path, default=_CONFIG, help="config.json of the architecture")
    training.add_argument("--steps", type=int, default=36000, help="optimiser steps")
    training.add_argument("--clips", type=int, default=32, help="clips of a batch")
    training.add_argument("--frames", type=int, default=12, help="frames of a clip")
    training.add_argument("--crops", type=int, default=4000, help="crops of the pictures to prepare")
    training.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    training.add_argument("--seconds", type=float, default=float("inf"), help="time limit of the training")
    training.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    training.add_argument("--seed", type=int, default=1)
    training.add_argument(
        "--weights", type=Path, help="checkpoint folder, or weights.pt of an earlier part, to continue from"
    )
    training.add_argument("--done", type=float, default=0.0, help="share of the training already completed")
    training.add_argument("--until", type=float, default=1.0, help="share of the training at which to stop")
    choosing = commands.add_parser("choose-requirement", help="choose a checkpoint's default requirement")
    choosing.set_defaults(run=_choose_requirement)
    choosing.add_argument("--corpus", type=Path, required=True, help="folder that corpus made")
    choosing.add_argument(
        "--model", type=Path, required=True, help="checkpoint folder; config.json is updated"
    )
    choosing.add_argument("--out", type=Path, help="folder for requirement.json, the measurements")
    choosing.add_argument(
        "--at-least", type=float, default=AT_LEAST_DB, help="PSNR in dB that the output must reach"
    )
    choosing.add_argument("--at-most", type=float, default=AT_MOST, help="highest requirement to choose")
    choosing.add_argument("--clips", type=int, default=6, help="rendered clips of each kind of motion")
    choosing.add_argument("--frames", type=int, default=24, help="frames of a clip")
    choosing.add_argument("--size", type=int, default=224, help="pixels per side of a clip")
    evaluation = commands.add_parser("evaluate", help="measure a checkpoint on held-out clips")
    evaluation.set_defaults(run=_evaluate)
    _add_held_out(evaluation, video_required=True)
    evaluation.add_argument("--out", type=Path, help="folder for evaluation.json, table.md and plot.svg")
    evaluation.add_argument(
        "--complete",
        type=Path,
        metavar="JSON",
        help="an earlier evaluation.json of the same checkpoint and clips: measure only the methods it lacks",
    )
    evaluation.add_argument("--size", type=int, default=224, help="pixels per side of a rendered clip")
    evaluation.add_argument(
        "--workers", type=int, default=1, help="processes among which to divide the clips"
    )
    samples = commands.add_parser("compare-samples", help="compare a checkpoint on the page's sample clips")
    samples.set_defaults(run=_compare_samples)
    samples.add_argument("--model", type=Path, required=True, help="checkpoint folder")
    samples.add_argument("--out", type=Path, help="folder for samples.json and samples.md")
    samples.add_argument("samples", type=Path, nargs="+", metavar="VIDEO", help="the clips")
    calibration = commands.add_parser("calibrate", help="compare predicted with true task losses")
    calibration.set_defaults(run=_calibrate)
    _add_held_out(calibration)
    calibration.add_argument("--out", type=Path, help="folder for calibration.json")
    calibration.add_argument("--size", type=int, default=224, help="pixels per side of a rendered clip")
    diagnosis = commands.add_parser("diagnose", help="print where a checkpoint's choices lose, as JSON")
    diagnosis.set_defaults(run=_diagnose)
    _add_held_out(diagnosis)
    diagnosis.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add_encoder_commands(commands)
    return parser


def _add_held_out(command: argparse.ArgumentParser, video_required: bool = False) -> None:
    """The options of a command that measures a checkpoint on held-out clips."""
    command.add_argument("--model", type=Path, required=True, help="checkpoint folder")
    command.add_argument(
        "--corpus", type=Path, help="folder that corpus made; without it, only the video is used"
    )
    command.add_argument("--video", type=Path, required=video_required, help="a real, held-out video")
    command.add_argument("--clips", type=int, default=6, help="rendered clips of each kind of motion")
    command.add_argument("--frames", type=int, default=24, help="frames of a clip")


def _diagnose(arguments: argparse.Namespace) -> None:
    network = load_network(arguments.model, arguments.device)
    size, found = network.config.input_img_size, {}
    for named in _held_out(arguments, size):
        clips = [np.stack([as_input(frame, size) for frame in clip]) for clip in named.clips]
        pixels = torch.from_numpy(np.stack(clips)).permute(0, 1, 4, 2, 3)
        found[named.kind] = diagnose(network, pixels.to(arguments.device))
    print(json.dumps(found, indent=1))


def _held_out(arguments: argparse.Namespace, size: int) -> list[Named]:
    """The real videos, and clips of ``size`` pixels per side rendered from the held-out pictures."""
    if not (arguments.video or arguments.corpus):
        raise ValueError("there are no clips to measure: give --corpus, --video or both")
    named = []
    if arguments.video:
        named.append(real("real: example_input", arguments.video, arguments.frames))
    if arguments.corpus:
        folders = arguments.corpus / "held-out" / "clips"
        for folder in sorted(folders.iterdir()) if folders.is_dir() else ():
            named.append(real(f"real: {folder.name}", folder, arguments.frames))
        named += rendered(arguments.corpus, KINDS, arguments.clips, arguments.frames, size)
    return named


def _choose_requirement(arguments: argparse.Namespace) -> None:
    size, frames = arguments.size, arguments.frames
    clips = rendered(arguments.corpus, TRAINING_KINDS, arguments.clips, frames, size, "validation")
    measured = measure_requirements(arguments.model, clips)
    chosen = choose(measured, arguments.at_least, arguments.at_most)
    write_requirement(arguments.model, chosen)
    record = as_record(measured, chosen, arguments.at_least, arguments.at_most)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "requirement.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(requirement_table(record["requirements"]))
    print(
        f"{chosen} is the highest up to {arguments.at_most:g} with {arguments.at_least:g} dB or more: "
        "written to config.json"
    )


def _evaluate(arguments: argparse.Namespace) -> None:
    clips = _held_out(arguments, arguments.size)
    if arguments.complete:
        record = json.loads(arguments.complete.read_text("utf-8"))
        results = complete(record, arguments.model, clips, workers=arguments.workers)
    else:
        results = evaluate(arguments.model, clips, workers=arguments.workers)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "evaluation.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
        (arguments.out / "table.md").write_text(table(results), "utf-8")
        (arguments.out / "plot.svg").write_text(plot(results), "utf-8")
    print(table(results))


def _calibrate(arguments: argparse.Namespace) -> None:
    found = calibrate(arguments.model, _held_out(arguments, arguments.size))
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "calibration.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def _compare_samples(arguments: argparse.Namespace) -> None:
    record = compare_samples(arguments.model, arguments.samples)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "samples.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
        (arguments.out / "samples.md").write_text(samples_table(record), "utf-8")
    print(samples_table(record))


def _train(arguments: argparse.Namespace) -> None:
    device = torch.device(arguments.device)
    values = read_config(arguments.config)
    config = AutoGazeConfig.from_dict(values)
    plan = Plan(
        steps=arguments.steps,
        clips=arguments.clips,
        frames=arguments.frames,
        rate=arguments.rate,
        seconds=arguments.seconds,
        seed=arguments.seed,
        done=arguments.done,
        until=arguments.until,
    )
    began = time.monotonic()
    pictures = read_pictures(arguments.corpus, "training", arguments.crops, _CROP_SIDE, device)
    documents = draw_documents(max(4, arguments.crops * 3 // 10), _CROP_SIDE, arguments.seed).to(device)
    screens = Pictures(torch.cat([pictures.crops[: len(documents)], documents]))
    pictures = Pictures(torch.cat([pictures.crops, documents[: len(documents) // 2]]))
    real = RealClips.read(arguments.corpus, "training", device)
    print(
        f"{len(pictures.crops)} pictures, {len(real.videos)} real clips: {time.monotonic() - began:.0f} s",
        flush=True,
    )
    saved = time.monotonic()

    def report(progress: Progress) -> None:
        nonlocal saved
        if progress.step % 100 == 0 or progress.step in (1, 10, 30):
            print(
                f"step {progress.step} {progress.share:.1%} gaze {progress.losses.gaze.item():.4f} "
                f"regret {progress.losses.regret.item():.4f} "
                f"task loss {progress.losses.task_loss.item():.4f} "
                f"noticed {progress.losses.noticed.item():.4f} {time.monotonic() - began:.0f} s",
                flush=True,
            )
        if time.monotonic() - saved > 60:
            saved = time.monotonic()
            save_checkpoint(arguments.out, values, progress.average)

    earlier = earlier_weights(arguments.weights, device) if arguments.weights else None
    trained = train(config, plan, pictures, screens, real, device, report, earlier)
    save_checkpoint(arguments.out, values, trained)
    torch.save(trained, arguments.out / "weights.pt")
    print(json.dumps(_validate(arguments, device), indent=1))


def earlier_weights(path: Path, device: torch.device) -> dict[str, torch.Tensor]:
    """The weights in a checkpoint folder, or in the ``weights.pt`` of an earlier part of the training."""
    if path.is_dir():
        return load_network(path, device).state_dict()
    weights: dict[str, torch.Tensor] = torch.load(path, map_location=device)
    return weights


def _validate(arguments: argparse.Namespace, device: torch.device) -> dict[str, dict[str, float]]:
    """PSNR on validation clips at three budgets, compared with patch-diff and the search at the same cost."""
    network = load_network(arguments.out, device)
    config, geometry = network.config, Geometry.of(network.config, device)
    pictures = read_pictures(arguments.corpus, "validation", 64, _CROP_SIDE, device)
    generator = torch.Generator(device).manual_seed(0)
    kinds = [kind for kind in TRAINING_KINDS for _ in range(4)]
    frames = 2 * config.max_num_frames
    clips = render_clips(pictures, kinds, frames, config.input_img_size, generator)
    errors = Errors.of(clips, geometry)
    k, results = config.decoder.num_multi_token_pred, {}
    for budget in (k, 2 * k, 7 * k):
        everywhere = torch.full((len(kinds),), budget, device=device)
        stops = Stops(everywhere, torch.full_like(everywhere, -torch.inf, dtype=torch.float32))
        own = follow(
            errors,
            covered_by(generate(network, clips, budget, stops, config.max_num_frames), geometry),
        )
        first = torch.zeros(len(kinds), 1, device=device)
        change = follow(errors, covered_by_change(clips, geometry, torch.cat([first, own.updated], 1)))
        greedy = follow(errors, covered_by(greedy_history(errors, geometry, budget), geometry))
        for kind in ("all", *TRAINING_KINDS):
            rows = [i for i, name in enumerate(kinds) if kind in (name, "all")]
            results[f"{kind}, {budget} tokens"] = {
                "updated": round(float(own.updated[rows].float().mean()) / geometry.atoms, 3),
                "psnr": round(float(own.psnr[rows].mean()), 2),
                "patch-diff": round(float(change.psnr[rows].mean()), 2),
                "search": round(float(greedy.psnr[rows].mean()), 2),
                "search updated": round(float(greedy.updated[rows].float().mean()) / geometry.atoms, 3),
            }
    return results


if __name__ == "__main__":
    main()
