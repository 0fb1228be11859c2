"""Runs the built-in model in NVIDIA's own code, compares it with ours, and records NVIDIA's answers.

It needs an environment of its own, because NVIDIA's code needs an older transformers than anything here::

    pip install torch torchvision transformers==4.53.3 einops timm omegaconf loguru wandb pytest
    pip install -e . av pillow safetensors
    python tests/parity/record_built_in.py CHECKOUT [--video FILE ...]

CHECKOUT is a checkout of github.com/NVlabs/AutoGaze. The set-up is proved first: it has to give the answers
that were recorded from that code before. Videos are compared too, and not recorded.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import tempfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import synthetic_formula as formula
import torch
from built_in_clips import CASES, CLIPS, REQUESTS, Frames, Request

from autogaze_web import AutoGaze, AutoGazeImageProcessor
from autogaze_web.files.video import read_frames

MODEL = Path(__file__).parents[2] / "site" / "model"
PROOF = ("generate_16", "many_pads_16", "per_frame_controls_4", "nonsquare_2")
VIDEO_FRAMES = 12
# Two sound implementations in float32 differ by some 0.00002 in a logit, so a nearer decision proves nothing.
TOO_NEAR = 1e-4

Slots = list[list[int]]
"""Of each frame, the tokens in the order of choice; -1: a pad."""


def main() -> None:
    parser = argparse.ArgumentParser(description="run the built-in model in NVIDIA's code and record it")
    parser.add_argument("checkout", type=Path, help="checkout of NVIDIA's AutoGaze")
    parser.add_argument("--video", type=Path, action="append", default=[], help="a video to compare on")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("data") / "built_in.json")
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.checkout))
    torch.set_num_threads(1)
    if not torch.cuda.is_available():
        # The only thing for which this code cannot do without a GPU is moving one number there.
        torch.Tensor.cuda = lambda tensor: tensor  # type: ignore[method-assign]
    prove()

    nvidia, ours = Nvidia(MODEL), Ours()
    cases: dict[str, Any] = {}
    for name, (clip, request) in CASES.items():
        frames = CLIPS[clip]()
        slots, margins = compared(name, nvidia, ours, frames, REQUESTS[request])
        if min(margin for margin in margins.values() if margin is not None) < TOO_NEAR:
            sys.exit(f"error: two tokens are too near each other to be recorded, alter the clip: {name}")
        cases[name] = {"pixels_sha256": formula.digest(frames), "least_margins": margins, "slots": slots}
    for path in arguments.video:
        frames = np.stack(list(read_frames(path, VIDEO_FRAMES)))
        for name, request in REQUESTS.items():
            if isinstance(request.gazing_ratio, tuple):
                request = replace(request, gazing_ratio=(request.gazing_ratio * VIDEO_FRAMES)[: len(frames)])
            compared(f"{path.name}, {name}", nvidia, ours, frames, request)
    record = {
        "made_with": {name: version(name) for name in ("torch", "transformers")},
        "model_sha256": model_digest(),
        "cases": cases,
    }
    arguments.out.write_text(as_json(record), "utf-8")


def prove() -> None:
    """Exits unless NVIDIA's code, as it is set up here, gives what it gave when it was recorded."""
    with tempfile.TemporaryDirectory() as folder:
        nvidia = Nvidia(formula.write_folder(oracle.recipe("tiny"), Path(folder)))
    for name in PROOF:
        case = oracle.read("tiny", name)
        answer = nvidia.call(torch.from_numpy(oracle.video_of(case)), **case["request"])
        for field in ("gazing_pos", "if_padded_gazing", "num_gazing_each_frame"):
            if answer[field].long().tolist() != case["expected"][field]:
                sys.exit(f"error: {field} of the recorded case {name} comes out differently here")
    print(f"proved on {', '.join(PROOF)}")


def compared(
    name: str, nvidia: Nvidia, ours: Ours, frames: Frames, request: Request
) -> tuple[Slots, dict[str, float | None]]:
    """NVIDIA's slots and how narrow the decisions were; exits if ours differ."""
    slots, margins = nvidia.gaze(frames, request)
    if ours.gaze(frames, request) != slots:
        sys.exit(f"error: the tokens differ: {name}")
    tokens = sum(token >= 0 for frame in slots for token in frame)
    print(f"{name}: the same {tokens} tokens in {len(slots)} frames, {margins}")
    return slots, margins


class Ours:
    """The native package on the built-in model."""

    def __init__(self) -> None:
        self.model = AutoGaze.from_pretrained(MODEL)
        self.processor = AutoGazeImageProcessor.from_pretrained(MODEL)

    def gaze(self, frames: Frames, request: Request) -> Slots:
        video = self.processor(frames)
        controls = {
            "gazing_ratio": request.gazing_ratio,
            "task_loss_requirement": request.task_loss_requirement,
        }
        if request.streamed:
            stream = self.model.stream(**controls, window=None)
            gazes = [stream.step(frame) for frame in video]
        else:
            gazes = [self.model.generate(video[None], **controls)]
        return [
            frame
            for gaze in gazes
            for frame in split(gaze.gazing_pos[0], gaze.if_padded_gazing[0], gaze.num_gazing_each_frame)
        ]


class Nvidia:
    """A checkpoint folder in NVIDIA's code, in float32 on the CPU."""

    def __init__(self, folder: Path) -> None:
        from autogaze.models.autogaze import AutoGaze as Model
        from autogaze.models.autogaze import AutoGazeImageProcessor as Processor

        self.model = Model.from_pretrained(str(folder)).eval()
        self.processor = Processor.from_pretrained(str(folder))
        self._calls: list[tuple[np.ndarray, np.ndarray]] = []
        self.model.gazing_model.gaze_decoder.register_forward_hook(self._called)

    def _called(self, _module: Any, _inputs: Any, output: Any) -> None:
        logits, losses = output.logits[0, -1].numpy(), output.task_loss_prediction[0, -1].numpy()
        self._calls.append((logits.reshape(losses.size, -1).copy(), losses.copy()))

    def call(self, video: torch.Tensor, **controls: Any) -> dict[str, Any]:
        """(B,T,3,H,W) to NVIDIA's answer."""
        requirement = controls.pop("task_loss_requirement", None)
        if isinstance(requirement, list):
            requirement = torch.tensor(requirement)
        answer: dict[str, Any] = self.model(
            {"video": video}, task_loss_requirement=requirement, generate_only=True, **controls
        )
        return answer

    def gaze(self, frames: Frames, request: Request) -> tuple[Slots, dict[str, float | None]]:
        """The slots of a clip (T,H,W,3), and the least margins of all decisions."""
        video = self.processor(list(frames), return_tensors="pt")["pixel_values"]
        ratio = request.gazing_ratio
        controls: dict[str, Any] = {
            "gazing_ratio": list(ratio) if isinstance(ratio, tuple) else ratio,
            "task_loss_requirement": request.task_loss_requirement,
        }
        self._calls.clear()
        answers, kept = [], {}
        for part in video.split(1, dim=1) if request.streamed else (video,):
            answer = self.call(part, **controls, use_cache=request.streamed, **kept)
            answers.append(answer)
            # What is returned under one name is asked for under another.
            kept = {
                name: answer[name] for name in ("past_key_values", "past_attention_mask", "past_conv_values")
            }
            kept["past_inputs_embeds"] = answer["past_input_embeds"]
        slots = [
            frame
            for answer in answers
            for frame in split(
                answer["gazing_pos"][0].numpy(),
                answer["if_padded_gazing"][0].numpy(),
                answer["num_gazing_each_frame"].numpy(),
            )
        ]
        asked = answers[0]["task_loss_requirement"]
        return slots, self._margins(slots, math.nan if asked is None else float(asked[0, 0]))

    def _margins(self, slots: Slots, requirement: float) -> dict[str, float | None]:
        """The smallest lead of a chosen logit, and distance of a predicted loss from the requirement."""
        calls = iter(self._calls)
        logit, loss = math.inf, math.inf
        for frame in slots:
            taken: list[int] = []
            for start in range(0, len(frame), len(self._calls[0][1])):
                logits, losses = next(calls)
                logits[:, [*taken, -1]] = -np.inf
                for i, token in enumerate(frame[start : start + losses.size]):
                    second, first = np.partition(logits[i], -2)[-2:]
                    best = int(logits[i].argmax())
                    assert token in (best, -1)
                    logit = min(logit, float(first - second))
                    logits[i + 1 :, best] = -np.inf
                    taken += [token] * (token >= 0)
                    if start + i > 0 and not math.isnan(requirement):
                        loss = min(loss, abs(float(losses[i]) - requirement))
        assert next(calls, None) is None
        return {"logit": round(logit, 5), "task_loss": None if math.isinf(loss) else round(loss, 5)}


def split(positions: np.ndarray, padded: np.ndarray, counts: np.ndarray) -> Slots:
    """The slots of each frame, ids counted from 0 in each."""
    local = np.where(padded, -1, positions - 265 * np.repeat(np.arange(len(counts)), counts))
    return [part.tolist() for part in np.split(local, np.cumsum(counts)[:-1])]


def model_digest() -> str:
    """sha256 of the built-in model: its weights' file, then its config's."""
    total = hashlib.sha256()
    for name in ("model.safetensors", "config.json"):
        total.update((MODEL / name).read_bytes())
    return total.hexdigest()


def as_json(record: dict[str, Any]) -> str:
    """JSON with a line for each frame."""
    text = json.dumps(record, indent=1)
    lines: list[str] = []
    for line in text.splitlines():
        number = line.strip().rstrip(",").lstrip("-").isdigit()
        closes = line.strip().rstrip(",") == "]" and lines and lines[-1].strip()[-1:].isdigit()
        if number or closes:
            lines[-1] += line.strip()
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
