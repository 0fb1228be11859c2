"""Where the pixels of the page's live view are: in Python's memory or on the GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from ..frames.rgba import Rgba
from ..live.gazer import HeldFrame, Picture
from ..live.plane import Held, Steps, Write, run_steps
from ..live.view import LiveView
from .memory import frame_bytes

if TYPE_CHECKING:  # most pages do without
    from .bridge import Bridge
    from .gpu_plane import PlaneBridge

Result = TypeVar("Result")

_PANELS: Final[tuple[Held, ...]] = ("mask", "output")
_ALL: Final[tuple[Held, ...]] = ("previous", "frame", *_PANELS)


class PagePixels:
    """Runs a view's frames wherever the pixels are, and moves them.

    Args:
        view: the view. While its pixels are on the GPU, it has none of its own.
    """

    def __init__(self, view: LiveView) -> None:
        self._view = view
        self._bridge: PlaneBridge | None = None
        self._gazed: Rgba | None = None

    @property
    def on_gpu(self) -> bool:
        """Whether the pixels are on the GPU."""
        return self._bridge is not None

    async def run(self, steps: Steps[Result]) -> Result:
        """Answers the requests of one of the view's generators."""
        if self._bridge is None:
            return run_steps(steps, self._view.answer)
        from .gpu_plane import drive_plane

        return await drive_plane(steps, self._bridge)

    async def read(self, which: Held) -> Rgba:
        """The pixels of one of the plane's frames, as they are; in memory without a copy."""
        if self._bridge is None:
            return self._view.held(which)
        from .gpu_plane import whole_frame

        return await whole_frame(which, self._view.size, self._bridge)

    async def picture_for_gaze(self, processed: bool, keeper: Bridge | None) -> Picture:
        """The picture that a model is to gaze at, which stays as it is until the next one.

        Args:
            processed: whether it is the frame that was processed last, rather than the next one.
            keeper: the model's bridge, if it may keep a picture that is on its GPU already.
        """
        if self._bridge is None:
            self._gazed = None
            return self._view.frame if processed else self._view.pending
        # The next picture came to the GPU when the page took it.
        row_pixels = 0 if keeper is None else keeper.keep_frame(self._bridge)
        if row_pixels:
            self._gazed = None
            return HeldFrame((*self._view.size, 4), row_pixels)
        self._gazed = await self.read("frame")
        return self._gazed

    @property
    def gazed_picture(self) -> Rgba | None:
        """The picture that was gazed at last, once it was processed; None if it is on the GPU."""
        return self._view.frame if self._gazed is None and self._bridge is None else self._gazed

    async def fetch_gazed_picture(self) -> None:
        """Brings the picture that was gazed at last to memory, between two frames."""
        if self._bridge is not None and self._gazed is None and self._view.can_redraw:
            self._gazed = await self.read("frame")

    async def move_to_gpu(self, bridge: PlaneBridge) -> None:
        """Moves all pixels to the GPU, where the stream goes on."""
        view = self._view
        height, width = view.size
        if view.can_redraw:
            for which in _ALL:
                rows = frame_bytes(await self.read(which))
                if which in _PANELS:
                    bridge.write(which, rows)
                else:
                    # The one received last is the frame, the one before it the previous frame.
                    await bridge.receive(rows, height, width)
        self._gazed = view.frame
        self._bridge = bridge
        view.free_pixels()

    async def move_to_memory(self) -> None:
        """Moves all pixels to memory, where the stream goes on."""
        view = self._view
        if view.can_redraw:
            for which in _ALL:
                pixels = await self.read(which)
                view.answer(Write(which, pixels))
        self._bridge = self._gazed = None

    def lose(self) -> None:
        """The GPU was lost, and the pixels with it: the next frame, in memory, is a keyframe."""
        if self._bridge is not None:
            # What was gazed at last is in memory, where an encoder may still want it.
            self._bridge = None
            self._view.lose_pixels()
