"""Files: videos are read, and traces, tables, pictures and videos are written.

Their bytes are made in memory where possible, so the page uses the same code for its downloads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .gaze_store import load_gaze as load_gaze
    from .gaze_store import save_gaze as save_gaze
    from .stored_gaze import StoredGaze as StoredGaze
    from .trace_store import Trace as Trace
    from .trace_store import load_traces as load_traces
    from .trace_store import save_traces as save_traces
    from .video import open_clip as open_clip
    from .video import read_frames as read_frames

__getattr__: Callable[[str], Any]
__dir__: Callable[[], list[str]]
__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "gaze_store": "load_gaze save_gaze",
        "stored_gaze": "StoredGaze",
        "trace_store": "Trace load_traces save_traces",
        "video": "open_clip read_frames",
    },
)
