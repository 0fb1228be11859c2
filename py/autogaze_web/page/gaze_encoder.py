"""The encoder beside the page's live view: which frames it is handed, and when it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..frames.rgba import Rgba
from ..limits import shown
from ..live.gazer import GazeProgress

if TYPE_CHECKING:  # the page starts without
    from .encoder_model import PageEncoder
    from .encoder_runs import EncoderBridge
    from .encoder_session import LiveEncoder, OnFrame
    from .model import PageModel


class GazeEncoder:
    """Encodes what a model gazes at as a whole, while there is an encoder.

    Attributes:
        index: frames of the stream before the one that is being submitted to the model.
        live: the encoder, if there is one.
    """

    def __init__(self) -> None:
        self.index = 0
        self.live: LiveEncoder | None = None

    def start(self, model: PageEncoder, bridge: EncoderBridge, on_frame: OnFrame, full: bool) -> None:
        """Encodes from now on, see `LiveEncoder`."""
        from .encoder_session import LiveEncoder  # the page starts without

        self.clear()
        self.live = LiveEncoder(model, bridge, on_frame, full)

    def encode_all(self, full: bool) -> None:
        """Sets whether all patches of a frame are encoded, too."""
        if self.live is not None:
            self.live.full = full

    def restart(self) -> None:
        """A new stream begins."""
        if self.live is not None:
            self.live.restart()

    def clear(self) -> None:
        """Encodes nothing from now on."""
        if self.live is not None:
            self.live.close()
        self.live = None

    def counters(self) -> str:
        """How many frames were ``encoded``, and how many ``skipped`` for a newer one, as JSON."""
        encoder = self.live
        return json.dumps({} if encoder is None else {"encoded": encoder.encoded, "skipped": encoder.skipped})

    def observe(self, frame: Rgba, model: PageModel | None) -> Callable[[GazeProgress], None] | None:
        """See `gaze_streams.Observer`; ``model`` is what gazes."""
        encoder = self.live
        if encoder is None or model is None:
            return None
        grids = model.config.scale_grids()
        if grids != encoder.grids:
            encoder.fail(
                f"the model chooses cells of {shown(list(grids))} per side, but the encoder reads patches of "
                f"{shown(list(encoder.grids))} per side: use a model for its scales"
            )
            return None
        return encoder.take(frame, self.index)
