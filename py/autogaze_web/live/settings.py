"""How a live view masks its frames and shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .. import options
from ..limits import expect
from ..masks.cells import Cells
from ..masks.fixations import Fixations, without_grids
from ..masks.footprint import Footprint, Geometry, footprint
from ..masks.patch_diff import PatchDiff
from ..panels.mask_panel import MaskPanel, PanelMode
from ..panels.output import Accumulation
from ..panels.palette import STANDARD


@dataclass(frozen=True)
class MaskSettings:
    """How cells become the mask, and how it is shown.

    Attributes:
        geometry: which rectangles the cells stand for (``masks.footprint``).
        cell_scale: factor of their sides.
        panel: how the mask panel shows them (``panels.mask_panel``).
        hidden: grids whose cells are left out of the mask: they are neither drawn nor copied nor counted.
        palette: colours of the panel (``panels.palette``).
    """

    geometry: Geometry = "native"
    cell_scale: float = 1.0
    panel: PanelMode = "image-mask-only"
    hidden: tuple[int, ...] = ()
    palette: str = STANDARD

    def __post_init__(self) -> None:
        self.footprint(Cells.none(), 1, 1)
        MaskPanel(mode=self.panel, palette=self.palette)

    def footprint(self, cells: Cells | Fixations, height: int, width: int) -> Footprint:
        """The mask of a frame of ``height x width`` pixels: what panel, output and numbers are made from."""
        return footprint(without_grids(cells, self.hidden), height, width, self.geometry, self.cell_scale)


@dataclass(frozen=True)
class LiveSettings:
    """How a live view masks and shows its frames.

    Attributes:
        patch_diff: the mask source's grid and threshold.
        accumulation: output mode, keyframes and blend.
        mask: geometry and panel.
        psnr: whether to measure the PSNR, which takes a third of the time of a camera's frame.

    Examples:
        >>> from autogaze_web import LiveSettings
        >>> settings = LiveSettings.of({"patch-diff-threshold": 0.3, "mask-geometry": "deduplicated"})
        >>> settings.patch_diff.threshold, settings.mask.geometry
        (0.3, 'deduplicated')
        >>> LiveSettings.of({"mask-geometry": "round"})
        Traceback (most recent call last):
        ValueError: ...
    """

    patch_diff: PatchDiff = field(default_factory=PatchDiff)
    accumulation: Accumulation = field(default_factory=Accumulation)
    mask: MaskSettings = field(default_factory=MaskSettings)
    psnr: bool = True

    def __post_init__(self) -> None:
        expect(self.patch_diff, PatchDiff, "patch_diff")
        expect(self.accumulation, Accumulation, "accumulation")
        expect(self.mask, MaskSettings, "mask")

    @staticmethod
    def of(given: Mapping[str, object]) -> LiveSettings:
        """Settings from options by name (``options.json``), defaults for the rest.

        Raises:
            ValueError: naming each option or value that is wrong.
        """
        values = options.parse(given)
        return LiveSettings(
            PatchDiff(int(values["patch-diff-grid"]), float(values["patch-diff-threshold"])),
            Accumulation(
                str(values["visualization-mode"]),  # type: ignore[arg-type]
                int(values["keyframe-duration"]),
                float(values["blend-alpha"]),
            ),
            MaskSettings(
                str(values["mask-geometry"]),  # type: ignore[arg-type]
                float(values["mask-cell-scale"]),
                str(values["mask-visualization"]),  # type: ignore[arg-type]
                options.grids_of(str(values["hidden-scales"])),
                str(values["palette"]),
            ),
            bool(values["show-psnr"]) or bool(values["tint-stale"]),
        )
