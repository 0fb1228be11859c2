"""Writes a checkpoint folder in the released format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autogaze_web.model.checkpoint import Checkpoint

from .network import Network

PREPROCESSOR: dict[str, Any] = {
    "do_resize": True,
    "size": {"shortest_edge": 224},
    "resample": 2,
    "do_center_crop": False,
    "do_rescale": True,
    "rescale_factor": 1 / 127.5,
    "offset": True,
    "do_normalize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "image_processor_type": "AutoGazeImageProcessor",
}


def read_config(path: Path) -> dict[str, Any]:
    """The values of a ``config.json``."""
    values: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return values


def save_checkpoint(folder: Path, config: dict[str, Any], weights: dict[str, torch.Tensor]) -> None:
    """Writes config.json, preprocessor_config.json and model.safetensors, the weights as float16.

    Raises:
        CheckpointError: if the written folder is not a complete checkpoint of its config.
    """
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    for name, values in (("config.json", config), ("preprocessor_config.json", PREPROCESSOR)):
        (folder / name).write_text(json.dumps(values, indent=2) + "\n", "utf-8")
    arrays = {name: np.ascontiguousarray(weight.float().cpu().numpy()) for name, weight in weights.items()}
    save_file(
        {name: array.astype(np.float16) for name, array in arrays.items()},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    Checkpoint.from_folder(folder)


def load_network(folder: Path, device: torch.device | str = "cpu") -> Network:
    """The network of a checkpoint folder, in float32."""
    checkpoint = Checkpoint.from_folder(folder)
    network = Network(checkpoint.config)
    network.load_state_dict({name: torch.from_numpy(w.copy()) for name, w in checkpoint.weights.items()})
    return network.to(device)
