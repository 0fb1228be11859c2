"""`SiglipVisionModel`: a vision encoder that reads only gazed patches, on native ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..encoder.cache import Arrays
from ..encoder.checkpoint import SiglipCheckpoint
from ..encoder.config import SiglipConfig
from ..encoder.encoding import EncodedVideo, VideoEncoding
from ..formats.safetensors_index import INDEX_NAME
from ..frames.arrays import widened
from ..limits import MAX_WINDOW, is_whole, shown
from ..model.checkpoint import WEIGHTS_NAME
from ..model.fields_mapping import FieldsMapping
from ..model.pretrained import pretrained_folder
from ..readout.gazing_info import GazingInfo, real_positions
from .runtime import check_threads, create_session, require_native

if TYPE_CHECKING:
    import onnxruntime as ort

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class EncoderOutput(FieldsMapping):
    """What `SiglipVisionModel` returns: a mapping with the names of upstream's result.

    Attributes:
        last_hidden_state: (B, n, hidden) features of each entry of the gaze, in its order.
        pooler_output: (B, hidden), one vector of each video, over all entries; None without a pooling head.
        hidden_states: if asked for, (B, n, hidden) of the embedded tokens and after each layer.
        encoded_rows: (B,) number of rows that were encoded: real tokens, and where padding is encoded one
            for each frame that has any.
    """

    last_hidden_state: Floats
    pooler_output: Floats | None
    hidden_states: tuple[Floats, ...] | None
    encoded_rows: NDArray[np.int64]


class SiglipVisionModel:
    """SigLIP's vision tower, which encodes only the patches that a gaze names.

    Examples:
        >>> from autogaze_web import SiglipImageProcessor, SiglipVisionModel
        >>> encoder = SiglipVisionModel.from_pretrained(siglip_folder, scales="32+64+112+224")
        >>> pixels = SiglipImageProcessor.from_pretrained(siglip_folder)(frames[:2])[None]
        >>> gaze = model({"video": video}, gazing_ratio=0.05)
        >>> output = encoder(pixels, gazing_info=gaze)
        >>> output.last_hidden_state.shape[:2] == gaze.gazing_pos.shape
        True

        A stream, frame by frame, of which each costs its own tokens:

        >>> stream = encoder.stream()
        >>> gazes = model.stream(gazing_ratio=0.05)
        >>> [stream.step(pixels[0, t], gazes.step(video[0, t])).last_hidden_state.shape[1] for t in (0, 1)]
        [13, 13]
    """

    def __init__(self, checkpoint: SiglipCheckpoint, threads: int | None = None) -> None:
        """Args:
        checkpoint: config and weights.
        threads: CPU threads within an operator, 1 to 1024; None lets ONNX Runtime choose.
        """
        require_native()
        check_threads(threads)
        import onnxruntime as ort

        self.config: SiglipConfig = checkpoint.config
        self._threads = threads
        # Sessions refer to these values without copying them, so they must outlive the sessions.
        self._weights = {
            name: ort.OrtValue.ortvalue_from_numpy(array) for name, array in checkpoint.weights.items()
        }
        self._sessions: dict[tuple[str, ...], ort.InferenceSession] = {}

    @staticmethod
    def from_pretrained(
        source: str | Path,
        *,
        scales: str | Sequence[int] | None = None,
        attn_type: str | None = None,
        frame_independent_encoding: bool | None = None,
        attn_implementation: str | None = None,
        threads: int | None = None,
        revision: str | None = None,
    ) -> SiglipVisionModel:
        """Loads a vision tower; of a checkpoint with both towers only the vision tower's tensors are read.

        Args:
            source: a folder with ``config.json`` and ``model.safetensors`` (or shards and their index), or
                the id of a repository such as ``"google/siglip2-base-patch16-224"``; see
                `AutoGaze.from_pretrained`.
            scales: sides in pixels joined by ``+``, for AutoGaze's gaze ``"32+64+112+224"``; by default those
                of config.json, else ``"224"`` as upstream.
            attn_type: ``"block_causal"`` (default), ``"causal"`` or ``"bidirectional"``.
            frame_independent_encoding: whether tokens see their own frame alone.
            attn_implementation: accepted and without effect.
            threads: CPU threads within an operator; None lets ONNX Runtime choose.
            revision: branch, tag or commit of the repository.

        Raises:
            ValueError: if the model is not available, or a file is missing, damaged, or does not fit the
                others; a tensor that is missing is named.
        """
        require_native()
        folder = pretrained_folder(source, ("config.json", (WEIGHTS_NAME, INDEX_NAME)), revision)
        checkpoint = SiglipCheckpoint.from_folder(
            folder,
            scales=scales,
            attn_type=attn_type,
            frame_independent_encoding=frame_independent_encoding,
            attn_implementation=attn_implementation,
        )
        return SiglipVisionModel(checkpoint, threads)

    def __call__(
        self,
        pixel_values: Any,
        gazing_info: Mapping[str, Any] | GazingInfo | None = None,
        *,
        output_hidden_states: bool = False,
        interpolate_pos_encoding: bool = False,  # noqa: ARG002
        encode_padding: bool = True,
    ) -> EncoderOutput:
        """Encodes the gazed patches of whole clips.

        Args:
            pixel_values: (B,T,C,H,W) float32 from `SiglipImageProcessor`; an image is a clip of one frame.
            gazing_info: a `Gaze`, NVIDIA's dictionary or a `GazingInfo`, made for the same scales; None for
                all patches of all frames.
            output_hidden_states: whether to return the embedded tokens and every layer's output too.
            interpolate_pos_encoding: accepted and without effect, as upstream.
            encode_padding: True for upstream's result, in which padding has features and counts in the pooled
                vector. With False the features of padding are 0, and the pooled vector is that of the video
                without padding.

        Raises:
            ValueError: if an argument has a wrong shape, dtype or range.
        """
        video = check_pixels(pixel_values, self.config)
        gazing = checked_gaze(gazing_info, video.shape, self.config)
        states = [VideoEncoding(self.config, padding=encode_padding) for _ in video]
        return self.encode(states, video, gazing, output_hidden_states)

    def stream(self, window: int | None = None, encode_padding: bool = True) -> EncoderStream:
        """A live stream, or a batch of them, that takes one frame or several at a time.

        Args:
            window: frames that a frame attends to, itself included, and that its pooled vector covers; time
                and memory of a frame then stay constant. None for all frames up to now, which equals one call
                with the whole clip; a window equals no call of upstream's, since what is left has seen the
                frames that were dropped.
            encode_padding: see the call.

        Raises:
            ValueError: for an attention in which frames see later ones, or a wrong window.
        """
        if self.config.attn_type == "bidirectional" or (self.config.attn_type == "causal" and encode_padding):
            raise ValueError(
                f"a stream with attn_type {self.config.attn_type} is not possible, because "
                + (
                    "every token sees later frames"
                    if self.config.attn_type == "bidirectional"
                    else "padding sees later frames: use stream(encode_padding=False)"
                )
            )
        if window is not None and (not is_whole(window) or not 1 <= window <= MAX_WINDOW):
            raise ValueError(f"window is 1 to {MAX_WINDOW} frames, or None, got {shown(window)}")
        return EncoderStream(self, window, encode_padding)

    def encode(
        self, states: Sequence[VideoEncoding], video: Floats, gazing: GazingInfo, probed: bool = False
    ) -> EncoderOutput:
        """Encodes the next frames of videos, which advances their states; see `VideoEncoding.runs`."""
        session = self.session(("layer_outputs",) if probed else ())
        names = [output.name for output in session.get_outputs()]
        given = {each.name for each in session.get_inputs()}

        def run(feeds: Arrays) -> Arrays:
            outputs = session.run(names, {name: feeds[name] for name in given})
            return dict(zip(names, outputs, strict=True))

        videos = [_driven(state.runs(video, gazing, index), run) for index, state in enumerate(states)]
        hidden = None
        if probed:
            states_of_layers = np.stack(
                [each.hidden_states for each in videos if each.hidden_states is not None]
            )
            hidden = tuple(states_of_layers.transpose(1, 0, 2, 3))
        pooled = [each.pooler_output for each in videos if each.pooler_output is not None]
        return EncoderOutput(
            np.stack([each.last_hidden_state for each in videos]),
            np.stack(pooled) if pooled else None,
            hidden,
            np.array([each.rows for each in videos], np.int64),
        )

    def session(self, probes: tuple[str, ...] = ()) -> ort.InferenceSession:
        """The graph's session, created on first use."""
        if probes not in self._sessions:
            from ..graph.encoder import encoder_graph

            graph = encoder_graph(self.config, probes)
            self._sessions[probes] = create_session(graph, self._weights, self._threads)
        return self._sessions[probes]


class EncoderStream:
    """Videos that are encoded frame by frame; see `SiglipVisionModel.stream`."""

    def __init__(self, model: SiglipVisionModel, window: int | None, padding: bool) -> None:
        self._model, self._window, self._padding = model, window, padding
        self._states: list[VideoEncoding] = []
        self._in_use = Lock()

    @property
    def cached_rows(self) -> int:
        """Rows of earlier frames whose keys and values are cached, of all videos."""
        return sum(state.cached_rows for state in self._states)

    def step(
        self, pixel_values: Any, gazing_info: Mapping[str, Any] | GazingInfo | None = None
    ) -> EncoderOutput:
        """Encodes the next frame, or frames.

        Args:
            pixel_values: (C,H,W) for one video, or (B,T,C,H,W); B stays that of the first call.
            gazing_info: the gaze at these frames; positions count from the first of them.

        Returns:
            Features of these frames' tokens; the pooled vector covers all frames up to now, or the window.

        Raises:
            ValueError: if an argument has a wrong shape, dtype or range.
            RuntimeError: if another thread is in this call.
        """
        if not self._in_use.acquire(blocking=False):
            raise RuntimeError("this stream is encoding a frame in another thread: use a stream per thread")
        try:
            config = self._model.config
            pixels = widened(pixel_values)
            video = check_pixels(pixels[None, None] if np.ndim(pixels) == 3 else pixels, config)
            gazing = checked_gaze(gazing_info, video.shape, config)
            states = self._states or [VideoEncoding(config, self._window, self._padding) for _ in video]
            if len(states) != len(video):
                raise ValueError(
                    f"this stream began with {len(states)} videos, got {len(video)}: use another stream"
                )
            self._states = states
            return self._model.encode(states, video, gazing)
        finally:
            self._in_use.release()


def _driven(runs: Any, run: Any) -> EncodedVideo:
    try:
        feeds = next(runs)
        while True:
            feeds = runs.send(run(feeds))
    except StopIteration as stop:
        result: EncodedVideo = stop.value
        return result


def check_pixels(pixel_values: Any, config: SiglipConfig) -> Floats:
    """(B,T,C,H,W) float32.

    Raises:
        ValueError: if the pixels have another shape or dtype.
    """
    video = np.asarray(widened(pixel_values))
    if video.dtype.kind != "f":
        raise ValueError(f"pixel_values are float32 values from SiglipImageProcessor, got {video.dtype}")
    if video.ndim != 5 or video.shape[2] != config.num_channels or 0 in video.shape:
        raise ValueError(
            f"pixel_values must have the shape (B, T, {config.num_channels}, H, W), got {video.shape}: "
            "an image is a video of one frame"
        )
    return video.astype(np.float32, copy=False)


def checked_gaze(gazing_info: Any, shape: tuple[int, ...], config: SiglipConfig) -> GazingInfo:
    """The gaze at a video of a shape; None stands for all patches. Negative positions count from the end.

    Raises:
        ValueError: if the gaze is not of this video, or has a position beyond its patches.
    """
    batch, frames = shape[:2]
    patches = config.patch_scales.patches
    if gazing_info is None:
        every = np.broadcast_to(np.arange(frames * patches), (batch, frames * patches))
        return GazingInfo(every, np.zeros(every.shape, np.bool_), np.full(frames, patches))
    gazing = gazing_info if isinstance(gazing_info, GazingInfo) else GazingInfo.of(gazing_info)
    if len(gazing.gazing_pos) != batch:
        raise ValueError(f"the gaze is of {len(gazing.gazing_pos)} videos, but pixel_values are of {batch}")
    total = frames * patches
    position = np.where(gazing.gazing_pos < 0, gazing.gazing_pos + total, gazing.gazing_pos)
    gazing = replace(gazing, gazing_pos=position)
    real_positions(gazing, total)
    return gazing
