"""The result of the model for a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..limits import is_whole, shown
from ..masks.cells import Cells
from ..masks.choice import Choice
from .config import AutoGazeConfig
from .fields_mapping import FieldsMapping
from .slots import Slots
from .tokens import ScaleLayout


@dataclass(frozen=True, eq=False)
class Gaze(FieldsMapping):
    """The chosen patches of B videos of T frames: a mapping with the names of upstream's result.

    Attributes:
        gazing_pos: (B,S) int64, id + N * frame, S slots over all frames in order of choice. The value of
            padding means nothing (N + N * frame; -1 + N * frame after resolution adaptation): see the next.
        if_padded_gazing: (B,S) bool, whether a slot is padding.
        num_gazing_each_frame: (T,) int64, slots of each frame, padding included.
        gazing_mask: for each scale (B,T,cells) bool, the chosen cells, row-major.
        num_vision_tokens_each_frame: N.
        confidence: (B,S) float32, the softmax probability of each token among those it was chosen from;
            0 for padding.
        task_loss_prediction: (B,S) float32, the loss predicted if the frame ended with this slot; None after
            resolution adaptation.
        decoder_steps_each_frame: (T,) int64, steps of the decoder; a batch shares them.
        layout: which cell each id is.
        scales: the model's scales in pixels, ascending.
        frame_sampling_rate: frames that share one set of tokens: always 1.
        task_loss_requirement: (B,T) float32, what each frame had to reach; None for no early stop.
        has_task_loss_requirement: whether there was one.
        log_action_probs: always None; upstream computes it for training.
        past_key_values, past_input_embeds, past_attention_mask, past_conv_values: None without
            ``use_cache``; else one and the same object, which the next call takes for all four.

    Examples:
        >>> gaze = model({"video": video}, gazing_ratio=0.1)
        >>> gaze["gazing_pos"].shape, gaze.num_gazing_each_frame.tolist()
        ((1, 52), [26, 26])
        >>> gaze["scales"], gaze["num_vision_tokens_each_frame"]
        ([32, 64, 112, 224], 265)

        Slots of padding are left out of a frame's cells:

        >>> len(gaze.cells(frame=1)) == int((~gaze.if_padded_gazing[0, 26:]).sum())
        True
    """

    gazing_pos: NDArray[np.int64]
    if_padded_gazing: NDArray[np.bool_]
    num_gazing_each_frame: NDArray[np.int64]
    gazing_mask: list[NDArray[np.bool_]]
    num_vision_tokens_each_frame: int
    confidence: NDArray[np.float32]
    task_loss_prediction: NDArray[np.float32] | None
    decoder_steps_each_frame: NDArray[np.int64]
    layout: ScaleLayout
    scales: list[int] = field(default_factory=list)
    frame_sampling_rate: int = 1
    task_loss_requirement: NDArray[np.float32] | None = None
    has_task_loss_requirement: bool = False
    log_action_probs: None = None
    past_key_values: Any = None
    past_input_embeds: Any = None
    past_attention_mask: Any = None
    past_conv_values: Any = None

    def choice(self, frame: int = 0, video: int = 0) -> Choice:
        """What was chosen in one frame; its ids count from 0 in every frame.

        Raises:
            ValueError: if there is no such frame or video.
        """
        sizes = (("frame", frame, len(self.num_gazing_each_frame)), ("video", video, len(self.gazing_pos)))
        for what, given, count in sizes:
            if not is_whole(given) or not 0 <= given < count:
                raise ValueError(f"{what} is 0 to {count - 1}, got {shown(given)}")
        end = int(np.cumsum(self.num_gazing_each_frame)[frame])
        slots = slice(end - int(self.num_gazing_each_frame[frame]), end)
        padded, task_loss = self.if_padded_gazing[video, slots], self.task_loss_prediction
        tokens = self.gazing_pos[video, slots][~padded] - frame * self.num_vision_tokens_each_frame
        return Choice(
            self.layout.cells(tokens, self.confidence[video, slots][~padded]),
            tokens,
            int(padded.sum()),
            int(self.decoder_steps_each_frame[frame]),
            padded,
            None if task_loss is None else task_loss[video, slots],
        )

    def cells(self, frame: int = 0, video: int = 0) -> Cells:
        """The cells chosen in one frame, in the order of choice and without padding."""
        cells = self.choice(frame, video).cells
        assert isinstance(cells, Cells)
        return cells


def assemble(
    frames: Sequence[Slots], config: AutoGazeConfig, requirements: Sequence[Sequence[float | None]]
) -> Gaze:
    """The result of T frames of B videos.

    Args:
        frames: what was decided in each; all slots count.
        requirements: as [video][frame].
    """
    layout = ScaleLayout.of(config)
    num_gazing = [slots.tokens.shape[1] for slots in frames]
    offsets = np.repeat(np.arange(len(frames), dtype=np.int64) * layout.tokens, num_gazing)
    gazing_pos = _joined([slots.tokens for slots in frames]) + offsets
    padded = _joined([slots.padded for slots in frames])
    return Gaze(
        gazing_pos=gazing_pos,
        if_padded_gazing=padded,
        num_gazing_each_frame=np.array(num_gazing, np.int64),
        gazing_mask=layout.gazing_mask(gazing_pos, padded, num_gazing),
        num_vision_tokens_each_frame=layout.tokens,
        confidence=_joined([slots.confidence for slots in frames]),
        task_loss_prediction=_joined([slots.task_loss for slots in frames]),
        decoder_steps_each_frame=np.array([slots.steps[0] for slots in frames], np.int64),
        layout=layout,
        scales=list(config.scales),
        **_required(requirements),
    )


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=1)


def _required(requirements: Sequence[Sequence[float | None]]) -> dict[str, Any]:
    if any(requirement is None for row in requirements for requirement in row):
        return {}
    return {
        "task_loss_requirement": np.array(requirements, np.float32),
        "has_task_loss_requirement": True,
    }
