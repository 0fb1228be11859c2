"""The page's hook: set as source code, run on every frame; its picture replaces the output panel."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from ..frames.rgba import Rgba, allocate
from ..live.frame_report import FrameReport
from ..live.view import LiveView

if TYPE_CHECKING:  # the page starts without a hook
    from .user_hook import Hook

# The modules that the page shows: a frame's way from pixels to the output.
SHOWN = (
    "masks/patch_diff.py",
    "masks/cells.py",
    "masks/footprint.py",
    "masks/update_plan.py",
    "live/numpy_plane.py",
    "panels/output.py",
    "panels/mask_panel.py",
    "panels/metrics.py",
    "live/view.py",
    "model/generation.py",
    "page/user_hook.py",
)


_PACKAGE = __name__.split(".")[0]


def source_of(name: str) -> str:
    """The text of one of the package's modules, from the wheel that runs.

    Raises:
        ValueError: if it is none of those that are shown.
    """
    if name not in SHOWN:
        raise ValueError(f"modules are {', '.join(SHOWN)}, got {name!r}")
    return (resources.files(_PACKAGE) / name).read_text(encoding="utf-8")


class PageHook:
    """The hook of one live view; ``image`` is what it made of the last frame, None without one."""

    def __init__(self, view: LiveView) -> None:
        self._view = view
        self._hook: Hook | None = None
        self._was_shown = False
        self.image: Rgba | None = None

    @property
    def is_set(self) -> bool:
        """Whether there is a hook."""
        return self._hook is not None

    def set(self, code: str) -> str:
        """Takes a hook's source, an empty one for no hook.

        Returns:
            JSON with ``problem``, empty if there is none, and its ``line`` or null. With a problem the hook
            before stays.
        """
        if not code:
            self._hook = None
            return json.dumps({"problem": "", "line": None})
        from .user_hook import Hook, HookError

        try:
            self._hook = Hook(code)
        except HookError as error:
            return json.dumps({"problem": str(error), "line": error.line})
        return json.dumps({"problem": "", "line": None})

    def run(self, report: FrameReport, tokens: object) -> dict[str, object]:
        """Runs the hook on the processed frame.

        Args:
            report: of that frame.
            tokens: (N,) ids of what was chosen.

        Returns:
            Entries for the page's report: ``hook`` as `user_hook.HookReport`, and the box of the output panel
            that may have changed; empty without a hook.
        """
        whole = {"output_box": (0, 0, report.height, report.width)}
        self.image = None
        if self._hook is None:
            # The last hook's picture must be painted over.
            shown, self._was_shown = self._was_shown, False
            return dict(whole) if shown else {}
        from .user_hook import HookTrace

        footprint = self._view.settings.mask.footprint(self._view.cells, report.height, report.width)
        output = allocate(report.height, report.width)
        output[:] = self._view.output
        trace = HookTrace(report.index, np.asarray(tokens, np.int64), footprint)
        image, result = self._hook.run(self._view.frame, trace, output)
        if result.stopped:
            self._hook = None
        if image is output:
            self.image = output
        elif image is not None:
            del output
            self.image = allocate(report.height, report.width)
            self.image[:] = image
        self._was_shown = True
        return {**whole, "hook": asdict(result)}
