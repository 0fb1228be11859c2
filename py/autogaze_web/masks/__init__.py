"""The parts of a frame that matter: selected cells, and the rectangles of pixels they cover.

``footprint.footprint`` turns cells into the mask of a frame, and ``PatchDiff`` selects cells without a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .cells import Cells as Cells
    from .cells import cell_rectangles as cell_rectangles
    from .choice import Choice as Choice
    from .fixations import Fixations as Fixations
    from .footprint import Footprint as Footprint
    from .patch_diff import PatchDiff as PatchDiff
    from .update_plan import UpdatePlan as UpdatePlan
    from .update_plan import plan_update as plan_update

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "cells": "Cells cell_rectangles",
        "choice": "Choice",
        "fixations": "Fixations",
        "footprint": "Footprint",
        "patch_diff": "PatchDiff",
        "update_plan": "UpdatePlan plan_update",
    },
)
