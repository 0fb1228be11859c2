"""`AutoGaze`: the model on native ONNX Runtime, with the interface of NVIDIA's code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..formats.safetensors_index import INDEX_NAME
from ..frames.arrays import widened
from ..limits import MAX_STREAMS, is_whole, shown
from ..model.checkpoint import WEIGHTS_NAME, Checkpoint
from ..model.clips import ClipGeneration, Graphs, check_video
from ..model.config import AutoGazeConfig
from ..model.controls import TRAINED_WINDOW, Ratio, StreamControls, Window
from ..model.gaze import Gaze
from ..model.generation import Videos
from ..model.pretrained import pretrained_folder
from ..model.tokens import ScaleLayout
from ..tiles.stitching import TileProgress
from ..tiles.tiled_clips import TiledGeneration
from ..tiles.tiling import TILE_BATCH, TiledFrames, Tiling
from .batch import NativeBatch
from .runtime import NativeRuntime, NativeVideo, drive, drive_rounds, one_by_one, require_native
from .streams import GRAPHS, Stream, StreamGroup, whole_frames

TILES_ON_GPU: Final = 48
"""Tiles of a batch on a GPU: all of a 1080p frame."""

TILES_ON_CPU: Final = 4
"""Tiles of a batch on a CPU, where larger ones are no faster but take more memory."""


class AutoGaze:
    """AutoGaze on native ONNX Runtime, with the calls of NVIDIA's code.

    Examples:
        A clip of (T, H, W, 3) uint8 frames:

        >>> from autogaze_web import AutoGaze, AutoGazeImageProcessor
        >>> model = AutoGaze.from_pretrained(folder)
        >>> processor = AutoGazeImageProcessor.from_pretrained(folder)
        >>> video = processor(frames)[None]
        >>> gaze = model({"video": video}, gazing_ratio=0.75, task_loss_requirement=0.7)
        >>> gaze["gazing_pos"].shape == gaze["if_padded_gazing"].shape
        True

        A live stream, frame by frame:

        >>> stream = model.stream(task_loss_requirement=0.7, max_tokens=16)
        >>> [len(stream.step(frame).cells()) <= 16 for frame in video[0]]
        [True, True, True, True]
    """

    def __init__(self, checkpoint: Checkpoint, threads: int | None = None, device: str = "cpu") -> None:
        """Args:
        checkpoint: config and weights.
        threads: CPU threads within an operator, 1 to 1024; None lets ONNX Runtime choose.
        device: ``cpu``, ``cuda``, or ``auto`` for CUDA where ONNX Runtime has its provider.
        """
        self.config: AutoGazeConfig = checkpoint.config
        self.layout: ScaleLayout = ScaleLayout.of(checkpoint.config)
        self.runtime: NativeRuntime = NativeRuntime(checkpoint, threads, device=device)

    @staticmethod
    def from_pretrained(
        source: str | Path,
        threads: int | None = None,
        *,
        revision: str | None = None,
        device: str = "cpu",
    ) -> AutoGaze:
        """Loads a checkpoint: a folder, or a repository of the Hugging Face hub.

        Args:
            source: a folder with ``config.json`` and ``model.safetensors`` (or shards and their index), or
                the id of a repository such as ``"nvidia/AutoGaze"``: taken from the local Hugging Face cache,
                else downloaded with ``huggingface_hub`` (``pip install 'autogaze-web[hub]'``).
            threads: CPU threads within an operator; None lets ONNX Runtime choose.
            revision: branch, tag or commit of the repository.
            device: ``cpu``, ``cuda``, or ``auto`` for CUDA where ONNX Runtime has its provider.

        Raises:
            ValueError: if the model or device is not available, or a file is missing, damaged, or does not
                fit the others; the message says which and what to do.
        """
        require_native()
        folder = pretrained_folder(source, ("config.json", (WEIGHTS_NAME, INDEX_NAME)), revision)
        return AutoGaze(Checkpoint.from_folder(folder), threads, device)

    @property
    def scales(self) -> list[int]:
        """Sides of the scales in pixels, ascending."""
        return list(self.config.scales)

    @property
    def num_vision_tokens_each_frame(self) -> int:
        """N, the number of token ids of a frame."""
        return self.config.tokens_per_frame

    @property
    def frame_sampling_rate(self) -> int:
        """Frames that share one set of tokens."""
        return 1

    def __call__(
        self,
        inputs: Mapping[str, Any],
        target_scales: Sequence[int] | None = None,
        target_patch_size: int | None = None,
        *,
        gazing_ratio: Ratio | None = None,
        task_loss_requirement: ArrayLike | None = None,
        generate_only: bool = False,  # noqa: ARG002
        use_cache: bool = False,
        past_key_values: GazeCache | None = None,
        past_inputs_embeds: GazeCache | None = None,
        past_attention_mask: GazeCache | None = None,
        past_conv_values: GazeCache | None = None,
    ) -> Gaze:
        """Chooses the patches of whole clips, called as NVIDIA's model is.

        Args:
            inputs: a mapping whose ``"video"`` is (B,T,3,H,W) float32 from the processor; NumPy or PyTorch.
            target_scales, target_patch_size, gazing_ratio, task_loss_requirement: see `generate`.
            generate_only: accepted and without effect; upstream computes probabilities for training if false.
            use_cache: whether the result carries what the next call needs to continue these videos.
            past_key_values, past_inputs_embeds, past_attention_mask, past_conv_values: from the result of the
                call before; all four or none. Each result can be continued once. The context grows with every
                frame, as upstream's does; `stream` has a window.

        Returns:
            Upstream's keys, as a mapping and as attributes; NumPy arrays.

        Raises:
            ValueError: if an argument has a wrong shape, dtype or range.

        Examples:
            >>> gaze = model({"video": video}, gazing_ratio=0.75, task_loss_requirement=0.7)
            >>> gaze["gazing_pos"].shape == gaze["if_padded_gazing"].shape
            True
        """
        past = [past_key_values, past_inputs_embeds, past_attention_mask, past_conv_values]
        cache = past[0]
        if any(each is not cache for each in past) or not isinstance(cache, GazeCache | None):
            raise ValueError(
                "past_key_values, past_inputs_embeds, past_attention_mask and past_conv_values go together: "
                "give all four from one result of a call with use_cache=True, or none"
            )
        if cache is not None and cache.used:
            raise ValueError(
                "this cache was continued already: give that of the newest result, or none to start again"
            )
        generation = ClipGeneration(
            self.config,
            GRAPHS,
            _video(inputs),
            gazing_ratio,
            task_loss_requirement,
            target_scales,
            target_patch_size,
            None if cache is None else cache.videos,
        )
        if cache is None:
            tensors = [NativeVideo(self.runtime) for _ in range(len(generation.videos))]
        else:
            tensors, cache.used = cache.tensors, True
        gaze = drive(generation.runs(), tensors)
        if not use_cache:
            return gaze
        new = GazeCache(generation.videos, tensors)
        return replace(
            gaze,
            past_key_values=new,
            past_input_embeds=new,
            past_attention_mask=new,
            past_conv_values=new,
        )

    def generate(
        self,
        video: NDArray[np.float32],
        gazing_ratio: Ratio | None = None,
        task_loss_requirement: ArrayLike | None = None,
        target_scales: Sequence[int] | None = None,
        target_patch_size: int | None = None,
    ) -> Gaze:
        """Chooses the patches of whole clips.

        Args:
            video: (B,T,3,H,W) float32 from the processor; resized to the model's square if it has another
                size. Videos of a batch influence one another, as they do upstream.
            gazing_ratio: 0 .. 1, the share of tokens that a frame may use; or one for each frame.
            task_loss_requirement: predicted loss at which a frame stops; a number or (B,T).
            target_scales, target_patch_size: for videos of another resolution: sides of the scales in pixels,
                and of a patch. The video must be square of ``target_scales[-1]`` and is processed in tiles.

        A ratio alone means no early stop, a requirement alone no limit, neither the checkpoint's defaults.

        Raises:
            ValueError: if an argument has a wrong shape, dtype or range.

        Examples:
            >>> gaze = model.generate(video, gazing_ratio=0.1, task_loss_requirement=0.7)
            >>> len(gaze.cells(frame=0)) <= 26
            True
        """
        return self(
            {"video": video},
            target_scales,
            target_patch_size,
            gazing_ratio=gazing_ratio,
            task_loss_requirement=task_loss_requirement,
        )

    def generate_tiled(
        self,
        clip: NDArray[np.float32],
        tiling: Tiling,
        gazing_ratio: float | None = None,
        task_loss_requirement: float | None = None,
        max_tokens: int | None = None,
        batch_size: int = TILE_BATCH,
    ) -> Iterator[TileProgress]:
        """Chooses the patches of one clip of large frames tile by tile; stop iterating to abort the rest.

        Args:
            clip: (T,3,H,W) float32 from ``processor.without_resizing()``.
            tiling: for frames of H x W, with tiles of ``config.input_img_size``.
            gazing_ratio, task_loss_requirement: as for `generate`, for every tile and frame.
            max_tokens: a second limit on the tokens of a tile's frame; the smaller of this and the ratio's
                holds.
            batch_size: tiles between two states that are yielded; does not change the result.

        Yields:
            The state after each batch: fixations of the frames up to now. The last one is the result.

        Raises:
            ValueError: if an argument has a wrong shape, dtype or range.

        Examples:
            >>> from autogaze_web import AutoGazeImageProcessor, Tiling
            >>> clip = AutoGazeImageProcessor().without_resizing()(frames[:1])
            >>> tiling = Tiling.anyres(*frames.shape[1:3])
            >>> *_, last = model.generate_tiled(clip, tiling, max_tokens=4, batch_size=2)
            >>> last.done, last.total
            (4, 4)
        """
        frames = TiledFrames.of(check_video(np.asarray(widened(clip))[None])[0], tiling)
        controls = StreamControls(gazing_ratio, task_loss_requirement, max_tokens=max_tokens)
        graphs, at_once = self.tile_graphs(controls)
        generation = TiledGeneration(
            self.config, graphs, frames, controls, batch_size, at_once=min(at_once, batch_size)
        )
        return self.drive_tiles(generation)

    def tile_graphs(self, controls: StreamControls) -> tuple[Graphs, int]:
        """The graphs for tiles on this device, and how many tiles `drive_tiles` computes at once."""
        graphs = whole_frames(self, controls)
        if self.runtime.batches:
            return graphs, TILES_ON_GPU
        # With several steps, frames that end early would wait for those that do not.
        # Tiles of one batch are at the same frame, so that their contexts can grow together.
        return (Graphs((1,), ()), TILES_ON_CPU) if graphs.frame_steps == (1,) else (GRAPHS, 1)

    def drive_tiles(self, generation: TiledGeneration) -> Iterator[TileProgress]:
        """Executes a tiled generation; see `generate_tiled`."""
        for batch in generation.batches():
            for first in range(batch.start, batch.stop, generation.at_once):
                tiles = range(first, min(first + generation.at_once, batch.stop))
                rounds = generation.rounds(tiles)
                if self.runtime.batches or generation.at_once > 1:
                    gazes = drive_rounds(rounds, NativeBatch(self.runtime, len(tiles)).execute)
                else:
                    gazes = drive_rounds(rounds, one_by_one([NativeVideo(self.runtime) for _ in tiles]))
                generation.add(tiles, gazes)
            yield generation.progress()

    def stream(
        self,
        gazing_ratio: float | None = None,
        task_loss_requirement: float | None = None,
        window: Window = TRAINED_WINDOW,
        max_tokens: int | None = None,
        coverage_stop: float | None = None,
    ) -> Stream:
        """A live stream that takes one frame at a time.

        Args:
            gazing_ratio, task_loss_requirement: as for `generate`, for all frames.
            max_tokens: a second limit on the tokens of a frame, at least 1; the smaller of this and the
                ratio's holds. The command line and the page put it in place of the config's ratio instead.
            window: number of frames that a frame attends to, including itself; by default the number that
                the model was trained on (``max_num_frames``). The first ``window`` frames of a stream equal
                upstream's; after them memory and time per frame stay constant. None: upstream's context,
                which grows without limit.
            coverage_stop: a frame ends when its cells cover this share of it, 0 .. 1; None or 0 for no such
                stop, as upstream.

        Examples:
            >>> stream = model.stream(gazing_ratio=0.1, window=4)
            >>> stream.step(video[0, 0]).num_gazing_each_frame.tolist()
            [26]
        """
        controls = StreamControls(gazing_ratio, task_loss_requirement, window, max_tokens, coverage_stop)
        return Stream(self, controls)

    def streams(
        self,
        count: int,
        gazing_ratio: float | None = None,
        task_loss_requirement: float | None = None,
        window: Window = TRAINED_WINDOW,
        max_tokens: int | None = None,
        coverage_stop: float | None = None,
    ) -> StreamGroup:
        """Several live streams that share one session: a frame of each is computed as one batch.

        Each stream chooses what `stream` chooses. A batch is for GPUs. On a CPU it takes as long as its
        frames one by one, and longer if some end early: all are computed for as long as any could last.

        Args:
            count: of streams, 1 to 1024.
            gazing_ratio, task_loss_requirement, window, max_tokens, coverage_stop: as for `stream`.

        Raises:
            ValueError: if an argument is out of range.

        Examples:
            >>> streams = model.streams(2, max_tokens=8)
            >>> [len(gaze.cells()) <= 8 for gaze in streams.step([video[0, 0], video[0, 1]])]
            [True, True]
        """
        if not is_whole(count) or not 1 <= count <= MAX_STREAMS:
            raise ValueError(f"the number of streams is 1 to {MAX_STREAMS}, got {shown(count)}")
        controls = StreamControls(gazing_ratio, task_loss_requirement, window, max_tokens, coverage_stop)
        return StreamGroup(self, count, controls)


@dataclass
class GazeCache:
    """The context of videos after the frames of one call; stands for all four of upstream's caches.

    Attributes:
        videos, tensors: the state of the videos and their keys and values, which the next call advances.
        used: whether a call has advanced them.
    """

    videos: Videos
    tensors: list[NativeVideo]
    used: bool = False


def _video(inputs: Any) -> Any:
    if not isinstance(inputs, Mapping):
        given = f"a value of type {type(inputs).__name__}"
    elif "video" not in inputs:
        given = f"a mapping with the keys {list(inputs)}"
    else:
        return widened(inputs["video"])
    raise ValueError(f'expected {{"video": array of (B, T, 3, H, W)}}, got {given}')
