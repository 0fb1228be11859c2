"""All fuzz targets: every parser, every public function, and the command line."""

from __future__ import annotations

import checkpoint_targets  # noqa: F401 - each of these adds its targets
import clip_targets  # noqa: F401
import encoder_targets  # noqa: F401
import store_targets  # noqa: F401
import value_targets  # noqa: F401
from target import TARGETS

__all__ = ["TARGETS"]
