"""The model that chooses the cells of the page's live view: which frames it gets, what it says of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..frames.rgba import Rgba
from ..live.gazer import GazeProgress, Gazer, GazeStream, HeldFrame, LatestGaze, Picture, Timing
from ..masks.choice import Choice, Description
from ..options import Value, requirement
from ..tiles.inference_mode import InferenceMode
from .gaze_encoder import GazeEncoder

if TYPE_CHECKING:  # the page starts without a model
    from .bridge import Bridge
    from .encoder_model import PageEncoder
    from .encoder_runs import EncoderBridge
    from .encoder_session import OnFrame
    from .gaze_streams import GazeStreams
    from .model import PageModel


@dataclass(frozen=True)
class GazedFrame:
    """What a frame is masked with.

    Attributes:
        choice: the newest cells; none before there are any.
        age: frames since the one that they were chosen for.
        numbers: of the report, see `PageSession.process_with_model`.
        source: the model as a trace names it.
    """

    choice: Choice
    age: int
    numbers: dict[str, object]
    source: Description


class PageGaze:
    """The gaze of a model at one live view's frames.

    Attributes:
        still: whether the frames of this stream are one picture, over and over. A model then gazes at the
            first one alone: at a second, equal frame it would choose next to nothing.
        mode: whole frames or tiles.
        encoder: encodes what is gazed at as a whole.
        gazer, streams: None without a model.
    """

    def __init__(self) -> None:
        self.still = False
        self.mode = InferenceMode()
        self.encoder = GazeEncoder()
        self.gazer: Gazer | None = None
        self.streams: GazeStreams | None = None
        self._requirement: float | None = None
        self._still_requirement: float | None = None
        self._timing: Timing = "auto"
        self._shown: LatestGaze | None = None

    @property
    def active(self) -> bool:
        """Whether a model chooses the cells; it does no longer after a failure."""
        return self.streams is not None and self.gazer is not None and not self.gazer.closed

    def configure(self, values: Mapping[str, Value]) -> None:
        """Takes options, by name."""
        self._requirement = requirement(values)
        self._timing = str(values["mask-timing"])  # type: ignore[assignment]
        mode = InferenceMode.of(values)
        if mode != self.mode and self.gazer is not None:
            self.gazer.restart()
        self.mode = mode

    def restart(self) -> None:
        """A new stream begins."""
        if self.gazer is not None:
            self.gazer.restart()
        self.encoder.restart()

    def set_model(
        self,
        model: PageModel,
        graphs: str,
        bridge: Bridge,
        max_tokens: int | None,
        on_update: Callable[[str | None], object],
    ) -> None:
        """See `PageSession.set_model`."""
        from .gaze_streams import GazeStreams  # the page starts without a model

        self.clear_model()
        self.streams = GazeStreams(model, graphs, bridge, max_tokens)
        self.gazer = Gazer(self.open_stream, on_update)

    def limit_tokens(self, max_tokens: int | None) -> None:
        """See `PageSession.limit_tokens`."""
        if self.streams is not None and self.gazer is not None:
            self.streams = replace(self.streams, max_tokens=max_tokens)
            self.gazer.restart()

    def clear_model(self) -> None:
        """Gazes no more."""
        if self.gazer is not None:
            self.gazer.close()
        self.gazer = self.streams = None

    def open_stream(self) -> GazeStream:
        """A new stream of the model."""
        if self.streams is None:
            raise RuntimeError("no model was given")
        self.encoder.restart()
        return self.streams.open(self.mode, self.observe)

    @property
    def frame_keeper(self) -> Bridge | None:
        """What may keep the next frame on the GPU; None where its pixels are needed in memory."""
        needs_pixels = self.mode.tiled or self.encoder.live is not None
        return None if self.streams is None or needs_pixels else self.streams.bridge

    def observe(self, frame: Picture) -> Callable[[GazeProgress], None] | None:
        """See `gaze_streams.Observer`."""
        if isinstance(frame, HeldFrame):
            return None  # an encoder that has just started gets the next one
        return self.encoder.observe(frame, None if self.streams is None else self.streams.model)

    def start_encoder(
        self, model: PageEncoder, bridge: EncoderBridge, on_frame: OnFrame, full: bool, gazed: Rgba | None
    ) -> None:
        """Encodes from now on.

        Args:
            model, bridge, on_frame, full: see `LiveEncoder`.
            gazed: the picture that was gazed at last; None if it is lost.
        """
        self.encoder.start(model, bridge, on_frame, full)
        gazer = self.gazer
        latest = None if gazer is None else gazer.latest
        if gazer is None or latest is None or gazed is None:
            return
        if latest.index == gazer.index and not latest.gaze.tiles:
            # A picture that stands still is gazed at no more.
            observed = self.observe(gazed)
            if observed is not None and latest.gaze.progress >= 1:
                observed(latest.gaze)

    def needs(self, index: int) -> bool:
        """Whether the model has to gaze at the next frame; at a still picture it does so once.

        Args:
            index: frames of the stream before it.
        """
        gazer = self.gazer
        if gazer is None or not self.still:
            return gazer is not None
        if gazer.index >= 0 and self._requirement != self._still_requirement:
            gazer.restart()
        self._still_requirement = self._requirement
        return gazer.index < 0 or index == 0

    def waits(self) -> bool:
        """Whether the next frame will wait for its own cells."""
        if self.gazer is None:
            raise RuntimeError("no model was given")
        self.gazer.timing = self._timing
        return self.gazer.waits

    async def submit(self, picture: Picture, index: int) -> None:
        """Gazes at a frame, see `Gazer.submit`.

        Args:
            index: frames of the stream before it.
        """
        if self.gazer is not None:
            self.gazer.timing = self._timing
            self.encoder.index = index
            await self.gazer.submit(picture, self._requirement)

    @property
    def has_news(self) -> bool:
        """Whether there are cells that no frame was masked with yet."""
        latest = None if self.gazer is None else self.gazer.latest
        return latest is not None and latest is not self._shown

    @property
    def is_new(self) -> bool:
        """Whether the model has got no frame of this stream yet."""
        return self.gazer is not None and self.gazer.index < 0

    def newest(self, waited: bool) -> GazedFrame:
        """What to mask the next frame with.

        Args:
            waited: whether that frame has waited for its own cells.

        Raises:
            RuntimeError: without a model.
        """
        gazer, streams = self.gazer, self.streams
        if gazer is None or streams is None:
            raise RuntimeError("no model was given")
        latest = self._shown = gazer.latest
        numbers: dict[str, object] = {"gazes": gazer.gazes}
        if latest is None:
            source = streams.describe(self.mode, self._requirement)
            return GazedFrame(Choice.none(), 0, {**numbers, "mask_timing": _timing(waited)}, source)
        choice, age = latest.gaze.choice, gazer.index - latest.index
        numbers |= {
            "tokens": int(choice.tokens.size),
            "steps": choice.steps,
            "gaze_ms": latest.seconds * 1000,
            "gaze_stage_ms": dict(latest.gaze.stage_ms),
            "gaze_progress": latest.gaze.progress,
            "tiles": latest.gaze.tiles,
            "mask_age_frames": age,
            "mask_age_ms": (gazer.submitted - latest.submitted) * 1000,
            "mask_timing": _timing(waited or self.still),
        }
        return GazedFrame(choice, age, numbers, streams.describe(self.mode, latest.requirement))


def _timing(waited: bool) -> str:
    return "own" if waited else "newest"
