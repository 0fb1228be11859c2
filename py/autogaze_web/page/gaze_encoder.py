"""The encoder beside the page's live view: which frames it is handed, and when it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..frames.rgba import Rgba
from ..limits import shown
from ..live.gazer import GazeProgress, Gazer

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

    def start(
        self,
        encoder: tuple[PageEncoder, EncoderBridge, OnFrame, bool],
        model: PageModel | None,
        gazer: Gazer | None,
        gazed: Rgba,
    ) -> None:
        """Encodes from now on.

        Args:
            encoder: see `LiveEncoder`.
            model, gazer: what gazes, if anything does.
            gazed: the picture that was gazed at last.
        """
        from .encoder_session import LiveEncoder  # the page starts without

        self.clear()
        self.live = LiveEncoder(*encoder)
        latest = None if gazer is None else gazer.latest
        if gazer is not None and latest is not None and latest.index == gazer.index and not latest.gaze.tiles:
            # A picture that stands still is gazed at no more.
            observed = self.observe(gazed, model)
            if observed is not None and latest.gaze.progress >= 1:
                observed(latest.gaze)

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
